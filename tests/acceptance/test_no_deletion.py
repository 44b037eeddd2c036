"""The real process and folders that lose their files without a deletion by the user."""

import shutil
from pathlib import Path

import pytest
from support.mounts import Mounts
from support.pictures import picture
from support.privileges import without_privileges
from support.process import running, syncd
from support.rig import DELETED_WITHIN, until
from support.trial import Trial, logged_once

from syncd.ledger import folders
from syncd.sandbox.server import Sandbox

FEW, MANY = 12, 30
"""Numbers of files: few enough to be deleted without approval, and too many for it."""


@pytest.fixture
def images() -> int:
    return FEW


@pytest.fixture
def trial(tmp_path: Path, sandbox: Sandbox, images: int) -> Trial:
    return Trial(tmp_path, sandbox, images)


async def test_the_same_number_of_deleted_files_does_leave_the_account(
    trial: Trial,
) -> None:
    trial.rig.write("stays.jpg", picture(500))
    trial.fill(trial.rig.folder)
    async with running(trial.rig) as daemon:
        await until(trial.all_held)
        await trial.await_scans(daemon)
        for name in trial.contents:
            (trial.rig.folder / name).unlink()
        await until(lambda: daemon.count("image.deleted") == FEW, DELETED_WITHIN)
        assert not any(trial.rig.holds(content) for content in trial.contents.values())
        assert trial.rig.holds(picture(500))


@pytest.mark.parametrize("images", [FEW, MANY])
async def test_an_unmounted_disk_deletes_nothing(trial: Trial, mounts: Mounts) -> None:
    disk, folder = trial.rig.path / "disk", trial.rig.folder
    disk.mkdir()
    mounts.mount("-t", "tmpfs", "none", disk)
    mounts.mount("--bind", disk, folder)
    trial.fill(mounts.inside(folder))
    async with running(trial.rig, under=mounts.under) as daemon:
        await trial.await_trusted(daemon)
        mounts.unmount(folder)
        await until(lambda: daemon.logged("folder.suspect"))
        await trial.await_scans(daemon)
        await trial.assert_nothing_deleted(daemon)
        assert logged_once(daemon, "folder.suspect", "nothing is deleted", "mount it")
        listed = await trial.listed()
        assert "folder spring" in listed
        assert str(folder) in listed
        assert f"it had {len(trial.contents)} files" in listed
        mounts.mount("--bind", disk, folder)
        await until(lambda: daemon.logged("folder.trusted", "folder=spring "))
        await trial.assert_recovered(daemon)
        assert "nothing waits" in await trial.listed()


async def test_an_unmounted_disk_below_the_folder_deletes_nothing(
    trial: Trial, mounts: Mounts
) -> None:
    disk, below = trial.rig.path / "disk", trial.rig.folder / "sub"
    disk.mkdir()
    below.mkdir()
    trial.rig.write("stays.jpg", picture(500))
    mounts.mount("-t", "tmpfs", "none", disk)
    mounts.mount("--bind", disk, below)
    trial.fill(mounts.inside(trial.rig.folder))
    async with running(trial.rig, under=mounts.under) as daemon:
        await until(trial.all_held)
        await trial.await_scans(daemon)
        mounts.unmount(below)
        await trial.await_scans(daemon)
        await trial.assert_nothing_deleted(daemon)
        assert logged_once(daemon, "files.kept", "a disk was mounted or unmounted")
        mounts.mount("--bind", disk, below)
        await trial.await_scans(daemon, "new_or_changed=0")
        await trial.assert_nothing_deleted(daemon)


async def test_a_disk_mounted_after_the_start_and_then_unmounted_deletes_nothing(
    trial: Trial, mounts: Mounts
) -> None:
    disk, folder = trial.rig.path / "disk", trial.rig.folder
    disk.mkdir()
    mounts.mount("-t", "tmpfs", "none", disk)
    trial.fill(mounts.inside(disk))
    async with running(trial.rig, under=mounts.under) as daemon:  # the first start
        await trial.await_scans(daemon, "files=0")
        mounts.mount("--bind", disk, folder)
        await trial.await_trusted(daemon)
        assert not daemon.logged("folder.suspect")
        assert await daemon.end() == 0
    mounts.unmount(folder)
    async with running(trial.rig, under=mounts.under) as daemon:
        await until(lambda: daemon.logged("folder.suspect"))
        await trial.await_scans(daemon)
        await trial.assert_nothing_deleted(daemon)
        assert logged_once(daemon, "folder.suspect", "mount it")
        assert await daemon.end() == 0
    mounts.mount("--bind", disk, folder)
    async with running(trial.rig, under=mounts.under) as daemon:
        await trial.assert_recovered(daemon)


async def test_a_bind_mount_with_a_recreated_source_deletes_nothing(
    trial: Trial, mounts: Mounts
) -> None:
    source, folder = trial.rig.path / "source", trial.rig.folder
    source.mkdir()
    trial.fill(source)
    mounts.mount("--bind", source, folder)
    async with running(trial.rig, under=mounts.under) as daemon:
        await trial.await_trusted(daemon)
        shutil.rmtree(source)
        source.mkdir()
        trial.fill(source)
        assert mounts.inside(folder).stat().st_nlink == 0
        await until(lambda: daemon.logged("folder.suspect", "was deleted"))
        await trial.assert_nothing_deleted(daemon)
        mounts.unmount(folder)
        mounts.mount("--bind", source, folder)
        await until(lambda: daemon.logged("folder.trusted", "folder=spring "))
        await trial.assert_recovered(daemon)


@pytest.mark.parametrize("images", [FEW, MANY])
async def test_an_emptied_folder_deletes_nothing(trial: Trial) -> None:
    trial.fill(trial.rig.folder)
    async with running(trial.rig) as daemon:
        await trial.await_trusted(daemon)
        shutil.rmtree(trial.rig.folder / "sub")
        await until(lambda: daemon.logged("folder.suspect", "is empty"))
        await trial.await_scans(daemon)
        await trial.assert_nothing_deleted(daemon)
        assert logged_once(daemon, "folder.suspect", "trust spring")
        assert "folder spring: is empty" in await trial.listed()
        status = await syncd(trial.rig, "status", "--config", trial.config)
        assert "folder spring: is empty, but had files before: see `syncd deletions`" in status.out
        trial.fill(trial.rig.folder)
        await until(lambda: daemon.logged("folder.trusted", "folder=spring "))
        await trial.assert_recovered(daemon)


async def test_a_trusted_empty_folder_keeps_its_images_until_they_are_released(
    trial: Trial,
) -> None:
    trial.fill(trial.rig.folder)
    async with running(trial.rig) as daemon:
        await trial.await_trusted(daemon)
        shutil.rmtree(trial.rig.folder / "sub")
        await until(lambda: daemon.logged("folder.suspect", "is empty"))
        approved = await trial.decide("approve", "spring")
        assert approved.code == 1
        assert "nothing was approved: spring is suspect" in approved.err
        trusted = await trial.decide("trust", "spring")
        assert trusted.code == 0, trusted.err
        assert "no image is deleted" in trusted.out
        await until(lambda: daemon.logged("folder.trusted", "folder=spring "))
        await trial.await_scans(daemon)
        await trial.assert_nothing_deleted(daemon)
        assert daemon.logged("files.missing", "folder=spring", f"files={len(trial.contents)}")
        assert "nothing waits" in await trial.listed()
        assert (await trial.decide("approve", "spring")).code == 1
        assert (await trial.decide("trust", "spring")).code == 1
        assert f"kept in the accounts: {FEW} images: their files were lost" in await trial.listed()
        kept = await trial.decide("--kept")
        assert kept.out.count(f"main  spring  {trial.rig.folder}/sub/") == FEW
        released = await trial.decide("release", "spring")
        assert f"{FEW} images no longer kept; {FEW} images will be deleted" in released.out
        await until(lambda: not any(trial.rig.holds(c) for c in trial.contents.values()))
        assert "kept" not in await trial.listed()
        assert (await trial.decide("release", "spring")).code == 1


@pytest.mark.parametrize("images", [FEW, MANY])
async def test_a_swapped_folder_deletes_nothing(trial: Trial) -> None:
    folder, other, aside = trial.rig.folder, trial.rig.path / "other", trial.rig.path / "aside"
    trial.fill(folder)
    other.mkdir()
    (other / "new.jpg").write_bytes(picture(600))
    async with running(trial.rig) as daemon:
        await trial.await_trusted(daemon)
        folder.rename(aside)
        other.rename(folder)
        await until(lambda: trial.rig.recorded(picture(600)) is not None)
        await until(lambda: daemon.logged("folder.suspect", "is a different directory"))
        await trial.await_scans(daemon)
        await trial.assert_nothing_deleted(daemon)
        assert logged_once(daemon, "folder.suspect")
        folder.rename(other)
        aside.rename(folder)
        await until(lambda: daemon.logged("folder.trusted", "folder=spring "))
        await trial.assert_recovered(daemon)
        assert trial.rig.holds(picture(600))


async def test_a_folder_that_is_renamed_and_renamed_back_deletes_nothing(trial: Trial) -> None:
    folder, aside = trial.rig.folder, trial.rig.path / "aside"
    trial.fill(folder)
    async with running(trial.rig) as daemon:
        await trial.await_trusted(daemon)
        folder.rename(aside)
        await until(lambda: daemon.logged("folder.missing"))
        await trial.assert_nothing_deleted(daemon)
        assert logged_once(daemon, "folder.missing", folders.REMEDY_OF_MISSING)
        listed = await trial.listed()
        assert "folder spring: not there" in listed
        assert "deletions trust" not in listed, "only a folder that is there can be trusted"
        status = await syncd(trial.rig, "status", "--config", trial.config)
        assert f"folder spring: not there: {folders.REMEDY_OF_MISSING}" in status.out
        aside.rename(folder)
        await until(lambda: daemon.logged("folder.back", "folder=spring "))
        await trial.assert_recovered(daemon)


@pytest.mark.parametrize("where", ["", "sub"])
async def test_a_directory_that_becomes_unreadable_deletes_nothing(
    trial: Trial, where: str
) -> None:
    trial.fill(trial.rig.folder)
    lost = trial.rig.folder / where
    async with running(trial.rig, under=without_privileges()) as daemon:
        await trial.await_trusted(daemon)
        lost.chmod(0)
        try:
            await until(lambda: daemon.logged("directory.unreadable", "permission denied"))
            await trial.await_scans(daemon)
            await trial.assert_nothing_deleted(daemon)
            assert logged_once(daemon, "directory.unreadable", str(lost))
        finally:
            lost.chmod(0o755)
        await trial.assert_recovered(daemon)


async def test_deletions_wait_while_another_directory_is_unreadable(trial: Trial) -> None:
    trial.fill(trial.rig.folder)
    path, lost = trial.rig.write("gone.jpg", picture(500)), trial.rig.folder / "sub"
    async with running(trial.rig, under=without_privileges()) as daemon:
        await until(lambda: trial.rig.recorded(picture(500)) is not None)
        await trial.await_scans(daemon, "new_or_changed=0")
        lost.chmod(0)
        try:
            await until(lambda: daemon.logged("directory.unreadable", str(lost)))
            path.unlink()
            await until(lambda: daemon.logged("images.marked", "folder=spring "))
            await trial.await_scans(daemon)
            await trial.delete_control_image(daemon)
            assert trial.rig.holds(picture(500))
            listed = await trial.listed()
            assert "folder spring: 1 image condemned; each leaves the accounts 0 s after" in listed
        finally:
            lost.chmod(0o755)
        await until(lambda: daemon.logged("image.deleted", "gone.jpg"), DELETED_WITHIN)
        await trial.assert_recovered(daemon)


async def test_changed_patterns_delete_nothing(trial: Trial) -> None:
    trial.fill(trial.rig.folder)
    async with running(trial.rig) as daemon:
        await trial.await_trusted(daemon)
        assert await daemon.end() == 0
    trial.rig.per_folder += '\nexclude = ["sub/"]'
    async with running(trial.rig) as daemon:
        files = f"files={len(trial.contents)} "
        await until(lambda: daemon.logged("files.missing", files, "include or exclude has changed"))
        await trial.await_scans(daemon)
        await trial.assert_nothing_deleted(daemon)
        assert await daemon.end() == 0
    trial.rig.per_folder = trial.rig.per_folder.partition("\n")[0]
    async with running(trial.rig) as daemon:
        await trial.assert_recovered(daemon)
