"""A life of files, faults, folders and restarts, and all that is logged of it."""

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

from syncd.cli.status import status
from syncd.sandbox.faults import Fault

SUDDEN = ["2", "80004", "reset_after", "cut_off", "html502", "17"]
REJECTION = "100/1487197"


Of = Callable[[State], State]
"""Takes from a state what is to be compared."""


def whole(state: State) -> State:
    return state


class Life:
    """A rig, its processes one after the other, and all that they have logged."""

    def __init__(self, rig: Rig, seed: int, every: str) -> None:
        """every is the period of the stats lines."""
        self.rig = rig
        self.every = every
        self.stillness = 1.1 if every == "1s" else 0.3  # seconds without news that are rest
        self.dice = random.Random(seed)
        self.autumn = rig.path / "autumn"
        self.autumn.mkdir()
        self.mirrored, self.long_named = True, False
        self.told: list[str] = []  # by processes that have ended
        self.daemon: Daemon | None = None
        self.contents = 0
        self.last_picture = b""
        self.configure()

    def configure(self) -> None:
        """Write the configuration as it is to be now."""
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
        return self.told + (self.daemon.lines if self.daemon is not None else [])

    def status(self) -> State:
        """Return what `syncd status --json` prints, without a process for it."""
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            status(self.rig.path / "config.toml", json=True)
        return from_status(printed.getvalue())

    def folder(self) -> State:
        """Return how the folder stands in which most happens."""
        found: State = self.status()["folders"]["spring"]
        return found

    async def rests(self, of: Of = whole) -> None:
        """Wait until nothing happens any more but scans, and log and ledger say the same."""
        async with asyncio.timeout(DEADLINE):
            still, since = None, 0.0
            while True:
                now = self.status()
                if still != (still := _without_scans(now)):
                    since = time.monotonic()
                agree = of(from_log(self.lines, time.time())) == of(now)
                if agree and time.monotonic() - since > self.stillness:
                    return
                await asyncio.sleep(0.05)

    async def compare(self) -> None:
        """Compare with what the command itself prints, once all is at rest."""
        with contextlib.suppress(TimeoutError):
            await self.rests()
        told, printed = await self._told_and_printed()
        for _ in range(5):
            if told == printed:
                break
            await asyncio.sleep(0.3)  # a scan has ended while the command ran
            told, printed = await self._told_and_printed()
        assert told == printed

    async def _told_and_printed(self) -> tuple[State, State]:
        ended = await syncd(self.rig, "status", "--json", "--config", self.config)
        return from_log(self.lines, time.time()), from_status(ended.out)

    @property
    def config(self) -> str:
        return str(self.rig.path / "config.toml")

    @asynccontextmanager
    async def alive(self) -> AsyncIterator[Daemon]:
        async with running(
            self.rig, "run", "--config", self.config, under=without_privileges()
        ) as daemon:
            self.daemon = daemon
            try:
                yield daemon
            finally:
                await daemon.end(signal.SIGKILL)
        self.told += daemon.lines
        self.daemon = None

    # What happens on disk.

    def files(self) -> list[Path]:
        return sorted(p for root in (self.rig.folder, self.autumn) for p in root.rglob("*.jpg"))

    def picture(self) -> bytes:
        """Return an image that was never there before."""
        self.contents += 1
        self.last_picture = picture(self.contents, width=8, height=8)
        return self.last_picture

    def new(self) -> bytes:
        content = self.picture()
        return content if self.dice.random() < 0.9 else b"no picture %d" % self.contents

    def place(self) -> Path:
        root = self.dice.choice([self.rig.folder, self.rig.folder, self.autumn])
        path = root / self.dice.choice(["", "d", "d/e", "ö"]) / f"{self.dice.randrange(40)}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        return path

    def something_happens(self, times: int) -> None:
        for _ in range(times):
            files = self.files()
            action = self.dice.choice(["create"] * 4 + ["rewrite", "rename", "copy", "delete"])
            if action == "create" or not files:
                self.place().write_bytes(self.new())
                continue
            path = self.dice.choice(files)
            match action:
                case "rewrite":
                    path.write_bytes(self.new())
                case "rename":
                    path.rename(self.place())
                case "copy":
                    self.place().write_bytes(path.read_bytes())
                case "delete":
                    path.unlink()

    def something_goes_wrong(self) -> None:
        """Let calls fail, and the account refuse images."""
        for _ in range(2):
            name, account = self.dice.choice(SUDDEN), self.dice.choice("12")
            self.rig.sandbox.faults.add(Fault(name, times=1, account=account))
        self.rig.sandbox.faults.add(
            Fault(REJECTION, times=2, account=self.dice.choice("12"), image="*.jpg")
        )

    # What happens to syncd; each leaves it at rest.

    async def a_token_is_refused(self, of: Of = whole) -> None:
        self.rig.sandbox.faults.add(Fault("190", times=1))
        self.place().write_bytes(self.picture())
        await until(lambda: self.said("account.stopped"))
        await self.rests(of)
        ended = await syncd(self.rig, "retry", "--config", self.config)
        assert ended.code == 0, ended.err

    async def a_folder_goes_and_comes_back(self, of: Of = whole) -> None:
        aside = self.rig.path / "aside"
        self.rig.folder.rename(aside)
        await until(lambda: self.said("folder.missing"))
        await self.rests(of)
        assert self.folder()["doubt"] is not None
        aside.rename(self.rig.folder)
        await until(lambda: self.said("folder.back"))

    async def another_directory_comes(self, of: Of = whole) -> None:
        self.rig.folder.rename(self.rig.path / "the one before")
        self.rig.folder.mkdir()
        await until(lambda: self.said("folder.suspect"))
        await self.rests(of)
        ended = await syncd(self.rig, "deletions", "approve", "spring", "--config", self.config)
        assert ended.code == 0, ended.err
        await until(lambda: self.said("folder.trusted"))

    async def deletions_are_held(self, of: Of = whole) -> None:
        self.rig.sandbox.faults.clear()
        # Beside one that stays: an empty folder would be doubted.
        (self.rig.folder / "stays.jpg").write_bytes(self.picture())
        contents = [self.picture() for _ in range(8)]
        paths = [self.rig.folder / f"held{n}.jpg" for n in range(8)]
        for path, content in zip(paths, contents, strict=True):
            path.write_bytes(content)
        await until(lambda: all(self.rig.recorded(content) for content in contents))
        await self.rests(of)
        for path in paths:
            path.unlink()
        await until(lambda: self.said("deletions.held"))
        await self.rests(of)
        assert self.folder()["deletions_held"] >= 8

    async def a_person_decides_about_deletions(self) -> None:
        await self.deletions_are_held()
        (self.rig.folder / "held7 again.jpg").write_bytes(self.last_picture)
        await self.rests()
        verb = self.dice.choice(["approve", "dismiss"])
        ended = await syncd(self.rig, "deletions", verb, "spring", "--config", self.config)
        assert ended.code == 0, ended.err

    async def something_cannot_be_read(self, of: Of = whole) -> None:
        lost = self.rig.folder / "lost"
        lost.mkdir(exist_ok=True)
        (lost / "a.jpg").write_bytes(self.picture())
        file = self.rig.folder / "secret.jpg"
        file.write_bytes(self.picture())
        file.chmod(0)
        lost.chmod(0)
        try:
            await until(lambda: self.said("directory.unreadable"))
            await until(lambda: self.said("file.unreadable"))
            await until(lambda: self.folder()["trouble"] is not None)  # a whole scan has met it
            await self.rests(of)
            assert self.folder()["unreadable"] == {"permission denied": 1}
        finally:
            lost.chmod(0o755)
            file.chmod(0o644)

    async def another_configuration_is_taken_up(self) -> None:
        self.mirrored, self.long_named = not self.mirrored, not self.long_named
        self.configure()
        before = self.count("daemon.reloaded")
        assert self.daemon is not None
        self.daemon.process.send_signal(signal.SIGHUP)
        await until(lambda: self.count("daemon.reloaded") > before)

    def said(self, *words: str) -> bool:
        """Tell whether the process that runs has said so."""
        assert self.daemon is not None
        return self.daemon.logged(*words)

    def count(self, word: str) -> int:
        assert self.daemon is not None
        return self.daemon.count(word)


def _without_scans(state: State) -> State:
    folders = {name: {**f, "scanned_at": None} for name, f in state["folders"].items()}
    return {**state, "folders": folders}
