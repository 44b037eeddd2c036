"""What other processes record in the ledger reaches a running daemon within a second or two."""

import time
from contextlib import closing

from structlog.testing import capture_logs
from support.pictures import picture
from support.rig import Rig, until

from syncd.engine.lane import Lane
from syncd.ledger import accounts
from syncd.ledger.accounts import Pause, SpentCall
from syncd.ledger.file import changing, connect_writer
from syncd.ledger.statements import Write
from syncd.model import AccountId, Digest

ONE, OTHER = AccountId("1"), 77


def record(rig: Rig, *writes: Write[object]) -> None:
    """Write to the ledger as a command does that only calls the API."""
    with closing(connect_writer(rig.ledger)) as db:
        db.execute("BEGIN IMMEDIATE")
        for write in writes:
            write(db)
        db.execute("COMMIT")


def spent(points: int, process: int = OTHER) -> Write[object]:
    return accounts.record_call(ONE, SpentCall(time.time(), points, 1), 3600.0, process)


def points(lane: Lane) -> int:
    """Return the points that the pacer knows as spent in its window."""
    return lane.pacer.pace.quota.used(time.monotonic()).points


async def test_a_call_of_another_process_is_spent_from_the_budget_once(rig: Rig) -> None:
    async with rig.running() as runtime:
        (lane,) = runtime.engine.lanes.values()
        await until(runtime.engine.restored.is_set)
        assert points(lane) == 0
        record(rig, spent(10))
        await until(lambda: points(lane) == 10)
        record(rig, spent(20), spent(99, process=0))  # 0: a call of the daemon itself
        await until(lambda: points(lane) == 30)
    async with rig.running() as runtime:  # a start reads all of them
        (lane,) = runtime.engine.lanes.values()
        await until(runtime.engine.restored.is_set)
        assert points(lane) == 129


async def test_a_pause_of_another_process_pauses_the_account(rig: Rig) -> None:
    pause = Pause(
        kind="throttled", why="17: w", since=time.time(), until=time.time() + 500, consecutive=1
    )
    async with rig.running() as runtime:
        (lane,) = runtime.engine.lanes.values()
        await until(runtime.engine.restored.is_set)
        with capture_logs() as logs:
            record(rig, accounts.pause([ONE], pause))
            await until(lambda: lane.gate.is_shut)
            await until(lambda: [e["why"] for e in logs if e["event"] == "account.paused"] != [])
        assert lane.health.paused.why == "17: w"
        rig.write("a.jpg", picture(1))
        await until(lambda: lane.missing == 1)
    assert rig.sandbox.counts.calls("1", "upload") == 0


async def test_calls_of_another_process_do_not_hasten_an_image_that_waits(rig: Rig) -> None:
    async with rig.running() as runtime:
        (lane,) = runtime.engine.lanes.values()
        await until(runtime.engine.restored.is_set)
        lane.delayed.retry_after(Digest(bytes(32)), 500.0)
        record(rig, spent(10))
        await until(lambda: points(lane) == 10)
        assert len(lane.delayed) == 1
        with changing(rig.ledger):
            pass  # as `syncd retry` does
        await until(lambda: len(lane.delayed) == 0)
