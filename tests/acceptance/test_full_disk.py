"""The real process with a ledger on a full disk."""

import shutil

import pytest
from support.pictures import picture
from support.process import running
from support.rig import Rig, until


async def test_a_ledger_on_a_full_disk_ends_the_process_with_a_message(rig: Rig) -> None:
    if shutil.which("prlimit") is None:
        pytest.skip("NOT TESTED: prlimit(1), which limits the size of files, is not installed")
    for number in range(400):
        rig.write(f"{number}.jpg", picture(number))
    async with running(rig, under=("prlimit", "--fsize=400000")) as daemon:
        assert await daemon.process.wait() == 74
    assert daemon.logged("level=error event=daemon.failed", "ledger.db: the disk", "remedy=")
    assert not daemon.logged("Traceback")
    async with running(rig) as daemon:  # a second process resumes
        await until(lambda: all(rig.recorded(picture(number)) for number in range(400)))
        assert await daemon.end() == 0
    assert rig.sandbox.counts.repeated_uploads("1") <= 100, "only what was in flight"
