"""The real process and another disk at the path of a folder, with the same device and inode."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from support.mounts import Mounts, own_mounts
from support.pictures import picture
from support.process import running
from support.rig import until
from support.trial import Trial, logged_once

from syncd.sandbox.server import Sandbox

IMAGES = 12


@pytest.fixture
def trial(tmp_path: Path, sandbox: Sandbox) -> Trial:
    return Trial(tmp_path, sandbox, IMAGES)


@pytest.fixture
def mounts(tmp_path: Path) -> Iterator[Mounts]:
    directory = tmp_path / "mounts"
    directory.mkdir()
    with own_mounts(directory) as mounts:
        yield mounts


def mount_disk(mounts: Mounts, folder: Path) -> tuple[int, int]:
    """Mount a new tmpfs, and return its device and root inode; each reuses the last one's."""
    mounts.mount("-t", "tmpfs", "none", folder)
    found = mounts.inside(folder).stat()
    return found.st_dev, found.st_ino


async def test_another_disk_that_is_mounted_while_syncd_is_stopped_deletes_nothing(
    trial: Trial, mounts: Mounts
) -> None:
    folder = trial.rig.folder
    numbers = mount_disk(mounts, folder)
    trial.fill(mounts.inside(folder))
    async with running(trial.rig, under=mounts.under) as daemon:
        await trial.await_trusted(daemon)
        assert await daemon.end() == 0
    mounts.unmount(folder)
    assert mount_disk(mounts, folder) == numbers
    (mounts.inside(folder) / "new.jpg").write_bytes(picture(600))
    async with running(trial.rig, under=mounts.under) as daemon:
        await until(lambda: trial.rig.recorded(picture(600)) is not None)
        await until(lambda: daemon.logged("folder.suspect", "is a different directory"))
        await trial.await_scans(daemon)
        await trial.assert_nothing_deleted(daemon)
        assert logged_once(daemon, "folder.suspect")


async def test_another_disk_that_is_mounted_while_syncd_runs_deletes_nothing(
    trial: Trial, mounts: Mounts
) -> None:
    folder = trial.rig.folder
    below = mounts.inside(folder)
    numbers = mount_disk(mounts, folder)
    trial.fill(below)
    async with running(trial.rig, under=mounts.under) as daemon:
        await trial.await_trusted(daemon)
        mounts.unmount(folder)
        assert mount_disk(mounts, folder) == numbers
        (below / "sub").mkdir()
        (below / "new.jpg").write_bytes(picture(600))
        await until(lambda: daemon.logged("folder.suspect", "is a different directory"))
        await trial.await_scans(daemon)
        await trial.assert_nothing_deleted(daemon)


async def test_an_older_copy_of_a_disk_deletes_no_newer_image(trial: Trial, mounts: Mounts) -> None:
    folder, copy = trial.rig.folder, trial.rig.path / "copy"
    copy.mkdir()
    mount_disk(mounts, folder)
    trial.fill(mounts.inside(folder))
    async with running(trial.rig, under=mounts.under) as daemon:
        await trial.await_trusted(daemon)
        mounts.mount("-t", "tmpfs", "none", copy)
        mounts.run("cp", "-a", f"{folder}/.", copy)
        (mounts.inside(copy) / "sub" / "0.jpg").unlink()
        mounts.mount("--move", copy, folder)
        await until(lambda: daemon.logged("files.missing", "folder=spring ", "files=1"))
        await trial.await_scans(daemon)
        await trial.assert_nothing_deleted(daemon)
