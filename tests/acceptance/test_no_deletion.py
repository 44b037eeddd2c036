"""The real process, and folders that lose their files without anybody having deleted them.

Nothing is waited out here. Beside the folder of each story lies another one, the witness: once the
story's folder has been scanned again, a file of the witness is unlinked, and its image leaves the
account. Whatever the daemon had believed of the story's folder by then would have left as well.
"""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.mounts import Mounts, own_mounts
from support.pictures import picture
from support.privileges import without_powers
from support.process import Daemon, running, syncd
from support.rig import Rig, until

from syncd.sandbox.server import Sandbox

FEW, MANY = 12, 30
"""As many as may go at once without a person, and more."""

SCANS = 2  # whole ones: the first may have begun before


class Story:
    """A folder with images in an account, and the witness beside it."""

    def __init__(self, path: Path, sandbox: Sandbox, images: int) -> None:
        self.contents = {f"sub/{i}.jpg": picture(i) for i in range(images)}
        self._witnesses = path / "witness"
        self._witnesses.mkdir()
        self._next = 1000
        self.rig = Rig(
            path,
            sandbox,
            per_folder='deletions = "propagate"',
            watch='rescan = "1s"',
            toml=f'[folders.witness]\npath = "{self._witnesses}"\naccount = "main"\n'
            'deletions = "propagate"\n[deletions]\ngrace = "0s"\n',
        )
        (self._witnesses / "stays.jpg").write_bytes(picture(999))

    @property
    def config(self) -> str:
        return str(self.rig.write_config())

    def fill(self, folder: Path) -> None:
        """Put the story's files into a folder."""
        (folder / "sub").mkdir(exist_ok=True)
        for name, content in self.contents.items():
            (folder / name).write_bytes(content)

    def all_held(self) -> bool:
        return all(self.rig.recorded(content) is not None for content in self.contents.values())

    async def brought(self, daemon: Daemon) -> None:
        """Wait until every image is held, and a scan that saw no change is believed."""
        await until(self.all_held)
        await self.scanned(daemon, f"files={len(self.contents)}", "new_or_changed=0")
        await until(lambda: self.rig.rows(_BELIEVED, "spring") != [])

    async def scanned(self, daemon: Daemon, *words: str, folder: str = "spring") -> None:
        """Wait for whole scans that begin after now."""
        asked = ("scan.done", f"folder={folder} ", *words)
        before = daemon.count(*asked)
        await until(lambda: daemon.count(*asked) >= before + SCANS)

    async def a_witness_goes(self, daemon: Daemon) -> None:
        """Let a file of the witness come, and go, and wait until its image has left, too."""
        self._next += 1
        content, name = picture(self._next), f"{self._next}.jpg"
        (self._witnesses / name).write_bytes(content)
        await until(lambda: self.rig.recorded(content) is not None)
        (self._witnesses / name).unlink()
        await until(lambda: daemon.said("image.deleted", name))
        assert not self.rig.holds(content)

    async def nothing_was_deleted(self, daemon: Daemon) -> None:
        """Prove that the story's images stay where that of a deleted file does not."""
        deletes = self.rig.sandbox.counts.calls("1", "delete")
        await self.a_witness_goes(daemon)
        assert self.rig.sandbox.counts.calls("1", "delete") == deletes + 1
        assert self.rig.rows("SELECT * FROM condemned") == []
        assert all(self.rig.holds(content) for content in self.contents.values())

    async def everything_goes_on(self, daemon: Daemon) -> None:
        """Prove that the folder is believed again, and that this took no call."""
        await self.brought(daemon)
        assert self.rig.sandbox.counts.repeated_uploads("1") == 0
        await self.nothing_was_deleted(daemon)

    async def listed(self) -> str:
        ended = await syncd(self.rig, "deletions", "--config", self.config)
        assert ended.code == 0, ended.err
        return ended.out


_BELIEVED = "SELECT 1 FROM folder WHERE name = ? AND doubt IS NULL AND root_inode IS NOT NULL"


@pytest.fixture
def images() -> int:
    return FEW


@pytest.fixture
def story(tmp_path: Path, sandbox: Sandbox, images: int) -> Story:
    return Story(tmp_path, sandbox, images)


@pytest.fixture
def mounts(tmp_path: Path) -> Iterator[Mounts]:
    trial = tmp_path / "trial"
    trial.mkdir()
    with own_mounts(trial) as mounts:
        yield mounts


def said_once(daemon: Daemon, event: str, *words: str) -> bool:
    """Tell whether a trouble of the story's folder was said, and once alone."""
    return daemon.said(event, "folder=spring ", *words) and (
        daemon.count(event, "folder=spring ") == 1
    )


async def test_as_many_files_that_are_unlinked_do_leave_the_account(
    story: Story,
) -> None:
    story.rig.write("stays.jpg", picture(500))
    story.fill(story.rig.folder)
    async with running(story.rig) as daemon:
        await until(story.all_held)
        await story.scanned(daemon)
        for name in story.contents:
            (story.rig.folder / name).unlink()
        await until(lambda: not any(story.rig.holds(c) for c in story.contents.values()))
        await until(lambda: daemon.count("image.deleted") == FEW)
        assert story.rig.holds(picture(500))


@pytest.mark.parametrize("images", [FEW, MANY])
async def test_a_disk_that_is_unmounted(story: Story, mounts: Mounts) -> None:
    disk, folder = story.rig.path / "disk", story.rig.folder
    disk.mkdir()
    mounts.mount("-t", "tmpfs", "none", disk)
    mounts.mount("--bind", disk, folder)
    story.fill(mounts.inside(folder))
    async with running(story.rig, under=mounts.under) as daemon:
        await story.brought(daemon)
        mounts.unmount(folder)
        await until(lambda: daemon.said("folder.suspect"))
        await story.scanned(daemon)
        await story.nothing_was_deleted(daemon)
        assert said_once(daemon, "folder.suspect", "nothing is deleted", "mount it")
        listed = await story.listed()
        assert "folder spring" in listed
        assert str(folder) in listed
        assert f"it had {len(story.contents)} files" in listed
        mounts.mount("--bind", disk, folder)
        await until(lambda: daemon.said("folder.trusted", "folder=spring "))
        await story.everything_goes_on(daemon)
        assert "nothing waits" in await story.listed()


async def test_a_disk_below_the_folder_that_is_unmounted(story: Story, mounts: Mounts) -> None:
    disk, below = story.rig.path / "disk", story.rig.folder / "sub"
    disk.mkdir()
    below.mkdir()
    story.rig.write("stays.jpg", picture(500))
    mounts.mount("-t", "tmpfs", "none", disk)
    mounts.mount("--bind", disk, below)
    story.fill(mounts.inside(story.rig.folder))
    async with running(story.rig, under=mounts.under) as daemon:
        await until(story.all_held)
        await story.scanned(daemon)
        mounts.unmount(below)
        await story.scanned(daemon)
        await story.nothing_was_deleted(daemon)
        assert "folder spring" in await story.listed()
        mounts.mount("--bind", disk, below)
        await until(lambda: daemon.said("folder.trusted", "folder=spring "))
        await story.scanned(daemon, "new_or_changed=0")
        await story.nothing_was_deleted(daemon)


async def test_a_disk_that_is_mounted_after_the_start(story: Story, mounts: Mounts) -> None:
    disk, folder = story.rig.path / "disk", story.rig.folder
    disk.mkdir()
    mounts.mount("-t", "tmpfs", "none", disk)
    story.fill(mounts.inside(disk))
    async with running(story.rig, under=mounts.under) as daemon:  # the very first start
        await story.scanned(daemon, "files=0")
        mounts.mount("--bind", disk, folder)
        await story.brought(daemon)
        assert not daemon.said("folder.suspect")
        assert await daemon.end() == 0
    mounts.unmount(folder)
    async with running(story.rig, under=mounts.under) as daemon:
        await until(lambda: daemon.said("folder.suspect"))
        await story.scanned(daemon)
        await story.nothing_was_deleted(daemon)
        assert said_once(daemon, "folder.suspect", "mount it")
        assert await daemon.end() == 0
    mounts.mount("--bind", disk, folder)
    async with running(story.rig, under=mounts.under) as daemon:
        await story.everything_goes_on(daemon)


async def test_a_bind_mount_whose_source_was_made_again(story: Story, mounts: Mounts) -> None:
    source, folder = story.rig.path / "source", story.rig.folder
    source.mkdir()
    story.fill(source)
    mounts.mount("--bind", source, folder)
    async with running(story.rig, under=mounts.under) as daemon:
        await story.brought(daemon)
        shutil.rmtree(source)
        source.mkdir()
        story.fill(source)
        assert mounts.inside(folder).stat().st_nlink == 0
        await until(lambda: daemon.said("folder.suspect", "was deleted"))
        await story.nothing_was_deleted(daemon)
        mounts.unmount(folder)
        mounts.mount("--bind", source, folder)
        await until(lambda: daemon.said("folder.trusted", "folder=spring "))
        await story.everything_goes_on(daemon)


@pytest.mark.parametrize("images", [FEW, MANY])
async def test_a_folder_that_is_emptied(story: Story) -> None:
    story.fill(story.rig.folder)
    async with running(story.rig) as daemon:
        await story.brought(daemon)
        shutil.rmtree(story.rig.folder / "sub")
        await until(lambda: daemon.said("folder.suspect", "is empty"))
        await story.scanned(daemon)
        await story.nothing_was_deleted(daemon)
        assert said_once(daemon, "folder.suspect", "approve spring")
        assert "folder spring: is empty" in await story.listed()
        status = await syncd(story.rig, "status", "--config", story.config)
        assert "folder spring: is empty, and was not: see `syncd deletions`" in status.out
        story.fill(story.rig.folder)
        await until(lambda: daemon.said("folder.trusted", "folder=spring "))
        await story.everything_goes_on(daemon)


async def test_an_emptied_folder_that_a_person_takes_as_it_is(story: Story) -> None:
    story.fill(story.rig.folder)
    async with running(story.rig) as daemon:
        await story.brought(daemon)
        shutil.rmtree(story.rig.folder / "sub")
        await until(lambda: daemon.said("folder.suspect", "is empty"))
        approved = await syncd(
            story.rig, "deletions", "approve", "spring", "--config", story.config
        )
        assert approved.code == 0, approved.err
        assert "no image is deleted" in approved.out
        await until(lambda: daemon.said("folder.trusted", "folder=spring "))
        await story.scanned(daemon)
        await story.nothing_was_deleted(daemon)
        assert daemon.said("files.missing", "folder=spring", f"files={len(story.contents)}")
        assert "nothing waits" in await story.listed()
        again = await syncd(story.rig, "deletions", "approve", "spring", "--config", story.config)
        assert again.code == 1
        assert "nothing waits" in again.err


@pytest.mark.parametrize("images", [FEW, MANY])
async def test_a_folder_that_is_swapped(story: Story) -> None:
    folder, other, aside = story.rig.folder, story.rig.path / "other", story.rig.path / "aside"
    story.fill(folder)
    other.mkdir()
    (other / "new.jpg").write_bytes(picture(600))
    async with running(story.rig) as daemon:
        await story.brought(daemon)
        folder.rename(aside)
        other.rename(folder)
        await until(lambda: story.rig.recorded(picture(600)) is not None)
        await until(lambda: daemon.said("folder.suspect", "is another directory"))
        await story.scanned(daemon)
        await story.nothing_was_deleted(daemon)
        assert said_once(daemon, "folder.suspect")
        folder.rename(other)
        aside.rename(folder)
        await until(lambda: daemon.said("folder.trusted", "folder=spring "))
        await story.everything_goes_on(daemon)
        assert story.rig.holds(picture(600))


async def test_a_folder_that_goes_away_and_comes_back(story: Story) -> None:
    folder, aside = story.rig.folder, story.rig.path / "aside"
    story.fill(folder)
    async with running(story.rig) as daemon:
        await story.brought(daemon)
        folder.rename(aside)
        await until(lambda: daemon.said("folder.missing"))
        await story.nothing_was_deleted(daemon)
        assert said_once(daemon, "folder.missing", "nothing is lost")
        assert "folder spring: not there" in await story.listed()
        aside.rename(folder)
        await until(lambda: daemon.said("folder.back", "folder=spring "))
        await story.everything_goes_on(daemon)


@pytest.mark.parametrize("where", ["", "sub"])
async def test_a_directory_whose_permission_is_lost(story: Story, where: str) -> None:
    story.fill(story.rig.folder)
    lost = story.rig.folder / where
    async with running(story.rig, under=without_powers()) as daemon:
        await story.brought(daemon)
        lost.chmod(0)
        try:
            await until(lambda: daemon.said("directory.unreadable", "permission denied"))
            await story.scanned(daemon)
            await story.nothing_was_deleted(daemon)
            assert said_once(daemon, "directory.unreadable", str(lost))
        finally:
            lost.chmod(0o755)
        await story.everything_goes_on(daemon)


async def test_what_is_unlinked_beside_an_unreadable_directory_waits_for_it(story: Story) -> None:
    story.fill(story.rig.folder)
    path, lost = story.rig.write("gone.jpg", picture(500)), story.rig.folder / "sub"
    async with running(story.rig, under=without_powers()) as daemon:
        await until(lambda: story.rig.recorded(picture(500)) is not None)
        await story.scanned(daemon, "new_or_changed=0")
        lost.chmod(0)
        try:
            await until(lambda: daemon.said("directory.unreadable", str(lost)))
            path.unlink()
            await until(lambda: daemon.said("images.marked", "folder=spring "))
            await story.scanned(daemon)
            await story.a_witness_goes(daemon)
            assert story.rig.holds(picture(500))
            listed = await story.listed()
            assert "folder spring: 1 image condemned; each leaves the accounts 0 s after" in listed
        finally:
            lost.chmod(0o755)
        await until(lambda: daemon.said("image.deleted", "gone.jpg"))
        await story.everything_goes_on(daemon)


async def test_patterns_that_change(story: Story) -> None:
    story.fill(story.rig.folder)
    async with running(story.rig) as daemon:
        await story.brought(daemon)
        assert await daemon.end() == 0
    story.rig.per_folder += '\nexclude = ["sub/"]'
    async with running(story.rig) as daemon:
        files = f"files={len(story.contents)} "
        await until(lambda: daemon.said("files.missing", files, "include or exclude has changed"))
        await story.scanned(daemon)
        await story.nothing_was_deleted(daemon)
        assert await daemon.end() == 0
    story.rig.per_folder = story.rig.per_folder.partition("\n")[0]
    async with running(story.rig) as daemon:
        await story.everything_goes_on(daemon)
