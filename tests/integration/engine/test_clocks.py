"""Deletions while the server's clock and ours differ, or one of them is set."""

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from hashlib import sha256
from pathlib import Path

import pytest
from structlog.testing import capture_logs
from support.pictures import picture
from support.rig import Rig, rig_without_grace, until, wait_until_held

from syncd.ledger import operator_pauses
from syncd.ledger.file import changing
from syncd.ledger.operator_pauses import OperatorPause
from syncd.model import AccountId
from syncd.rules.deletion import MAX_SKEWED, RECHECK_INTERVAL
from syncd.sandbox.faults import parse_fault
from syncd.sandbox.server import Sandbox
from syncd.sandbox.switches import Switches

THEIRS = picture(1)
ACCOUNT = AccountId("1")


@asynccontextmanager
async def with_image_of_others(path: Path, ahead: list[float]) -> AsyncIterator[Rig]:
    """Put an image into an account that has held it for an hour.

    The server's clock is ahead of ours by the seconds in `ahead`, which can change.
    """
    earlier = [3600.0]

    def clock() -> float:
        return time.time() + ahead[0] - earlier[0]

    async with Sandbox(Switches(tier="unlimited"), clock=clock) as sandbox:
        sandbox.hold("1", "theirs.jpg", THEIRS)
        earlier[0] = 0.0
        rig = rig_without_grace(path, sandbox)
        rig.write("a.jpg", THEIRS)
        yield rig


@pytest.mark.parametrize("ahead", [0.0, 7200.0, -7200.0])
async def test_an_image_that_was_in_the_account_before_is_kept(
    tmp_path: Path, ahead: float
) -> None:
    """`ahead` is by how many seconds the server's clock is ahead of ours, all the time."""
    async with with_image_of_others(tmp_path, [ahead]) as rig:
        ours = picture(2)
        rig.write("b.jpg", ours)
        rig.write("c.jpg", picture(3))
        async with rig.running():
            await wait_until_held(rig, THEIRS, ours)
            (rig.folder / "a.jpg").unlink()
            await until(lambda: rig.rows("SELECT reason FROM kept") == [("foreign",)])
            (rig.folder / "b.jpg").unlink()
            await until(lambda: not rig.holds(ours))
        assert rig.holds(THEIRS)


@pytest.mark.parametrize("before", [7200.0, -7200.0])
async def test_an_image_is_kept_when_the_clocks_have_differed_since_its_upload_for_a_week(
    tmp_path: Path, before: float
) -> None:
    """Our clock is `before` seconds slow at the upload, and then corrected."""
    ahead = [before]
    async with with_image_of_others(tmp_path, ahead) as rig:
        rig.write("b.jpg", picture(2))
        async with rig.running():
            await wait_until_held(rig, THEIRS)
            ahead[0] = 0.0
            (rig.folder / "a.jpg").unlink()
            for day in range(MAX_SKEWED):
                await until(lambda: rig.rows("SELECT skewed FROM deletion") == [(day + 1,)])  # noqa: B023
                ((note,),) = rig.rows("SELECT reason FROM deletion")
                assert note.startswith("the clock of the server or of this machine has changed")
                ((next_lookup,),) = rig.rows("SELECT retry_at FROM deletion")
                assert next_lookup > time.time() + RECHECK_INTERVAL - 60
                with changing(rig.ledger) as db:  # a day passes
                    db.execute("UPDATE deletion SET retry_at = 0")
            await until(lambda: rig.rows("SELECT reason FROM kept") == [("clock",)])
        assert rig.rows("SELECT * FROM deletion") == []
        assert rig.holds(THEIRS)
        assert rig.sandbox.counts.calls("1", "delete") == 0


async def test_the_clock_is_not_read_for_an_image_that_is_no_longer_missing(
    tmp_path: Path,
) -> None:
    async with Sandbox(Switches(tier="unlimited")) as sandbox:
        rig = rig_without_grace(tmp_path, sandbox)
        async with rig.running():
            pass
        forever = OperatorPause(since=time.time(), until=None, why=None, user="ann")
        with changing(rig.ledger) as db:
            operator_pauses.begin([ACCOUNT], forever)(db)
        async with rig.running() as runtime:
            file = rig.write("a.jpg", picture(2))
            await until(lambda: rig.rows("SELECT state FROM replicas") == [("missing",)])
            await until(lambda: not runtime.engine.lanes[ACCOUNT].queue.is_idle)
            file.unlink()
            await until(lambda: ("missing",) not in rig.rows("SELECT state FROM replicas"))
            with changing(rig.ledger) as db:
                operator_pauses.end([ACCOUNT])(db)
            await until(lambda: runtime.engine.lanes[ACCOUNT].is_at_rest)
        assert sandbox.counts.calls() == 0


async def test_a_clock_that_cannot_be_read_delays_an_image_which_is_logged_by_its_digest(
    tmp_path: Path, sandbox: Sandbox
) -> None:
    rig = rig_without_grace(tmp_path, sandbox)
    rig.write("a.jpg", THEIRS)
    sandbox.faults.add(parse_fault("reset_before:times=1"))
    with capture_logs() as logs:
        async with rig.running():
            await wait_until_held(rig, THEIRS)
    (entry,) = (one for one in logs if one["event"] == "image.retrying")
    assert (entry["file"], entry["sha256"]) == (None, sha256(THEIRS).hexdigest())
