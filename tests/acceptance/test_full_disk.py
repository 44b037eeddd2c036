"""The real process, and a ledger whose disk takes no more."""

import shutil

import pytest
from support.pictures import picture
from support.process import running
from support.rig import Rig, until


async def test_a_ledger_whose_disk_is_full_ends_the_process_with_a_sentence(rig: Rig) -> None:
    if shutil.which("prlimit") is None:
        pytest.skip("NOT TESTED: there is no prlimit(1) to keep files small")
    for number in range(400):
        rig.write(f"{number}.jpg", picture(number))
    async with running(rig, under=("prlimit", "--fsize=400000")) as daemon:
        assert await daemon.process.wait() == 74
    assert daemon.said("level=error event=daemon.failed", "its disk", "remedy=")
    assert not daemon.said("Traceback")
    async with running(rig) as daemon:  # which goes on from there
        await until(lambda: all(rig.recorded(picture(number)) for number in range(400)))
        assert await daemon.end() == 0
    assert rig.sandbox.counts.repeated_uploads("1") <= 100, "what was under way"
