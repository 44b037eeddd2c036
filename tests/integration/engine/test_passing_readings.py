"""Images that something passing protects: each is asked about again a day later."""

import asyncio
import dataclasses
import json
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from support.pictures import picture
from support.rig import DELETED_WITHIN, Rig, rig_without_grace, until, wait_until_held

from syncd.ledger.file import changing
from syncd.rules.deletion import RECHECK_INTERVAL
from syncd.sandbox.calls import Call
from syncd.sandbox.outcomes import Outcome
from syncd.sandbox.server import Sandbox
from syncd.sandbox.values import Status


@pytest.fixture
def rig(tmp_path: Path, sandbox: Sandbox) -> Rig:
    return rig_without_grace(tmp_path, sandbox)


def begin_use(rig: Rig, content: bytes) -> Callable[[], object]:
    creative = rig.sandbox.creatives.add("1", str(rig.recorded(content)))
    return lambda: rig.sandbox.creatives.remove(creative)


def begin_review(rig: Rig, content: bytes) -> Callable[[], object]:
    image = rig.sandbox.library.find("1", str(rig.recorded(content)))
    assert image is not None
    rig.sandbox.library.put(dataclasses.replace(image, status=Status.INTERNAL))
    return lambda: rig.sandbox.library.put(image)


def leave_out_times(rig: Rig, _: bytes) -> Callable[[], object]:
    is_over = asyncio.Event()

    async def without_times(call: Call, outcome: Outcome) -> Outcome:
        if call.kind != "list" or is_over.is_set():
            return outcome
        body = json.loads(outcome.body)
        for image in body["data"]:
            del image["created_time"]
        return dataclasses.replace(outcome, body=json.dumps(body).encode())

    rig.sandbox.on_response = without_times
    return is_over.set


@pytest.mark.parametrize(
    ("begin", "note"),
    [
        (begin_use, "a creative or an ad uses it"),
        (begin_review, "its status is not ACTIVE"),
        (leave_out_times, "the times do not show whether syncd uploaded it"),
    ],
)
async def test_an_image_that_a_passing_reading_protects_is_deleted_a_day_later(
    rig: Rig, begin: Callable[[Rig, bytes], Callable[[], object]], note: str
) -> None:
    protected, free = picture(1), picture(2)
    for number in (1, 2, 3):
        rig.write(f"{number}.jpg", picture(number))
    async with rig.running():
        await wait_until_held(rig, protected, free)
        end = begin(rig, protected)
        (rig.folder / "1.jpg").unlink()
        await until(lambda: rig.rows("SELECT reason FROM deletion") == [(note,)])
        end()
        ((next_lookup,),) = rig.rows("SELECT retry_at FROM deletion")
        assert abs(next_lookup - time.time() - RECHECK_INTERVAL) < 60
        (rig.folder / "2.jpg").unlink()
        await until(lambda: not rig.holds(free), DELETED_WITHIN)
        assert rig.holds(protected)
        with changing(rig.ledger) as db:  # a day passes
            db.execute("UPDATE deletion SET retry_at = retry_at - ?", (RECHECK_INTERVAL,))
        await until(lambda: not rig.holds(protected), DELETED_WITHIN)
    assert rig.sandbox.counts.calls("1", "delete") == 2
