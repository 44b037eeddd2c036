"""A daemon that is killed at random moments while files change, and what must hold at the end.

One seed gives one sequence of operations and of kinds of kill; the moments depend on the machine.
"""

import asyncio
import contextlib
import itertools
import random
import signal
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from hashlib import sha256
from pathlib import Path

from support.logfmt import read_logfmt
from support.pictures import picture
from support.process import Daemon, running, syncd
from support.rig import Rig, until

from syncd.ledger.file import changing
from syncd.sandbox.calls import Call
from syncd.sandbox.faults import Fault
from syncd.sandbox.outcomes import Delivery, Outcome
from syncd.sandbox.server import Sandbox
from syncd.sandbox.values import Image

OWN, MIRRORS = "1", ("2", "3")
ACCOUNTS = (OWN, *MIRRORS)

KINDS = ("upload", "copy", "delete")
"""Calls whose work is done when the process is killed, so that it never sees the response."""

KNOWN_AFTER = 1.0
"""Seconds for which a file is unchanged at the begin of a scan that reads it: the settle time, and
what a busy machine adds."""

FEWEST = 5
"""Files of the folder from which operations remove files: one that is emptied is suspect."""

LATER = 3600  # seconds

TIMES = {
    "replica": ("sent_at", "delete_sent_at", "resent_at", "check_at"),
    "deletion": ("retry_at",),
    "unanswered": ("first_at", "last_at"),
    "own": ("sent_at", "deleted_at"),
}
"""The columns of the ledger that are compared with a clock."""

SETTLED_WITHIN = 180.0  # seconds from the last operation to accounts that equal the folder

STARTED_WITHIN = 120.0  # seconds; one of 500 starts took more than 20 on a busy machine

LONGEST_LIFE = 6.0  # seconds for which a process waits to be killed after a call

FAULTS = ("1", "2", "reset_before", "reset_after", "html502")
RATE = 0.03  # of the calls that each fault strikes


@dataclass
class Tree:
    """The files of one folder, changed at random; contents come back as older ones."""

    root: Path
    random: random.Random
    numbers: Iterator[int] = field(default_factory=itertools.count)
    contents: list[bytes] = field(default_factory=list)
    trash: list[tuple[Path, bytes]] = field(default_factory=list)
    since: dict[str, float] = field(default_factory=dict)
    """By SHA-256, since when (unix seconds) some file has had these contents without a break."""

    def files(self) -> list[Path]:
        """Return every file, in a stable order."""
        return sorted(path for path in self.root.rglob("*") if path.is_file())

    def wanted(self) -> set[str]:
        """Return the SHA-256 of every file's contents."""
        return {sha256(path.read_bytes()).hexdigest() for path in self.files()}

    def change(self) -> None:
        """Do one operation of a random kind."""
        operations = [self._create]
        if len(self.files()) > FEWEST:
            operations += [self._rewrite, self._rename, self._delete, self._delete, self._copy]
            operations += [self._move_directory, self._swap]
        if self.trash:
            operations.append(self._put_back)
        self.random.choice(operations)()
        self._note()

    def _note(self) -> None:
        now, wanted = time.time(), self.wanted()
        self.since = {digest: self.since.get(digest, now) for digest in wanted}

    def _content(self) -> bytes:
        if self.contents and self.random.random() < 0.4:
            return self.random.choice(self.contents)
        number = next(self.numbers)
        # Pictures of different sizes: an image without a response is found by its name and size.
        content = picture(number + 1_000_003 * self.random.randrange(1000), width=8 + number % 97)
        self.contents.append(content)
        return content

    def _path(self) -> Path:
        directory = self.root.joinpath(*self.random.choice([[], ["a"], ["b"], ["a", "c"]]))
        directory.mkdir(parents=True, exist_ok=True)
        return directory / f"{self.random.randrange(40)}.jpg"

    def _write(self, path: Path, content: bytes) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        new = path.with_name(f".{path.name}.new")
        new.write_bytes(content)
        new.rename(path)

    def _create(self) -> None:
        self._write(self._path(), self._content())

    def _rewrite(self) -> None:
        self._write(self.random.choice(self.files()), self._content())

    def _copy(self) -> None:
        self._write(self._path(), self.random.choice(self.files()).read_bytes())

    def _rename(self) -> None:
        self.random.choice(self.files()).rename(self._path())

    def _swap(self) -> None:
        one, other = self.random.choice(self.files()), self.random.choice(self.files())
        first, second = one.read_bytes(), other.read_bytes()
        self._write(one, second)
        self._write(other, first)

    def _delete(self) -> None:
        path = self.random.choice(self.files())
        self.trash.append((path, path.read_bytes()))
        path.unlink()

    def _put_back(self) -> None:
        self._write(*self.trash.pop(self.random.randrange(len(self.trash))))

    def _move_directory(self) -> None:
        directories = [path for path in self.root.rglob("*") if path.is_dir()]
        target = self.root / self.random.choice("abde")
        if directories and not target.exists():
            with contextlib.suppress(OSError):  # into itself
                self.random.choice(directories).rename(target)


@dataclass
class Kills:
    """The operations and findings of a run."""

    kills: int = 0
    in_call: Counter[str] = field(default_factory=Counter)
    """Of the kills, by kind of call: right after the server had executed it."""
    operations: int = 0
    deletions: int = 0
    after_scan: int = 0  # of the deletions: after a whole scan of the daemon that sent them
    wrong: list[str] = field(default_factory=list)
    """Deletions of an image that a file had since `KNOWN_AFTER` before the last whole scan of the
    same daemon, which must have found it; or before the DELETE, if that daemon had not scanned."""


@dataclass(frozen=True)
class Deletion:
    """A DELETE that the server executed; times in unix seconds."""

    image: Image
    at: float
    since: float | None  # a file has had these contents; None: no file has them

    def is_wrong(self, begin: float | None) -> bool:
        """Return whether the daemon knew the file; `begin` is that of its last whole scan."""
        known = (self.at if begin is None else begin) - KNOWN_AFTER
        return self.since is not None and self.since < known


class Harness:
    """The sandbox, the folder and the process of one run."""

    def __init__(self, path: Path, sandbox: Sandbox, seed: int) -> None:
        self.random = random.Random(seed)
        self.sandbox = sandbox
        self.rig = Rig(
            path,
            sandbox,
            accounts={"main": OWN, "eu": MIRRORS[0], "us": MIRRORS[1]},
            mirrors=("eu", "us"),
            settle="100ms",
            timeout="3s",
            per_folder='deletions = "propagate"',
            watch='rescan = "1s"',
            toml='[deletions]\ngrace = "1s"\nhold_above = { images = 1000000, share = 1 }\n'
            '[audit]\nevery = "90d"\n',
        )
        self.tree = Tree(self.rig.folder, self.random)
        self.result = Kills()
        self._deletions: list[Deletion] = []  # of the running daemon
        self._victim: asyncio.subprocess.Process | None = None
        self._kind: str | None = None  # of the call after which the process is killed
        self._spared = 0  # calls of this kind, before that one
        sandbox.on_response = self._on_response
        sandbox.library.on_delete = self._on_delete
        for name in FAULTS:
            sandbox.faults.add(Fault(name, rate=RATE))

    async def run(self, kills: int) -> Kills:
        """Kill the daemon `kills` times, then let it settle, and compare."""
        async with self._daemon() as daemon:  # the folder is trusted once it has been scanned
            await until(lambda: daemon.logged("event=scan.done"))
            assert await daemon.end() == 0
        while self.result.kills < kills:
            async with self._daemon() as daemon:
                await self._live_and_die(daemon)
            for _ in range(self.random.randrange(4)):  # while no daemon runs
                self._change()
        self.sandbox.faults.clear()
        self._let_time_pass()
        async with self._daemon() as daemon:
            until_settled = time.monotonic() + SETTLED_WITHIN
            while not self.is_settled() and time.monotonic() < until_settled:  # noqa: ASYNC110  files and accounts set no event
                await asyncio.sleep(0.2)
            assert self.is_settled(), self._explained(daemon)
            assert await daemon.end() == 0
        return self.result

    @asynccontextmanager
    async def _daemon(self) -> AsyncIterator[Daemon]:
        async with running(self.rig) as daemon:
            await until(
                lambda: daemon.logged("daemon.started") or daemon.process.returncode is not None,
                STARTED_WITHIN,
            )
            yield daemon
        self._judge(daemon)

    async def _live_and_die(self, daemon: Daemon) -> None:
        self._victim = daemon.process
        self._kind = self.random.choice([*KINDS, *KINDS, None])
        self._spared = self.random.randrange(3)
        life = LONGEST_LIFE if self._kind else self.random.uniform(0.2, 2.0)
        deadline = time.monotonic() + life
        while daemon.process.returncode is None and time.monotonic() < deadline:
            self._change()
            await asyncio.sleep(self.random.uniform(0.0, 0.2))
        self._victim = None
        if daemon.process.returncode is None:
            daemon.process.kill()
        code = await daemon.process.wait()
        assert code == -signal.SIGKILL, daemon.lines[-20:]
        self.result.kills += 1

    def _let_time_pass(self) -> None:
        """Let `LATER` pass while no daemon runs: a DELETE without an effect is repeated at once."""
        with changing(self.rig.ledger) as db:
            for table, columns in TIMES.items():
                shifted = ", ".join(f"{column} = {column} - {LATER}" for column in columns)
                db.execute(f"UPDATE {table} SET {shifted}")
        for account in ACCOUNTS:
            for image in self.sandbox.library.everything(account):
                created, updated = image.created_time - LATER, image.updated_time - LATER
                earlier = replace(image, created_time=created, updated_time=updated)
                self.sandbox.library.put(earlier)

    def _change(self) -> None:
        self.tree.change()
        self.result.operations += 1

    async def _on_response(self, call: Call, outcome: Outcome) -> Outcome:
        if outcome.status != 200:
            return outcome
        if self._victim is not None and call.kind == self._kind:
            self._spared -= 1
            if self._spared >= 0:
                return outcome
            victim, self._victim = self._victim, None
            with contextlib.suppress(ProcessLookupError):
                victim.kill()
            self.result.in_call[call.kind] += 1
            return Outcome(200, outcome.body, delivery=Delivery.RESET)
        return outcome

    def _on_delete(self, image: Image) -> None:
        since = self.tree.since.get(image.sha256)
        self._deletions.append(Deletion(image, time.time(), since))

    def _judge(self, daemon: Daemon) -> None:
        """Judge the deletions of a daemon that has ended."""
        scans = [_scanned(line) for line in daemon.lines if "event=scan.done" in line]
        for deletion in self._deletions:
            begin = max((begin for begin, end in scans if end <= deletion.at), default=None)
            self.result.deletions += 1
            self.result.after_scan += begin is not None
            if deletion.is_wrong(begin):
                self.result.wrong.append(f"{deletion}, after a scan from {begin}")
        self._deletions.clear()

    def differences(self) -> dict[str, tuple[int, int]]:
        """Return, by account, how many images it lacks, and how many it has too many."""
        wanted, found = self.tree.wanted(), {}
        for account in ACCOUNTS:
            held = self._held(account)
            lacks, surplus = wanted - held, held - wanted
            if lacks or surplus:
                found[account] = len(lacks), len(surplus)
        return found

    def stuck(self) -> list[str]:
        """Return what the ledger has not finished, and what it keeps or waits for."""
        return [
            f"{table}: {row}"
            for table in (
                "replica WHERE state <> 'held'",
                "deletion",
                "kept",
                "unanswered",
                "alert",
            )
            for row in self.rig.rows(f"SELECT * FROM {table}")
        ]

    def images_by_history(self) -> list[tuple[int, int, int]]:
        """Return for each account how many images it took and deleted, as the history has them."""
        return self.rig.rows(
            """
            SELECT account_id,
                sum(iif(what = 'deleted', 0, iif(images IS NULL, 1, length(images) / 4))),
                sum(what = 'deleted')
            FROM history
            WHERE what IN ('uploaded', 'copied', 'restored', 'deleted')
            GROUP BY account_id
            """
        )

    def images_by_activity(self) -> list[tuple[int, int, int]]:
        """Return the same as the figures over time have it."""
        return self.rig.rows(
            """
            SELECT account_id, sum(uploaded + copied), sum(deleted)
            FROM activity
            GROUP BY account_id
            """
        )

    def is_settled(self) -> bool:
        """Return whether accounts equal the folder and the ledger has nothing left to do."""
        return not self.differences() and not self.stuck()

    def _held(self, account: str) -> set[str]:
        return {image.sha256 for image in self.sandbox.library.images(account)}

    def _explained(self, daemon: Daemon) -> str:
        """Return what differs, and what the ledger and the log know of it."""
        wanted = self.tree.wanted()
        lines = [str(self.result), f"(lacks, surplus) by account: {self.differences()}"]
        for account in ACCOUNTS:
            held = {image.sha256: image for image in self.sandbox.library.images(account)}
            lines += [
                f"{account} {digest}: {held.get(digest, 'lacks')}"
                for digest in wanted ^ held.keys()
            ]
        lines += self.stuck()
        return "\n".join([*lines, *daemon.lines[-30:]])

    async def check_ledger(self) -> str:
        """Return what `syncd ledger check` prints."""
        ended = await syncd(self.rig, "ledger", "check", "--config", str(self.rig.write_config()))
        assert ended.code == 0, ended.err
        return ended.out


def _scanned(line: str) -> tuple[float, float]:
    """Return the begin and the end of a scan that a line of the log reports, in unix seconds."""
    pairs = read_logfmt(line)
    ended = datetime.fromisoformat(pairs["timestamp"]).timestamp()
    return ended - float(pairs["seconds"]), ended
