"""A DELETE that failed is sent again soon, and its image stays unconfirmed until then."""

import asyncio
import time
from hashlib import sha256
from pathlib import Path

import pytest
from structlog.testing import capture_logs
from support.history.driver import let_calls_end
from support.pictures import picture
from support.rig import Rig, rig_without_grace, until, wait_until_held

from syncd.ledger.file import changing
from syncd.model import AccountId, ImageHash
from syncd.rules.deletion import FAILED_DELAY
from syncd.sandbox.calls import Call
from syncd.sandbox.faults import Fault
from syncd.sandbox.outcomes import Outcome
from syncd.sandbox.server import Sandbox

CONTENT = picture(1)
STATE = "SELECT state FROM replicas WHERE sha256 = ?"


@pytest.fixture
def rig(tmp_path: Path, sandbox: Sandbox) -> Rig:
    rig = rig_without_grace(tmp_path, sandbox)
    rig.write("a.jpg", CONTENT)
    rig.write("b.jpg", picture(2))
    return rig


def state(rig: Rig) -> str | None:
    rows = rig.rows(STATE, sha256(CONTENT).hexdigest())
    return rows[0][0] if rows else None


def deletes(rig: Rig) -> int:
    return rig.sandbox.counts.calls("1", "delete")


def read_in(rig: Rig) -> float | None:
    """Return the seconds until the account is read after the DELETE that failed last."""
    rows = rig.rows("SELECT check_at FROM replica WHERE delete_failed = 1")
    return rows[0][0] - time.time() if rows else None


async def fail_to_delete(rig: Rig, *faults: Fault) -> None:
    """Delete the file, and wait until its image's DELETE has failed."""
    await wait_until_held(rig, CONTENT)
    for fault in faults:
        rig.sandbox.faults.add(fault)
    (rig.folder / "a.jpg").unlink()
    await until(lambda: read_in(rig) is not None)


def let_time_pass(rig: Rig, seconds: float) -> None:
    """Let the account be read `seconds` earlier, as the daemon notices at once."""
    with changing(rig.ledger) as db:
        db.execute("UPDATE replica SET check_at = check_at - ?", (seconds,))


def is_soon(delay: float | None, seconds: float) -> bool:
    """Return whether `delay` began as `seconds` a moment ago, also on a busy machine."""
    return delay is not None and seconds - 5 < delay <= seconds


@pytest.mark.parametrize("fault", ["1", "html502", "html503"])
async def test_a_deletion_that_failed_once_is_repeated_after_ten_seconds(
    rig: Rig, fault: str
) -> None:
    with capture_logs() as logs:
        async with rig.running():
            await fail_to_delete(rig, Fault(fault, times=1, on="delete"))
            assert is_soon(read_in(rig), FAILED_DELAY)
            assert (deletes(rig), state(rig)) == (1, "unconfirmed")
            let_time_pass(rig, FAILED_DELAY)
            await until(lambda: not rig.holds(CONTENT))
            await until(lambda: rig.rows("SELECT * FROM deletion") == [])
    assert deletes(rig) == 2
    logged = [entry["event"] for entry in logs if entry.get("file") == str(rig.folder / "a.jpg")]
    assert logged.count("deletion.unconfirmed") == 1
    assert logged[-1] == "image.deleted"


async def test_a_deletion_that_failed_twice_is_repeated_after_a_minute(rig: Rig) -> None:
    states = []

    async def respond(call: Call, outcome: Outcome) -> Outcome:
        if call.kind == "delete":
            states.append(state(rig))
        return outcome

    rig.sandbox.on_response = respond
    async with rig.running():
        await fail_to_delete(rig, Fault("1", times=2, on="delete"))
        let_time_pass(rig, FAILED_DELAY)
        await until(lambda: rig.rows("SELECT attempts FROM deletion") == [(2,)])
        assert is_soon(read_in(rig), 60.0)
        assert state(rig) == "unconfirmed"
        let_time_pass(rig, 60.0)
        await until(lambda: rig.rows("SELECT * FROM deletion") == [])
    assert deletes(rig) == 3
    assert states == ["unconfirmed"] * 3  # it was never held between the calls


async def test_a_deletion_that_was_executed_in_spite_of_its_error_is_not_repeated(rig: Rig) -> None:
    with capture_logs() as logs:
        async with rig.running():
            await fail_to_delete(rig, Fault("1", times=1, on="delete", done=True))
            assert state(rig) == "unconfirmed"
            let_time_pass(rig, FAILED_DELAY)
            await until(lambda: rig.rows("SELECT * FROM deletion") == [])
    assert deletes(rig) == 1
    assert "image.deleted" in [entry["event"] for entry in logs]


async def test_a_file_that_returns_before_the_repeat_keeps_its_image(rig: Rig) -> None:
    async with rig.running() as runtime:
        await fail_to_delete(rig, Fault("1", times=1, on="delete"))
        rig.write("a.jpg", CONTENT)
        await until(lambda: rig.rows("SELECT min(wanted) FROM replica") == [(1,)])
        await until(lambda: rig.rows("SELECT max(check_at) FROM replica") != [(None,)])
        assert rig.rows("SELECT max(delete_failed) FROM replica") == [(0,)]
        assert state(rig) == "unconfirmed"  # the DELETE may yet have an effect
        await runtime.ledger.write(let_calls_end())
        runtime.engine.confirmations[AccountId("1")].wake()
        await until(lambda: state(rig) == "held")
        assert rig.holds(CONTENT)
    assert deletes(rig) == 1


@pytest.mark.parametrize("failures", [1, 2])
async def test_a_file_that_returns_is_sent_again_if_a_failed_deletion_has_a_late_effect(
    rig: Rig, failures: int
) -> None:
    async with rig.running() as runtime:
        await fail_to_delete(rig, Fault("1", times=failures, on="delete"))
        image_hash = str(rig.recorded(CONTENT))
        if failures == 2:
            let_time_pass(rig, FAILED_DELAY)
            await until(lambda: rig.rows("SELECT attempts FROM deletion") == [(2,)])
        rig.write("a.jpg", CONTENT)
        await until(lambda: rig.rows("SELECT min(wanted) FROM replica") == [(1,)])
        await until(lambda: rig.rows("SELECT max(check_at) FROM replica") != [(None,)])
        rig.sandbox.library.remove("1", ImageHash(image_hash))  # the call behind a gateway
        let_time_pass(rig, 60.0)
        await until(lambda: rig.holds(CONTENT))
        await until(lambda: rig.rows("SELECT max(resent_at) FROM replica") != [(None,)])
        await runtime.ledger.write(let_calls_end())
        runtime.engine.confirmations[AccountId("1")].wake()
        await until(lambda: state(rig) == "held")
        assert rig.holds(CONTENT)


async def test_a_deletion_that_failed_is_repeated_by_the_next_process_after_a_scan(
    rig: Rig,
) -> None:
    async with rig.running():
        await fail_to_delete(rig, Fault("1", times=1, on="delete"))
        let_time_pass(rig, -300)
    reviewed = "SELECT 1 FROM baseline WHERE reviewed_age >= (SELECT started FROM ledger_age)"
    async with rig.running():
        await until(lambda: rig.rows(reviewed) == [(1,)])
        assert (read_in(rig) or 0) > 200  # a restart does not hasten it
        assert (deletes(rig), state(rig)) == (1, "unconfirmed")
        let_time_pass(rig, 310)
        await until(lambda: rig.rows("SELECT * FROM deletion") == [])
    assert (deletes(rig), rig.holds(CONTENT)) == (2, False)


async def test_a_deletion_that_failed_is_not_repeated_while_an_image_waits_for_upload(
    rig: Rig,
) -> None:
    arrived, released = asyncio.Event(), asyncio.Event()

    async def respond(call: Call, outcome: Outcome) -> Outcome:
        if call.kind == "upload":
            arrived.set()
            await released.wait()
        return outcome

    async with rig.running() as runtime:
        await fail_to_delete(rig, Fault("1", times=1, on="delete"))
        rig.sandbox.on_response = respond
        rig.write("c.jpg", picture(3))
        await arrived.wait()
        let_time_pass(rig, FAILED_DELAY)
        await until(lambda: (read_in(rig) or 0) > FAILED_DELAY)  # its read is the usual one
        await runtime.engine.confirmations[AccountId("1")].run_once()  # the pass before has ended
        released.set()
    assert (deletes(rig), rig.holds(CONTENT)) == (1, True)


async def test_a_deletion_that_failed_is_not_repeated_while_it_awaits_the_operator(
    rig: Rig,
) -> None:
    async with rig.running() as runtime:
        await fail_to_delete(rig, Fault("1", times=1, on="delete"))
        with changing(rig.ledger) as db:
            db.execute("UPDATE deletion SET state = 'held'")
        let_time_pass(rig, FAILED_DELAY)
        await until(lambda: (read_in(rig) or 0) > FAILED_DELAY)  # its read is the usual one
        await runtime.engine.confirmations[AccountId("1")].run_once()  # the pass before has ended
        assert state(rig) == "unconfirmed"
    assert (deletes(rig), rig.holds(CONTENT)) == (1, True)


async def test_a_rejected_repeat_leaves_the_image_unconfirmed(rig: Rig) -> None:
    async with rig.running():
        await fail_to_delete(
            rig, Fault("1", times=1, on="delete"), Fault("100", times=1, on="delete")
        )
        let_time_pass(rig, FAILED_DELAY)
        reason = "SELECT reason FROM deletion WHERE reason LIKE '%rejected%'"
        await until(lambda: rig.rows(reason) != [])
        assert state(rig) == "unconfirmed"  # the first DELETE may yet have an effect
        await until(lambda: rig.rows("SELECT max(check_at) FROM replica") != [(None,)])
        assert rig.rows(reason) != []
    assert deletes(rig) == 2
