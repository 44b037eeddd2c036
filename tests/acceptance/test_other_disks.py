"""The real process and another disk at the path of a folder, with the same device and inode."""

import itertools
from pathlib import Path
from subprocess import CalledProcessError

import pytest
from support.mounts import Mounts
from support.pictures import picture
from support.privileges import without_privileges
from support.process import running
from support.rig import until
from support.trial import TRUSTED, Trial, logged_once

from syncd.sandbox.server import Sandbox

IMAGES = 12


@pytest.fixture
def trial(tmp_path: Path, sandbox: Sandbox) -> Trial:
    return Trial(tmp_path, sandbox, IMAGES)


def mount_disk(mounts: Mounts, folder: Path) -> tuple[int, int]:
    """Mount a new tmpfs, and return its device number and root inode."""
    mounts.mount("-t", "tmpfs", "none", folder)
    found = mounts.inside(folder).stat()
    return found.st_dev, found.st_ino


async def replace_disk(mounts: Mounts, folder: Path, numbers: tuple[int, int]) -> None:
    """Unmount the tmpfs at `folder`, and mount a new one with the same device and root inode.

    The kernel gives a new tmpfs the lowest free device number, and other processes take and free
    such numbers, too. So disks that get another number stay mounted elsewhere until one fits.
    """
    mounts.unmount(folder)
    candidates = (folder.parent / f"disk{number}" for number in itertools.count())

    def mounted() -> bool:
        candidate = next(candidates)
        candidate.mkdir()
        if mount_disk(mounts, candidate) != numbers:
            return False
        mounts.mount("--move", candidate, folder)
        return True

    await until(mounted)


async def test_another_disk_that_is_mounted_while_syncd_is_stopped_deletes_nothing(
    trial: Trial, mounts: Mounts
) -> None:
    folder = trial.rig.folder
    numbers = mount_disk(mounts, folder)
    trial.fill(mounts.inside(folder))
    async with running(trial.rig, under=mounts.under) as daemon:
        await trial.await_trusted(daemon)
        assert await daemon.end() == 0
    await replace_disk(mounts, folder, numbers)
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
        await replace_disk(mounts, folder, numbers)
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


async def test_a_mount_that_appears_below_a_folder_pauses_its_deletions_until_a_scan_agrees(
    trial: Trial, mounts: Mounts
) -> None:
    # The disk cannot be read, so that no scan agrees; no scan is due, so that only the event of the
    # mount table can have recorded the pause.
    trial.rig.watch = 'rescan = "1h"'
    trial.rig.toml = trial.rig.toml.replace('grace = "0s"', 'grace = "1h"')
    trial.fill(trial.rig.folder)
    path = trial.rig.write("gone.jpg", picture(500))
    disk = trial.rig.folder / "disk"
    disk.mkdir()
    async with running(trial.rig, under=(*mounts.under, *without_privileges())) as daemon:
        await until(trial.all_held)
        await until(lambda: trial.rig.recorded(picture(500)) is not None)
        await until(lambda: trial.rig.rows(TRUSTED, "spring") != [])
        path.unlink()
        await until(lambda: trial.rig.rows("SELECT 1 FROM deletion") != [])
        mounts.mount("-t", "tmpfs", "-o", "mode=0000,uid=1,gid=1", "none", disk)
        await until(lambda: daemon.logged("directory.unreadable", str(disk)))
        assert "folder spring: has another mount at, above or below it" in await trial.listed()
        mounts.run("chmod", "0755", disk)
        assert await daemon.end() == 0
    async with running(trial.rig, under=(*mounts.under, *without_privileges())) as daemon:
        await until(lambda: trial.rig.rows(TRUSTED, "spring") != [])
        assert all(trial.rig.holds(content) for content in trial.contents.values())
        assert "has another mount" not in await trial.listed()


async def test_a_mount_that_disappears_below_a_folder_pauses_its_deletions(
    trial: Trial, mounts: Mounts
) -> None:
    # As above: the empty mount point cannot be read.
    trial.rig.watch = 'rescan = "1h"'
    trial.rig.toml = trial.rig.toml.replace('grace = "0s"', 'grace = "1h"')
    trial.fill(trial.rig.folder)
    path = trial.rig.write("gone.jpg", picture(500))
    disk = trial.rig.folder / "disk"
    disk.mkdir()
    mounts.mount("-t", "tmpfs", "-o", "mode=0755", "none", disk)
    on_disk = picture(600)
    (mounts.inside(disk) / "there.jpg").write_bytes(on_disk)
    disk.chmod(0)
    async with running(trial.rig, under=(*mounts.under, *without_privileges())) as daemon:
        await until(trial.all_held)
        await until(lambda: all(trial.rig.recorded(c) is not None for c in (picture(500), on_disk)))
        await until(lambda: trial.rig.rows(TRUSTED, "spring") != [])
        path.unlink()
        await until(lambda: trial.rig.rows("SELECT 1 FROM deletion") != [])
        mounts.unmount(disk)
        await until(lambda: daemon.logged("directory.unreadable", str(disk)))
        listed = await trial.listed()
        assert "folder spring: has another mount at, above or below it" in listed
        assert "kept in the accounts: 1 image" in listed
        assert await daemon.end() == 0
    assert trial.rig.holds(on_disk)
    assert trial.rig.rows("SELECT * FROM deletion") == []


@pytest.mark.parametrize("place", ["at", "above"])
async def test_a_mount_at_or_above_a_folder_deletes_nothing_until_it_is_removed(
    trial: Trial, mounts: Mounts, place: str
) -> None:
    trial.fill(trial.rig.folder)
    shared = trial.rig.path / "shared"
    shared.mkdir()
    library = shared / "library"
    trial.rig.folder.rename(library)
    trial.rig.folder.symlink_to(library)
    async with running(trial.rig, under=mounts.under) as daemon:
        await trial.await_trusted(daemon)
        point = library if place == "at" else shared
        mounts.mount("-t", "tmpfs", "none", point)
        if place == "above":
            (mounts.inside(point) / "library").mkdir()
        (mounts.inside(library) / "stray.jpg").write_bytes(picture(600))
        await until(lambda: trial.rig.recorded(picture(600)) is not None)
        await until(lambda: daemon.logged("folder.suspect", "folder=spring "))
        await trial.await_scans(daemon)
        await trial.assert_nothing_deleted(daemon)
        mounts.unmount(point)
        await until(lambda: daemon.logged("folder.trusted", "folder=spring "))
        assert trial.all_held()


async def test_a_file_written_into_an_empty_mount_point_blocks_no_deletion_once_the_share_is_back(
    trial: Trial, mounts: Mounts
) -> None:
    disk, folder = trial.rig.path / "disk", trial.rig.folder
    disk.mkdir()
    mounts.mount("-t", "tmpfs", "none", disk)
    mounts.mount("--bind", disk, folder)
    trial.fill(mounts.inside(folder))
    async with running(trial.rig, under=mounts.under) as daemon:
        await trial.await_trusted(daemon)
        mounts.unmount(folder)
        trial.rig.write("stray.jpg", picture(600))
        await until(lambda: trial.rig.recorded(picture(600)) is not None)
        await until(lambda: daemon.logged("folder.suspect", "folder=spring "))
        mounts.mount("--bind", disk, folder)
        await until(lambda: daemon.logged("folder.trusted", "folder=spring "))
        await trial.assert_recovered(daemon)
        assert trial.rig.holds(picture(600))
        (mounts.inside(folder) / "sub" / "0.jpg").unlink()
        await until(lambda: daemon.logged("image.deleted", "sub/0.jpg"))
        assert daemon.count("folder.suspect", "folder=spring ") == 1


async def test_files_deleted_from_an_overlay_leave_the_account_also_after_it_was_mounted_again(
    trial: Trial, mounts: Mounts
) -> None:
    disk, folder = trial.rig.path / "disk", trial.rig.folder
    disk.mkdir()
    mounts.mount("-t", "tmpfs", "none", disk)
    for name in ("lower", "upper", "work"):
        (mounts.inside(disk) / name).mkdir()
    trial.fill(mounts.inside(disk) / "lower")
    layers = f"lowerdir={disk}/lower,upperdir={disk}/upper,workdir={disk}/work"

    def mount_overlay() -> None:
        try:
            mounts.mount("-t", "overlay", "overlay", "-o", layers, folder)
        except CalledProcessError as error:
            pytest.skip(f"NOT TESTED: overlayfs: {error.stderr.decode().strip()}")

    mount_overlay()
    async with running(trial.rig, under=mounts.under) as daemon:
        await trial.await_trusted(daemon)
        (mounts.inside(folder) / "sub" / "0.jpg").unlink()
        await until(lambda: daemon.logged("image.deleted", "sub/0.jpg"))
        assert await daemon.end() == 0
    mounts.unmount(folder)
    mount_overlay()
    async with running(trial.rig, under=mounts.under) as daemon:
        await trial.await_scans(daemon, f"files={IMAGES - 1} ", "new_or_changed=0")
        (mounts.inside(folder) / "sub" / "1.jpg").unlink()
        await until(lambda: daemon.logged("image.deleted", "sub/1.jpg"))
        await trial.await_scans(daemon, "new_or_changed=0")
        assert not daemon.logged("folder.suspect")
        assert trial.rig.sandbox.counts.calls("1", "delete") == 2
        assert trial.rig.sandbox.counts.repeated_uploads("1") == 0
