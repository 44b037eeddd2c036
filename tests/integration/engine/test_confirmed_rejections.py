"""Errors that may be temporary reject an image only if they come again later."""

from dataclasses import replace
from hashlib import sha256
from typing import Any

import pytest
from structlog.testing import capture_logs
from support.pictures import picture
from support.rig import Rig, until

from syncd.ledger.file import changing
from syncd.sandbox.faults import Fault

LARGE = picture(99, width=400, height=300)

COUNT_413 = "SELECT count(*) FROM replica WHERE last_error LIKE 'HTTP 413%'"


def logged(logs: list[Any], event: str, file: str = "") -> list[Any]:
    return [e for e in logs if e["event"] == event and str(e["file"]).endswith(file)]


def seconds_pass(rig: Rig, seconds: float) -> None:
    """Let seconds pass since the first error; a change also makes a daemon try again at once."""
    with changing(rig.ledger) as db:
        db.execute("UPDATE replica SET doubted_at = doubted_at - ?", (seconds,))


def uploads(rig: Rig) -> int:
    return rig.sandbox.counts.calls("1", "upload")


@pytest.mark.parametrize("accepted", [[], [picture(98, width=400, height=300)]])
async def test_pictures_that_a_proxy_rejects_as_too_large_for_a_while_are_held(
    rig: Rig, accepted: list[bytes]
) -> None:
    for number, content in enumerate(accepted):
        rig.write(f"accepted{number}.jpg", content)
    await rig.backfill()
    rig.sandbox.faults.add(Fault("413", on="upload"))
    contents = [picture(number) for number in range(10)]
    for number, content in enumerate(contents):
        rig.write(f"{number}.jpg", content)
    with capture_logs() as logs:
        async with rig.running():
            await until(lambda: rig.rows(COUNT_413)[0][0] >= 3)
            rig.sandbox.faults.clear()
            await until(lambda: all(rig.recorded(content) for content in contents))
    assert not logged(logs, "image.rejected")


async def test_an_account_that_gets_413_for_small_pictures_is_failing(rig: Rig) -> None:
    rig.sandbox.faults.add(Fault("413", on="upload"))
    for number in range(10):
        rig.write(f"{number}.jpg", picture(number))
    async with rig.running() as runtime:
        (lane,) = runtime.engine.lanes.values()
        await until(lambda: lane.health.failing.since is not None)
    assert rig.rows("SELECT count(*) FROM replica WHERE rejected IS NOT NULL") == [(0,)]


async def test_an_image_is_rejected_by_the_second_413_ten_minutes_after_the_first(
    rig: Rig,
) -> None:
    rig.sandbox.switches = replace(rig.sandbox.switches, max_bytes=len(LARGE))
    rig.write("small.jpg", picture(1))
    await rig.backfill()
    rig.write("large.jpg", LARGE)
    with capture_logs() as logs:
        async with rig.running():
            await until(lambda: len(logged(logs, "image.retrying")) == 1)
            before = uploads(rig)
            seconds_pass(rig, 590)
            await until(lambda: len(logged(logs, "image.retrying")) == 2)
            assert uploads(rig) == before + 1
    assert not logged(logs, "image.rejected")
    with capture_logs() as logs:
        async with rig.running():
            await until(lambda: len(logged(logs, "image.retrying")) == 1)
            seconds_pass(rig, 10)
            await until(lambda: len(logged(logs, "image.rejected", "large.jpg")) == 1)
    assert rig.rows("SELECT doubted_at FROM replica WHERE rejected IS NOT NULL") == [(None,)]


async def test_an_image_is_not_rejected_by_413_once_the_account_has_taken_a_larger_one(
    rig: Rig,
) -> None:
    larger = picture(100, width=500, height=400)
    rig.sandbox.switches = replace(rig.sandbox.switches, max_bytes=len(LARGE))
    rig.write("small.jpg", picture(1))
    await rig.backfill()
    rig.write("large.jpg", LARGE)
    await rig.backfill()
    rig.sandbox.switches = replace(rig.sandbox.switches, max_bytes=10**8)
    rig.sandbox.faults.add(Fault("413", times=1, on="upload"))
    seconds_pass(rig, 600)
    rig.write("larger.jpg", larger)
    with capture_logs() as logs:
        async with rig.running():
            await until(lambda: all(rig.recorded(content) for content in (LARGE, larger)))
    assert not logged(logs, "image.rejected")


async def test_an_image_that_cannot_be_processed_as_a_file_is_sent_as_bytes(rig: Rig) -> None:
    rig.sandbox.faults.add(Fault("1487197", image="a.jpg"))  # sent as bytes, it has another name
    rig.write("a.jpg", picture(1))
    assert (await rig.backfill()).in_sync
    assert uploads(rig) == 2


async def test_an_image_that_cannot_be_processed_is_rejected_an_hour_later(rig: Rig) -> None:
    rig.sandbox.faults.add(Fault("1487197", image=sha256(picture(1)).hexdigest()))
    rig.write("a.jpg", picture(1))
    with capture_logs() as logs:
        async with rig.running():
            await until(lambda: len(logged(logs, "image.retrying")) == 1)
            assert uploads(rig) == 2, "as a file, and as bytes"
            seconds_pass(rig, 3590)
            await until(lambda: len(logged(logs, "image.retrying")) == 2)
            seconds_pass(rig, 10)
            await until(lambda: len(logged(logs, "image.rejected", "a.jpg")) == 1)
    assert uploads(rig) == 4
    (rejected,) = logged(logs, "image.rejected")
    assert "1487197" in rejected["why"]
    await rig.backfill()
    assert uploads(rig) == 4


async def test_an_image_that_is_processed_an_hour_later_is_held(rig: Rig) -> None:
    rig.sandbox.faults.add(Fault("1487197", times=2, on="upload"))
    rig.write("a.jpg", picture(1))
    assert not (await rig.backfill()).in_sync
    seconds_pass(rig, 3600)
    assert (await rig.backfill()).in_sync
    assert rig.rows("SELECT doubted_at FROM replica") == [(None,)]


@pytest.mark.parametrize("code", ["100", "341", "1", "302", "413"])
async def test_an_image_sent_as_bytes_is_not_rejected_by_an_error_that_is_not_about_it(
    rig: Rig, code: str
) -> None:
    rig.sandbox.faults.add(Fault("1487411", times=1, on="upload"))
    rig.sandbox.faults.add(Fault(code, times=1, on="upload"))
    rig.write("a.jpg", picture(1))
    async with rig.running():
        await until(lambda: uploads(rig) >= 2)
        if code != "341":  # it pauses the account for minutes
            await until(lambda: rig.recorded(picture(1)) is not None)
    assert rig.rows("SELECT count(*) FROM replica WHERE rejected IS NOT NULL") == [(0,)]
