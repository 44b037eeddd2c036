"""The real process with a ledger on a full disk."""

import shutil

import pytest
from support.mounts import own_mounts
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


async def test_a_ledger_on_a_disk_that_was_too_small_works_once_there_is_room(rig: Rig) -> None:
    disk = rig.path / "disk"
    disk.mkdir()
    rig.write("a.jpg", picture(1))
    file = rig.write_config()
    file.write_text(file.read_text().replace(str(rig.ledger), f"{disk}/ledger.db"))
    words = ("run", "--config", str(file))
    with own_mounts(rig.path) as mounts:
        mounts.mount("-t", "tmpfs", "-o", "size=100k", "tmpfs", disk)
        async with running(rig, *words, under=mounts.under) as daemon:
            assert await daemon.process.wait() == 74
        assert daemon.logged("level=error event=daemon.failed", "at least 32 MB")
        mounts.mount("-o", "remount,size=32m", disk)
        async with running(rig, *words, under=mounts.under) as daemon:
            await until(lambda: daemon.logged("image.held", "a.jpg"))
            assert await daemon.end() == 0
