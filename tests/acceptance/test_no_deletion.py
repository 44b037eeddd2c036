"""The real process and folders that lose their files without a deletion by the user.

No test waits for a period to pass. Next to the folder under test is a control folder: once the
folder under test has been scanned again, a file of the control folder is deleted and its image
leaves the account. A deletion that the daemon had accepted in the folder under test would have been
carried out by then.
"""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.mounts import Mounts, own_mounts
from support.pictures import picture
from support.privileges import without_privileges
from support.process import Daemon, running, syncd
from support.rig import Rig, until

from syncd.sandbox.server import Sandbox

FEW, MANY = 12, 30
"""Numbers of files: few enough to be deleted without approval, and too many for it."""

SCANS = 2  # complete ones: the first may have begun before the change


class Trial:
    """The folder under test, `spring`, with its images in an account, and the control folder."""

    def __init__(self, path: Path, sandbox: Sandbox, images: int) -> None:
        self.contents = {f"sub/{i}.jpg": picture(i) for i in range(images)}
        self._control = path / "control"
        self._control.mkdir()
        self._next = 1000
        self.rig = Rig(
            path,
            sandbox,
            per_folder='deletions = "propagate"',
            watch='rescan = "1s"',
            toml=f'[folders.control]\npath = "{self._control}"\naccount = "main"\n'
            'deletions = "propagate"\n[deletions]\ngrace = "0s"\n',
        )
        (self._control / "stays.jpg").write_bytes(picture(999))

    @property
    def config(self) -> str:
        return str(self.rig.write_config())

    def fill(self, folder: Path) -> None:
        """Write the files of the trial into a folder."""
        (folder / "sub").mkdir(exist_ok=True)
        for name, content in self.contents.items():
            (folder / name).write_bytes(content)

    def all_held(self) -> bool:
        return all(self.rig.recorded(content) is not None for content in self.contents.values())

    async def await_trusted(self, daemon: Daemon) -> None:
        """Wait until every image is held, and a scan without changes is trusted."""
        await until(self.all_held)
        await self.await_scans(daemon, f"files={len(self.contents)}", "new_or_changed=0")
        await until(lambda: self.rig.rows(_TRUSTED, "spring") != [])

    async def await_scans(self, daemon: Daemon, *words: str, folder: str = "spring") -> None:
        """Wait for `SCANS` more scans, the last of which began after this call."""
        event = ("scan.done", f"folder={folder} ", *words)
        before = daemon.count(*event)
        await until(lambda: daemon.count(*event) >= before + SCANS)

    async def delete_control_image(self, daemon: Daemon) -> None:
        """Create and delete a file of the control folder, and wait until its image is deleted."""
        self._next += 1
        content, name = picture(self._next), f"{self._next}.jpg"
        (self._control / name).write_bytes(content)
        await until(lambda: self.rig.recorded(content) is not None)
        (self._control / name).unlink()
        await until(lambda: daemon.logged("image.deleted", name))
        assert not self.rig.holds(content)

    async def assert_nothing_deleted(self, daemon: Daemon) -> None:
        """Assert that the images stay in the account while the control image is deleted."""
        deletes = self.rig.sandbox.counts.calls("1", "delete")
        await self.delete_control_image(daemon)
        assert self.rig.sandbox.counts.calls("1", "delete") == deletes + 1
        assert self.rig.rows("SELECT * FROM deletion") == []
        assert all(self.rig.holds(content) for content in self.contents.values())

    async def assert_recovered(self, daemon: Daemon) -> None:
        """Assert that the folder is trusted again without a repeated upload."""
        await self.await_trusted(daemon)
        assert self.rig.sandbox.counts.repeated_uploads("1") == 0
        await self.assert_nothing_deleted(daemon)

    async def listed(self) -> str:
        ended = await syncd(self.rig, "deletions", "--config", self.config)
        assert ended.code == 0, ended.err
        return ended.out


_TRUSTED = (
    "SELECT 1 FROM baseline JOIN folder ON id = folder_id"
    " WHERE name = ? AND suspect IS NULL AND inode IS NOT NULL"
)


@pytest.fixture
def images() -> int:
    return FEW


@pytest.fixture
def trial(tmp_path: Path, sandbox: Sandbox, images: int) -> Trial:
    return Trial(tmp_path, sandbox, images)


@pytest.fixture
def mounts(tmp_path: Path) -> Iterator[Mounts]:
    directory = tmp_path / "mounts"
    directory.mkdir()
    with own_mounts(directory) as mounts:
        yield mounts


def logged_once(daemon: Daemon, event: str, *words: str) -> bool:
    """Return whether the event was logged exactly once for the folder under test."""
    return daemon.logged(event, "folder=spring ", *words) and (
        daemon.count(event, "folder=spring ") == 1
    )


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
        await until(lambda: not any(trial.rig.holds(c) for c in trial.contents.values()))
        await until(lambda: daemon.count("image.deleted") == FEW)
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
        assert "folder spring" in await trial.listed()
        mounts.mount("--bind", disk, below)
        await until(lambda: daemon.logged("folder.trusted", "folder=spring "))
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
        assert logged_once(daemon, "folder.suspect", "approve spring")
        assert "folder spring: is empty" in await trial.listed()
        status = await syncd(trial.rig, "status", "--config", trial.config)
        assert "folder spring: is empty, but had files before: see `syncd deletions`" in status.out
        trial.fill(trial.rig.folder)
        await until(lambda: daemon.logged("folder.trusted", "folder=spring "))
        await trial.assert_recovered(daemon)


async def test_an_approved_empty_folder_keeps_its_images_and_is_trusted(trial: Trial) -> None:
    trial.fill(trial.rig.folder)
    async with running(trial.rig) as daemon:
        await trial.await_trusted(daemon)
        shutil.rmtree(trial.rig.folder / "sub")
        await until(lambda: daemon.logged("folder.suspect", "is empty"))
        approved = await syncd(
            trial.rig, "deletions", "approve", "spring", "--config", trial.config
        )
        assert approved.code == 0, approved.err
        assert "no image is deleted" in approved.out
        await until(lambda: daemon.logged("folder.trusted", "folder=spring "))
        await trial.await_scans(daemon)
        await trial.assert_nothing_deleted(daemon)
        assert daemon.logged("files.missing", "folder=spring", f"files={len(trial.contents)}")
        assert "nothing waits" in await trial.listed()
        again = await syncd(trial.rig, "deletions", "approve", "spring", "--config", trial.config)
        assert again.code == 1
        assert "nothing waits" in again.err


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
        assert logged_once(daemon, "folder.missing", "nothing is lost")
        assert "folder spring: not there" in await trial.listed()
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
        await until(lambda: daemon.logged("image.deleted", "gone.jpg"))
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
