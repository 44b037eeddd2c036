"""A scenario of random changes, faults and restarts, with everything that is logged."""

import asyncio
import contextlib
import io
import random
import signal
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from support.from_log import State, from_log, from_status
from support.pictures import picture
from support.privileges import without_privileges
from support.process import Daemon, running, syncd
from support.rig import DEADLINE, Rig, until

from syncd.cli.status import Options, status
from syncd.sandbox.faults import Fault

CALL_FAULTS = ["2", "80004", "reset_after", "cut_off", "html502", "17"]
REJECTION = "100/2490361"

Part = Callable[[State], State]
"""Selects the part of a state that is compared."""


def whole(state: State) -> State:
    return state


class Scenario:
    """A rig, its consecutive processes, and everything that they have logged."""

    def __init__(self, rig: Rig, seed: int, every: str) -> None:
        """Configure the rig; `every` is the period of the stats records."""
        self.rig = rig
        self.every = every
        self.quiet = 1.1 if every == "1s" else 0.3  # seconds without a change that count as rest
        self.random = random.Random(seed)
        self.autumn = rig.path / "autumn"
        self.autumn.mkdir()
        self.mirrored, self.long_named = True, False
        self.earlier: list[str] = []  # lines of processes that have ended
        self.daemon: Daemon | None = None
        self.contents = 0
        self.last_picture = b""
        self.configure()

    def configure(self) -> None:
        """Write the current configuration."""
        self.rig.mirrors = ("eu",) if self.mirrored else ()
        name = "autumn-and-winter" if self.long_named else "autumn"
        self.rig.toml = (
            f'[folders.{name}]\npath = "{self.autumn}"\naccount = "eu"\n'
            '[deletions]\ngrace = "1s"\nhold_above = { images = 4, share = 0 }\n'
            f'[log]\nformat = "json"\nstats_every = "{self.every}"\n'
        )
        self.rig.write_config()

    @property
    def lines(self) -> list[str]:
        return self.earlier + (self.daemon.lines if self.daemon is not None else [])

    def status(self) -> State:
        """Return the output of `syncd status --json`, without starting a process."""
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            status(self.rig.path / "config.toml", Options(json=True))
        return from_status(printed.getvalue())

    def folder(self) -> State:
        """Return the state of the folder with most of the changes."""
        found: State = self.status()["folders"]["spring"]
        return found

    async def wait_for_rest(self, part: Part = whole) -> None:
        """Wait until only scans still happen, and the log and the ledger agree."""
        async with asyncio.timeout(DEADLINE):
            still, since = None, 0.0
            while True:
                now = self.status()
                if still != (still := _without_scans(now)):
                    since = time.monotonic()
                agree = part(from_log(self.lines, time.time())) == part(now)
                if agree and time.monotonic() - since > self.quiet:
                    return
                await asyncio.sleep(0.05)

    async def compare(self) -> None:
        """Compare the log with the output of the command itself, at rest."""
        with contextlib.suppress(TimeoutError):
            await self.wait_for_rest()
        logged, printed = await self._logged_and_printed()
        for _ in range(5):
            if logged == printed:
                break
            await asyncio.sleep(0.3)  # a scan has ended while the command ran
            logged, printed = await self._logged_and_printed()
        assert logged == printed

    async def _logged_and_printed(self) -> tuple[State, State]:
        ended = await syncd(self.rig, "status", "--json", "--config", self.config)
        return from_log(self.lines, time.time()), from_status(ended.out)

    @property
    def config(self) -> str:
        return str(self.rig.path / "config.toml")

    @asynccontextmanager
    async def running(self) -> AsyncIterator[Daemon]:
        async with running(
            self.rig, "run", "--config", self.config, under=without_privileges()
        ) as daemon:
            self.daemon = daemon
            try:
                yield daemon
            finally:
                await daemon.end(signal.SIGKILL)
        self.earlier += daemon.lines
        self.daemon = None

    # Changes on disk.

    def files(self) -> list[Path]:
        return sorted(p for root in (self.rig.folder, self.autumn) for p in root.rglob("*.jpg"))

    def picture(self) -> bytes:
        """Return a new image."""
        self.contents += 1
        self.last_picture = picture(self.contents, width=8, height=8)
        return self.last_picture

    def new(self) -> bytes:
        content = self.picture()
        return content if self.random.random() < 0.9 else b"not a picture %d" % self.contents

    def place(self) -> Path:
        root = self.random.choice([self.rig.folder, self.rig.folder, self.autumn])
        path = root / self.random.choice(["", "d", "d/e", "ö"]) / f"{self.random.randrange(40)}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        return path

    def change_files(self, times: int) -> None:
        for _ in range(times):
            files = self.files()
            action = self.random.choice(["create"] * 4 + ["rewrite", "rename", "copy", "delete"])
            if action == "create" or not files:
                self.place().write_bytes(self.new())
                continue
            path = self.random.choice(files)
            match action:
                case "rewrite":
                    path.write_bytes(self.new())
                case "rename":
                    path.rename(self.place())
                case "copy":
                    self.place().write_bytes(path.read_bytes())
                case "delete":
                    path.unlink()

    def add_faults(self) -> None:
        """Make calls fail and accounts reject images."""
        for _ in range(2):
            name, account = self.random.choice(CALL_FAULTS), self.random.choice("12")
            self.rig.sandbox.faults.add(Fault(name, times=1, account=account))
        self.rig.sandbox.faults.add(
            Fault(REJECTION, times=2, account=self.random.choice("12"), image="*.jpg")
        )

    # Situations; each ends at rest.

    async def reject_token(self, part: Part = whole) -> None:
        self.rig.sandbox.faults.add(Fault("190", times=1, on="upload"))
        self.place().write_bytes(self.picture())
        await until(lambda: self.logged("account.stopped"))
        await self.wait_for_rest(part)
        ended = await syncd(self.rig, "retry", "--config", self.config)
        assert ended.code == 0, ended.err

    async def remove_folder_for_a_while(self, part: Part = whole) -> None:
        moved = self.rig.path / "moved"
        self.rig.folder.rename(moved)
        await until(lambda: self.logged("folder.missing"))
        await self.wait_for_rest(part)
        assert self.folder()["doubt"] is not None
        moved.rename(self.rig.folder)
        await until(lambda: self.logged("folder.back"))

    async def replace_folder(self, part: Part = whole) -> None:
        suspect, trusted = self.count("folder.suspect"), self.count("folder.trusted")
        self.rig.folder.rename(self.rig.path / "the one before")
        self.rig.folder.mkdir()
        await until(lambda: self.count("folder.suspect") > suspect)
        await self.wait_for_rest(part)
        ended = await syncd(self.rig, "deletions", "trust", "spring", "--config", self.config)
        assert ended.code == 0, ended.err
        await until(lambda: self.count("folder.trusted") > trusted)

    async def hold_deletions(self, part: Part = whole) -> None:
        self.rig.sandbox.faults.clear()
        # One file remains: an empty folder would be suspect.
        (self.rig.folder / "stays.jpg").write_bytes(self.picture())
        contents = [self.picture() for _ in range(8)]
        paths = [self.rig.folder / f"held{n}.jpg" for n in range(8)]
        for path, content in zip(paths, contents, strict=True):
            path.write_bytes(content)
        await until(lambda: all(self.rig.recorded(content) for content in contents))
        await self.wait_for_rest(part)
        for path in paths:
            path.unlink()
        await until(lambda: self.logged("deletions.held"))
        await self.wait_for_rest(part)
        assert self.folder()["deletions_held"] >= 8

    async def decide_about_deletions(self) -> None:
        await self.hold_deletions()
        (self.rig.folder / "held7 again.jpg").write_bytes(self.last_picture)
        await self.wait_for_rest()
        verb = self.random.choice(["approve", "dismiss"])
        ended = await syncd(self.rig, "deletions", verb, "spring", "--config", self.config)
        assert ended.code == 0, ended.err

    async def make_unreadable(self, part: Part = whole) -> None:
        lost = self.rig.folder / "lost"
        lost.mkdir(exist_ok=True)
        (lost / "a.jpg").write_bytes(self.picture())
        file = self.rig.folder / "secret.jpg"
        file.write_bytes(self.picture())
        file.chmod(0)
        lost.chmod(0)
        try:
            await until(lambda: self.logged("directory.unreadable"))
            await until(lambda: self.logged("file.unreadable"))
            await until(lambda: self.folder()["trouble"] is not None)  # a whole scan has found it
            await self.wait_for_rest(part)
            await until(lambda: self.folder()["unreadable"] == {"permission denied": 1})
        finally:
            lost.chmod(0o755)
            file.chmod(0o644)

    async def reload_configuration(self) -> None:
        self.mirrored, self.long_named = not self.mirrored, not self.long_named
        self.configure()
        before = self.count("daemon.reloaded")
        assert self.daemon is not None
        self.daemon.process.send_signal(signal.SIGHUP)
        await until(lambda: self.count("daemon.reloaded") > before)

    def logged(self, *words: str) -> bool:
        """Return whether a line of the running process has all these words."""
        assert self.daemon is not None
        return self.daemon.logged(*words)

    def count(self, word: str) -> int:
        assert self.daemon is not None
        return self.daemon.count(word)


def _without_scans(state: State) -> State:
    folders = {name: {**f, "scanned_at": None} for name, f in state["folders"].items()}
    return {**state, "folders": folders}
