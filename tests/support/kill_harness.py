"""A daemon that is killed at random moments while files change, and what must hold at the end.

One seed gives one sequence of operations and of kinds of kill; the moments depend on the machine.
"""

import asyncio
import contextlib
import itertools
import random
import signal
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path

from support.pictures import picture
from support.process import Daemon, running, syncd
from support.rig import Rig, until

from syncd.sandbox.calls import Call
from syncd.sandbox.faults import Fault
from syncd.sandbox.outcomes import Delivery, Outcome
from syncd.sandbox.server import Sandbox
from syncd.sandbox.values import Image

OWN, MIRRORS = "1", ("2", "3")
ACCOUNTS = (OWN, *MIRRORS)

KINDS = ("upload", "copy", "delete")
"""Calls whose work is done when the process is killed, so that it never sees the response."""

KNOWN_AFTER = 5.0
"""Seconds with a running daemon after which it must know of a file: a settle time, a scan on its
period, and what a busy machine adds."""

SETTLED_WITHIN = 180.0  # seconds from the last operation to accounts that equal the folder

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
    """Since when some file has had the contents of this SHA-256 without a break."""

    def files(self) -> list[Path]:
        """Return every file, in a stable order."""
        return sorted(path for path in self.root.rglob("*") if path.is_file())

    def wanted(self) -> set[str]:
        """Return the SHA-256 of every file's contents."""
        return {sha256(path.read_bytes()).hexdigest() for path in self.files()}

    def change(self) -> None:
        """Do one operation of a random kind."""
        files = self.files()
        operations = [self._create]
        if files:
            operations += [self._rewrite, self._rename, self._delete, self._delete, self._copy]
            operations += [self._move_directory, self._swap]
        if self.trash:
            operations.append(self._put_back)
        self.random.choice(operations)()
        self._note()

    def _note(self) -> None:
        now, wanted = time.monotonic(), self.wanted()
        self.since = {digest: self.since.get(digest, now) for digest in wanted}

    def _content(self) -> bytes:
        if self.contents and self.random.random() < 0.4:
            return self.random.choice(self.contents)
        content = picture(next(self.numbers) + 1_000_003 * self.random.randrange(1000), width=8)
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
    """What a run has done and found."""

    kills: int = 0
    in_call: int = 0  # of the kills: right after the server had executed a call
    operations: int = 0
    deletions: int = 0
    wrong: list[str] = field(default_factory=list)
    """Deletions of an image that a file had wanted for longer than `KNOWN_AFTER`."""


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
            per_folder='deletions = "propagate"',
            watch='rescan = "1s"',
            toml='[deletions]\ngrace = "1s"\nhold_above = { images = 1000000, share = 1 }\n'
            '[audit]\nevery = "90d"\n',
        )
        self.tree = Tree(self.rig.folder, self.random)
        self.result = Kills()
        self._up_since = float("inf")
        self._victim: asyncio.subprocess.Process | None = None
        self._kind: str | None = None  # of the call after which the process is killed
        sandbox.on_response = self._on_response
        sandbox.library.on_delete = self._on_delete
        for name in FAULTS:
            sandbox.faults.add(Fault(name, rate=RATE))

    async def run(self, kills: int) -> Kills:
        """Kill the daemon `kills` times, then let it settle, and compare."""
        while self.result.kills < kills:
            async with self._daemon() as daemon:
                await self._live_and_die(daemon)
            for _ in range(self.random.randrange(4)):  # while no daemon runs
                self._change()
        self.sandbox.faults.clear()
        async with self._daemon() as daemon:
            until_settled = time.monotonic() + SETTLED_WITHIN
            while self.differences() and time.monotonic() < until_settled:  # noqa: ASYNC110  files and accounts set no event
                await asyncio.sleep(0.2)
            assert self.differences() == {}, self._explained(daemon)
            assert await daemon.end() == 0
        return self.result

    @asynccontextmanager
    async def _daemon(self) -> AsyncIterator[Daemon]:
        async with running(self.rig) as daemon:
            await until(
                lambda: daemon.logged("daemon.started") or daemon.process.returncode is not None
            )
            self._up_since = time.monotonic()
            try:
                yield daemon
            finally:
                self._up_since = float("inf")

    async def _live_and_die(self, daemon: Daemon) -> None:
        self._victim = daemon.process
        self._kind = self.random.choice([*KINDS, None])
        deadline = time.monotonic() + self.random.uniform(0.2, 4.0)
        while daemon.process.returncode is None and time.monotonic() < deadline:
            self._change()
            await asyncio.sleep(self.random.uniform(0.0, 0.2))
        self._victim = None
        if daemon.process.returncode is None:
            daemon.process.kill()
        code = await daemon.process.wait()
        assert code == -signal.SIGKILL, daemon.lines[-20:]
        self.result.kills += 1

    def _change(self) -> None:
        self.tree.change()
        self.result.operations += 1

    async def _on_response(self, call: Call, outcome: Outcome) -> Outcome:
        kind = self.sandbox.counts.recent[-1].kind
        if self._victim is not None and self._kind is not None and kind.startswith(self._kind):
            victim, self._victim = self._victim, None
            with contextlib.suppress(ProcessLookupError):
                victim.kill()
            self.result.in_call += 1
            return Outcome(0, b"", delivery=Delivery.RESET)
        return outcome

    def _on_delete(self, image: Image) -> None:
        self.result.deletions += 1
        since = self.tree.since.get(image.sha256)
        known = time.monotonic() - KNOWN_AFTER
        if since is not None and since < known and self._up_since < known:
            self.result.wrong.append(f"{image.account}: {image.sha256}")

    def differences(self) -> dict[str, tuple[int, int]]:
        """Return, by account, how many images it lacks, and how many known ones it has too many.

        An image whose upload was executed but never recorded, and whose file is gone, is unknown to
        syncd: `unknown` counts these.
        """
        wanted, found = self.tree.wanted(), {}
        for account in ACCOUNTS:
            held = self._held(account)
            lacks, surplus = wanted - held, held - wanted - self._unknown(account)
            if lacks or surplus:
                found[account] = len(lacks), len(surplus)
        return found

    def unknown(self) -> int:
        """Return how many images the accounts hold that syncd sent and has no hash of."""
        wanted = self.tree.wanted()
        return sum(
            len((self._held(account) - wanted) & self._unknown(account)) for account in ACCOUNTS
        )

    def _held(self, account: str) -> set[str]:
        return {image.sha256 for image in self.sandbox.library.images(account)}

    def _unknown(self, account: str) -> set[str]:
        """Return the SHA-256 of the account's images of which the ledger has no hash."""
        rows = self.rig.rows(
            "SELECT sha256 FROM replicas WHERE account = ? AND hash IS NOT NULL", account
        )
        return self._held(account) - {digest for (digest,) in rows}

    def _explained(self, daemon: Daemon) -> str:
        """Return what differs, and what the ledger and the log know of it."""
        wanted = self.tree.wanted()
        lines = [f"(lacks, surplus) by account: {self.differences()}"]
        for account in ACCOUNTS:
            held = {image.sha256: image.hash for image in self.sandbox.library.images(account)}
            for digest in wanted ^ held.keys():
                rows = self.rig.rows(
                    "SELECT state, hash, why FROM replicas WHERE account = ? AND sha256 = ?",
                    account,
                    digest,
                )
                lines.append(
                    f"{account} {digest} {'surplus' if digest in held else 'lacks'} {rows}"
                )
        lines += [str(row) for row in self.rig.rows("SELECT * FROM deletion")]
        return "\n".join([*lines, *daemon.lines[-30:]])

    async def check_ledger(self) -> str:
        """Return what `syncd ledger check` prints."""
        ended = await syncd(self.rig, "ledger", "check", "--config", str(self.rig.write_config()))
        assert ended.code == 0, ended.err
        return ended.out
