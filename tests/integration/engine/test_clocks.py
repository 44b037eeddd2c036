"""Deletions while the server's clock and ours differ, or one of them is set."""

import time
from pathlib import Path

import pytest
from support.pictures import picture
from support.rig import rig_without_grace, until, wait_until_held

from syncd.ledger.database import changing
from syncd.rules.deletion import MAX_SKEWED, RECHECK_INTERVAL
from syncd.sandbox.server import Sandbox
from syncd.sandbox.switches import Switches


@pytest.mark.parametrize("ahead", [0.0, 7200.0, -7200.0])
async def test_an_image_that_was_in_the_account_before_is_kept(
    tmp_path: Path, ahead: float
) -> None:
    """`ahead` is by how many seconds the server's clock is ahead of ours, all the time."""
    error = [ahead - 3600]
    async with Sandbox(Switches(tier="unlimited"), clock=lambda: time.time() + error[0]) as sandbox:
        rig = rig_without_grace(tmp_path, sandbox)
        theirs, ours = picture(1), picture(2)
        sandbox.hold("1", "theirs.jpg", theirs)
        error[0] = ahead
        rig.write("a.jpg", theirs)
        rig.write("b.jpg", ours)
        rig.write("c.jpg", picture(3))
        async with rig.running():
            await wait_until_held(rig, theirs, ours)
            (rig.folder / "a.jpg").unlink()
            await until(lambda: rig.rows("SELECT reason FROM kept") == [("foreign",)])
            (rig.folder / "b.jpg").unlink()
            await until(lambda: not rig.holds(ours))
        assert rig.holds(theirs)


@pytest.mark.parametrize("before", [7200.0, -7200.0])
async def test_an_image_is_kept_when_the_clocks_have_differed_since_its_upload_for_a_week(
    tmp_path: Path, before: float
) -> None:
    """Our clock is `before` seconds slow at the upload, and then corrected."""
    error = [before - 3600]
    async with Sandbox(Switches(tier="unlimited"), clock=lambda: time.time() + error[0]) as sandbox:
        rig = rig_without_grace(tmp_path, sandbox)
        theirs = picture(1)
        sandbox.hold("1", "theirs.jpg", theirs)
        error[0] = before
        rig.write("a.jpg", theirs)
        rig.write("b.jpg", picture(2))
        async with rig.running():
            await wait_until_held(rig, theirs)
            error[0] = 0.0
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
        assert rig.holds(theirs)
        assert sandbox.counts.calls("1", "delete") == 0
