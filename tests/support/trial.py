"""A folder that loses its files without a deletion by the user, under the real process.

No test waits for a period to pass. Next to the folder under test is a control folder: once the
folder under test has been scanned again, a file of the control folder is deleted and its image
leaves the account. A deletion that the daemon had accepted in the folder under test would have been
carried out by then.
"""

from pathlib import Path

from support.pictures import picture
from support.process import Daemon, Ended, syncd
from support.rig import DELETED_WITHIN, Rig, until

from syncd.sandbox.server import Sandbox

SCANS = 2  # complete ones: the first may have begun before the change


TRUSTED = (
    "SELECT 1 FROM baseline JOIN folder ON id = folder_id"
    " WHERE name = ? AND suspect IS NULL AND inode IS NOT NULL"
)


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
        await until(lambda: self.rig.rows(TRUSTED, "spring") != [])

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
        await until(lambda: daemon.logged("image.deleted", name), DELETED_WITHIN)
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

    async def decide(self, *words: str) -> Ended:
        return await syncd(self.rig, "deletions", *words, "--config", self.config)

    async def listed(self) -> str:
        ended = await syncd(self.rig, "deletions", "--config", self.config)
        assert ended.code == 0, ended.err
        return ended.out


def logged_once(daemon: Daemon, event: str, *words: str) -> bool:
    """Return whether the event was logged exactly once for the folder under test."""
    return daemon.logged(event, "folder=spring ", *words) and (
        daemon.count(event, "folder=spring ") == 1
    )
