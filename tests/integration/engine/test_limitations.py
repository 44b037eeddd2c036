"""Limitations of an account are learned once, kept over a restart, and tried again later."""

import json
import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs
from support.pictures import picture
from support.process import Ended, syncd
from support.rig import Rig, until

from syncd.ledger.file import changing
from syncd.log import timestamp
from syncd.rules.limitation import RETRY
from syncd.sandbox.faults import Fault
from syncd.sandbox.server import Sandbox
from syncd.wording.figures import format_time

HOUR = 3600.0
WORKERS = 4
PER_POST = 25


def logged(logs: Sequence[Any], event: str, level: str | None = None) -> list[Any]:
    return [e for e in logs if e["event"] == event and level in (None, e["log_level"])]


def write_pictures(rig: Rig, first: int, count: int) -> list[bytes]:
    contents = [picture(number) for number in range(first, first + count)]
    for number, content in enumerate(contents, first):
        rig.write(f"{number}.jpg", content)
    return contents


def time_passes(rig: Rig) -> None:
    """Let an hour pass for the beginning of each limitation, and the time for its next try."""
    with changing(rig.ledger) as db:
        db.execute("UPDATE learned SET retry_at = 1, since = since - 3600")


def known(rig: Rig) -> list[tuple[str, bool]]:
    """Return each limitation in the ledger, and whether the time for its next try has come."""
    return rig.rows("SELECT what, retry_at = 1 FROM learned ORDER BY what")


def uploads(rig: Rig, account: str = "1") -> int:
    return rig.sandbox.counts.calls(account, "upload")


async def backfill(rig: Rig, first: int, count: int, account: str = "1") -> tuple[int, list[Any]]:
    """Send new pictures; return how many uploads that took, and what was logged."""
    contents, before = write_pictures(rig, first, count), uploads(rig, account)
    with capture_logs() as logs:
        assert (await rig.backfill()).in_sync
    assert all(rig.holds(content, account) for content in contents)
    return uploads(rig, account) - before, list(logs)


def assert_learned(logs: Sequence[Any], what: str) -> None:
    (learned,) = logged(logs, "limitation.learned", "warning")
    assert learned["what"] == what
    assert not logged(logs, "limitation.ended")


def assert_silent(logs: Sequence[Any]) -> None:
    assert not logged(logs, "limitation.learned")
    assert not logged(logs, "limitation.ended")


def assert_ended(logs: Sequence[Any], what: str, hours: int) -> None:
    (ended,) = logged(logs, "limitation.ended", "notice")
    assert ended["what"] == what
    assert hours * HOUR <= ended["duration"] < hours * HOUR + 60
    assert not logged(logs, "limitation.learned")


async def test_one_image_per_post_is_learned_kept_renewed_and_ended(rig: Rig) -> None:
    rig.sandbox.switches = replace(rig.sandbox.switches, many_files="refuse")
    _, logs = await backfill(rig, 0, 60)
    assert_learned(logs, "single_images")
    posts, logs = await backfill(rig, 100, 10)
    assert_silent(logs)
    assert posts == 10
    time_passes(rig)
    posts, logs = await backfill(rig, 200, 60)
    assert_silent(logs)
    assert 60 < posts <= 60 + 10, "it was tried, and rejected"
    assert known(rig) == [("single_images", False)]
    time_passes(rig)
    rig.sandbox.switches = replace(rig.sandbox.switches, many_files="accept")
    _, logs = await backfill(rig, 300, 60)
    assert_ended(logs, "single_images", 2)
    assert known(rig) == []


async def test_an_account_that_takes_no_files_gets_bytes_at_once(rig: Rig) -> None:
    rig.sandbox.switches = replace(rig.sandbox.switches, files="refuse", bytes_name="used")
    posts, logs = await backfill(rig, 0, 60)
    assert_learned(logs, "bytes_only")
    assert posts <= 60 + WORKERS * 10, "each worker halves its POST, and three images prove it"
    assert {image.name for image in rig.sandbox.library.images("1")} == {
        f"{number}.jpg" for number in range(60)
    }
    posts, logs = await backfill(rig, 100, 30)
    assert_silent(logs)
    assert posts == 30
    time_passes(rig)
    posts, logs = await backfill(rig, 200, 30)
    assert_silent(logs)
    assert 30 < posts <= 30 + WORKERS + 1, "a file was tried, and rejected"
    assert known(rig) == [("bytes_only", False)]
    time_passes(rig)
    rig.sandbox.switches = replace(rig.sandbox.switches, files="accept")
    posts, logs = await backfill(rig, 300, 60)
    assert_ended(logs, "bytes_only", 2)
    assert posts <= 2 * WORKERS + 3
    assert known(rig) == []


def iso(at: float) -> str:
    """Return a time as --json prints it."""
    return timestamp(datetime.fromtimestamp(at, UTC))


async def command(rig: Rig, *words: str) -> Ended:
    ended = await syncd(rig, *words, "--config", str(rig.write_config()))
    assert ended.code == 0, ended.err
    return ended


async def test_the_status_lists_a_limitation_until_the_account_takes_it_again(rig: Rig) -> None:
    rig.sandbox.switches = replace(rig.sandbox.switches, files="refuse")
    _, logs = await backfill(rig, 0, 20)
    assert_learned(logs, "bytes_only")
    ((since, retry_at),) = rig.rows("SELECT since, retry_at FROM learned")
    status = json.loads((await command(rig, "status", "--json")).out)
    assert status["accounts"]["main"]["limitations"] == [
        {"what": "bytes_only", "source": None, "since": iso(since), "retry_at": iso(retry_at)}
    ]
    printed = (await command(rig, "status")).out
    assert "main: bytes_only: the account rejects images as files" in printed
    assert f"tried again {format_time(retry_at)}" in printed


async def test_the_operator_lets_a_running_daemon_try_a_limitation_again(rig: Rig) -> None:
    rig.sandbox.switches = replace(rig.sandbox.switches, files="refuse")
    await backfill(rig, 0, 20)
    rig.sandbox.switches = replace(rig.sandbox.switches, files="accept")

    async def upload(number: int) -> None:
        rig.write(f"{number}.jpg", picture(number))
        await until(lambda: rig.recorded(picture(number)) is not None)

    with capture_logs() as logs:
        async with rig.running():
            await upload(100)
            assert known(rig) == [("bytes_only", False)]  # it is not tried again by itself
            ended = await command(rig, "retry")
            for number in range(101, 1000):
                await upload(number)
                if logged(logs, "limitation.ended"):  # the daemon reads the ledger each second
                    break
    assert ended.out == "0 accounts will be tried again\n1 limitation will be tried again\n"
    assert known(rig) == []
    assert not logged(logs, "limitation.learned")


async def test_a_limitation_that_continues_is_renewed_after_the_operator_let_it_be_tried_again(
    rig: Rig,
) -> None:
    rig.sandbox.switches = replace(rig.sandbox.switches, files="refuse")
    await backfill(rig, 0, 20)
    ((before,),) = rig.rows("SELECT retry_at FROM learned")
    assert "1 limitation" in (await command(rig, "retry")).out
    _, logs = await backfill(rig, 100, 20)
    assert_silent(logs)
    ((after,),) = rig.rows("SELECT retry_at FROM learned")
    assert after > before


async def test_three_bad_pictures_do_not_mean_that_the_account_takes_no_files(rig: Rig) -> None:
    for number in (3, 30, 50):
        rig.sandbox.faults.add(Fault("1487411", image=f"{number}.jpg"))
    _, logs = await backfill(rig, 0, 60)
    assert_silent(logs)


async def test_responses_that_name_no_image_end_shared_posts(rig: Rig) -> None:
    odd = replace(rig.sandbox.switches, upload_key="hash", answer_keys="hash_and_url")
    rig.sandbox.switches = odd
    posts, logs = await backfill(rig, 0, 150)
    assert_learned(logs, "unnamed_images")
    assert 150 < posts <= 150 + 2 + WORKERS
    posts, logs = await backfill(rig, 200, 30)
    assert_silent(logs)
    assert posts == 30
    time_passes(rig)
    posts, logs = await backfill(rig, 300, 30)
    assert_silent(logs)
    assert 30 < posts <= 30 + WORKERS
    time_passes(rig)
    rig.sandbox.switches = replace(odd, upload_key="name")
    posts, logs = await backfill(rig, 400, 60)
    assert_ended(logs, "unnamed_images", 2)
    assert posts <= 2 * WORKERS


async def test_the_size_above_which_posts_get_413_is_learned(rig: Rig) -> None:
    size = len(picture(1))
    rig.sandbox.switches = replace(rig.sandbox.switches, max_bytes=8 * size)
    _, logs = await backfill(rig, 0, 200)
    assert_learned(logs, "body_size")
    (learned,) = logged(logs, "limitation.learned")
    assert 3 * size <= learned["max_bytes"] <= 8 * size
    assert 0 < len(logged(logs, "upload.split")) <= 3 * WORKERS * 3
    _, logs = await backfill(rig, 300, 100)
    assert_silent(logs)
    assert not logged(logs, "upload.split")
    time_passes(rig)
    _, logs = await backfill(rig, 400, 100)
    assert_silent(logs)
    assert 0 < len(logged(logs, "upload.split")) <= WORKERS * 3, "it was tried"
    time_passes(rig)
    rig.sandbox.switches = replace(rig.sandbox.switches, max_bytes=10**8)
    posts, logs = await backfill(rig, 600, 100)
    assert_ended(logs, "body_size", 2)
    assert posts <= 12


def copying(path: Path, sandbox: Sandbox) -> Rig:
    return Rig(
        path,
        sandbox,
        accounts={"main": "1", "eu": "2"},
        mirrors=("eu",),
        per_folder='copy = "copy"',
        toml="[pack]\nimages = 2\n",
        workers=1,
    )


async def test_refused_copies_are_learned_from_the_first_response(
    tmp_path: Path, sandbox: Sandbox
) -> None:
    rig = copying(tmp_path, sandbox)
    sandbox.faults.add(Fault("200", account="2", on="copy"))
    _, logs = await backfill(rig, 0, 1, "2")
    assert_learned(logs, "no_copy")
    (learned,) = logged(logs, "limitation.learned")
    assert (learned["account"], learned["source"]) == ("eu", "act_1")
    time_passes(rig)
    before = sandbox.counts.calls("2", "copy")
    _, logs = await backfill(rig, 1, 1, "2")
    assert_silent(logs)
    assert sandbox.counts.calls("2", "copy") == before + 1, "it was tried, and rejected"
    time_passes(rig)
    sandbox.faults.clear()
    _, logs = await backfill(rig, 2, 1, "2")
    assert_ended(logs, "no_copy", 2)
    assert known(rig) == []


@pytest.mark.parametrize("code", ["100", "1487411", "803", "2490361", "1"])
async def test_copies_that_fail_for_any_reason_become_uploads(
    tmp_path: Path, sandbox: Sandbox, code: str
) -> None:
    rig = copying(tmp_path, sandbox)
    sandbox.faults.add(Fault(code, account="2", on="copy"))
    _, logs = await backfill(rig, 0, 10, "2")
    assert_learned(logs, "no_copy")
    (learned,) = logged(logs, "limitation.learned")
    assert f": {code}" in learned["why"] or f"/{code}:" in learned["why"]
    assert 3 <= sandbox.counts.calls("2", "copy") <= 7
    before = sandbox.counts.calls("2", "copy")
    _, logs = await backfill(rig, 10, 6, "2")
    assert_silent(logs)
    assert sandbox.counts.calls("2", "copy") == before
    time_passes(rig)
    sandbox.faults.clear()
    _, logs = await backfill(rig, 20, 6, "2")
    assert_ended(logs, "no_copy", 1)


async def test_copies_that_fail_with_everything_else_are_copies_again_afterwards(
    tmp_path: Path, sandbox: Sandbox
) -> None:
    rig = copying(tmp_path, sandbox)
    write_pictures(rig, 0, 6)
    sandbox.faults.add(Fault("1", account="2", times=3))
    with capture_logs() as logs:
        assert (await rig.backfill()).in_sync
    assert_silent(logs)
    assert sandbox.counts.calls("2", "copy") >= 6


async def test_a_limitation_far_in_the_future_is_tried_again_at_once(rig: Rig) -> None:
    rig.sandbox.switches = replace(rig.sandbox.switches, files="refuse")
    await backfill(rig, 0, 4)
    with changing(rig.ledger) as db:
        db.execute("UPDATE learned SET retry_at = retry_at + 1000 * 86400")
    await backfill(rig, 4, 1)
    ((recorded,),) = rig.rows("SELECT retry_at FROM learned")
    assert recorded < time.time() + RETRY


async def test_new_files_do_not_each_try_again_what_is_known_to_fail(rig: Rig) -> None:
    rig.sandbox.switches = replace(rig.sandbox.switches, files="refuse")
    await backfill(rig, 0, 60)
    time_passes(rig)
    before = uploads(rig)
    rig.sandbox.faults.add(Fault("slow", seconds=0.1))  # most files wait when the first is rejected
    with capture_logs() as logs:
        async with rig.running():
            await until(lambda: bool(logged(logs, "scan.done") and logged(logs, "watch.ready")))
            contents = write_pictures(rig, 100, 60)
            await until(lambda: all(rig.recorded(content) for content in contents))
    assert 60 < uploads(rig) - before <= 60 + WORKERS
