"""The real process and files that are absent: only those that were deleted leave the account."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from support.mounts import Mounts
from support.pictures import picture
from support.process import running, syncd
from support.rig import until
from support.trial import Trial, logged_once

from syncd.sandbox.server import Sandbox

IMAGES = 6


@pytest.fixture
def trial(tmp_path: Path, sandbox: Sandbox) -> Trial:
    trial = Trial(tmp_path, sandbox, IMAGES)
    trial.rig.write("stays.jpg", picture(500))
    return trial


def replace_directory_by_link(folder: Path) -> None:
    (folder / "sub").rename(folder.parent / "moved")
    (folder / "sub").symlink_to(folder.parent / "moved")


def replace_directory_by_another(folder: Path) -> None:
    (folder / "sub").rename(folder.parent / "moved")
    (folder / "sub").mkdir()


def replace_files_by_links(folder: Path) -> None:
    (folder.parent / "moved").mkdir()
    for path in sorted((folder / "sub").iterdir()):
        moved = path.rename(folder.parent / "moved" / path.name)
        path.symlink_to(moved)


@pytest.mark.parametrize(
    "replace",
    [replace_directory_by_link, replace_directory_by_another, replace_files_by_links],
    ids=lambda function: function.__name__,
)
async def test_files_that_were_replaced_stay_in_the_account(
    trial: Trial, replace: Callable[[Path], None]
) -> None:
    trial.fill(trial.rig.folder)
    async with running(trial.rig) as daemon:
        await until(trial.all_held)
        await trial.await_scans(daemon, "new_or_changed=0")
        replace(trial.rig.folder)
        await until(lambda: daemon.logged("files.kept", "folder=spring "))
        await trial.await_scans(daemon)
        await trial.assert_nothing_deleted(daemon)
        assert logged_once(daemon, "files.kept", "replaced by")
        assert not daemon.logged("files.missing", "folder=spring ")
        assert await daemon.end() == 0
    async with running(trial.rig) as daemon:  # the state continues after a restart
        await trial.await_scans(daemon)
        assert not daemon.logged("files.kept")
        status = await syncd(trial.rig, "status", "--config", trial.config)
        assert "folders.spring" in status.out
        assert "syncd deletions trust spring" in status.out
        assert "files are gone, but were not deleted" in await trial.listed()
        trusted = await trial.decide("trust", "spring")
        assert trusted.code == 0, trusted.err
        await until(lambda: daemon.logged("files.settled", "folder=spring ", "duration="))
        await trial.await_scans(daemon)
        await trial.assert_nothing_deleted(daemon)
        assert (await trial.decide("trust", "spring")).code == 1
        released = await trial.decide("release", "spring")
        assert f"{IMAGES} images will be deleted" in released.out
        await until(lambda: not any(map(trial.rig.holds, trial.contents.values())))
        assert trial.rig.holds(picture(500))
        assert daemon.count("files.settled") == 1


async def test_files_below_a_disk_that_is_mounted_over_them_stay_in_the_account(
    trial: Trial, mounts: Mounts
) -> None:
    trial.fill(trial.rig.folder)
    async with running(trial.rig, under=mounts.under) as daemon:
        await until(trial.all_held)
        await trial.await_scans(daemon, "new_or_changed=0")
        mounts.mount("-t", "tmpfs", "none", trial.rig.folder / "sub")
        await until(lambda: daemon.logged("files.kept", "a disk was mounted"))
        await trial.await_scans(daemon)
        await trial.assert_nothing_deleted(daemon)
        assert not daemon.logged("files.missing", "folder=spring ")
        assert await daemon.end() == 0
    mounts.unmount(trial.rig.folder / "sub")
    async with running(trial.rig, under=mounts.under) as daemon:
        await until(lambda: daemon.logged("files.settled", "folder=spring ", "duration="))
        await trial.await_scans(daemon)
        await trial.assert_nothing_deleted(daemon)
        assert not daemon.logged("files.kept")
        assert "nothing waits" in await trial.listed()


async def test_a_deleted_directory_leaves_the_account(trial: Trial) -> None:
    trial.fill(trial.rig.folder)
    async with running(trial.rig) as daemon:
        await until(trial.all_held)
        await trial.await_scans(daemon, "new_or_changed=0")
        shutil.rmtree(trial.rig.folder / "sub")
        await until(lambda: not any(map(trial.rig.holds, trial.contents.values())))
        assert not daemon.logged("files.kept")
        assert trial.rig.holds(picture(500))


async def test_files_deleted_from_a_disk_below_the_folder_leave_the_account(
    trial: Trial, mounts: Mounts
) -> None:
    below = trial.rig.folder / "sub"
    below.mkdir()
    mounts.mount("-t", "tmpfs", "none", below)
    trial.fill(mounts.inside(trial.rig.folder))
    async with running(trial.rig, under=mounts.under) as daemon:
        await until(trial.all_held)
        await trial.await_scans(daemon, "new_or_changed=0")
        for path in list(mounts.inside(below).iterdir()):
            path.unlink()
        await until(lambda: not any(map(trial.rig.holds, trial.contents.values())))
        assert not daemon.logged("files.kept")
        assert not daemon.logged("folder.suspect")


async def test_files_deleted_after_their_directory_was_moved_and_replaced_leave_the_account(
    trial: Trial,
) -> None:
    trial.fill(trial.rig.folder)
    new = picture(501)
    async with running(trial.rig) as daemon:
        await until(trial.all_held)
        await trial.await_scans(daemon, "new_or_changed=0")
        (trial.rig.folder / "sub").rename(trial.rig.folder / "archive")
        written = trial.rig.write("sub/new.jpg", new)
        await until(lambda: trial.rig.holds(new))
        await trial.await_scans(daemon)
        await trial.assert_nothing_deleted(daemon)
        written.unlink()
        await until(lambda: not trial.rig.holds(new))
        for path in list((trial.rig.folder / "archive").iterdir()):
            path.unlink()
        await until(lambda: not any(map(trial.rig.holds, trial.contents.values())))
        assert not daemon.logged("files.kept")
        assert trial.rig.holds(picture(500))
