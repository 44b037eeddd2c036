"""A daemon that is killed at random moments while files change, and what must hold at the end.

One seed gives one sequence of operations and of kinds of kill; the moments depend on the machine.
"""

import asyncio
import contextlib
import itertools
import json
import random
import signal
import time
from collections import Counter, deque
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from pathlib import Path

from support.logfmt import read_logfmt
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

KNOWN_AFTER = 1.0
"""Seconds for which a file is unchanged at the begin of a scan that reads it: the settle time, and
what a busy machine adds."""

RECORDED_WITHIN = 2.0  # seconds from a response to its commit in the ledger, on a busy machine

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
    """By SHA-256, since when (unix seconds) some file has had these contents without a break."""

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
        now, wanted = time.time(), self.wanted()
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
    in_call: Counter[str] = field(default_factory=Counter)
    """Of the kills, by kind of call: right after the server had executed it."""
    operations: int = 0
    deletions: int = 0
    judged: int = 0  # of the deletions: after a whole scan of the running daemon
    wrong: list[str] = field(default_factory=list)
    """Deletions of an image that the daemon had found in a file, in a scan that began later than
    `KNOWN_AFTER` after the contents came to the folder, and that ended before the DELETE."""


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
        self._running: Daemon | None = None
        self._victim: asyncio.subprocess.Process | None = None
        self._kind: str | None = None  # of the call after which the process is killed
        self._unanswered: dict[str, set[str]] = {account: set() for account in ACCOUNTS}
        """By account, the SHA-256 of images that it took in a call without a response."""
        self._responses: deque[tuple[float, str, set[str]]] = deque()
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
            while not self.is_settled() and time.monotonic() < until_settled:  # noqa: ASYNC110  files and accounts set no event
                await asyncio.sleep(0.2)
            assert self.is_settled(), self._explained(daemon)
            assert await daemon.end() == 0
        return self.result

    @asynccontextmanager
    async def _daemon(self) -> AsyncIterator[Daemon]:
        async with running(self.rig) as daemon:
            await until(
                lambda: daemon.logged("daemon.started") or daemon.process.returncode is not None
            )
            self._running = daemon
            try:
                yield daemon
            finally:
                self._running = None

    async def _live_and_die(self, daemon: Daemon) -> None:
        self._victim = daemon.process
        self._kind = self.random.choice([*KINDS, "delete", None])
        longest = 6.0 if self._kind == "delete" else 1.5  # after a scan and the grace
        deadline = time.monotonic() + self.random.uniform(0.2, longest)
        while daemon.process.returncode is None and time.monotonic() < deadline:
            self._change()
            await asyncio.sleep(self.random.uniform(0.0, 0.2))
        self._victim = None
        if daemon.process.returncode is None:
            daemon.process.kill()
        self._note_killed()
        code = await daemon.process.wait()
        assert code == -signal.SIGKILL, daemon.lines[-20:]
        self.result.kills += 1

    def _change(self) -> None:
        self.tree.change()
        self.result.operations += 1

    async def _on_response(self, call: Call, outcome: Outcome) -> Outcome:
        if outcome.status != 200:
            return outcome
        if self._victim is not None and call.kind == self._kind:
            victim, self._victim = self._victim, None
            with contextlib.suppress(ProcessLookupError):
                victim.kill()
            self.result.in_call[call.kind] += 1
            outcome = Outcome(200, outcome.body, delivery=Delivery.RESET)
        if call.kind in ("upload", "copy") and call.account is not None:
            self._note_sent(call.account, outcome)
        return outcome

    def _note_sent(self, account: str, outcome: Outcome) -> None:
        images = json.loads(outcome.body)["images"].values()
        found = [self.sandbox.library.find(account, image["hash"]) for image in images]
        digests = {image.sha256 for image in found if image is not None}
        if outcome.delivery is Delivery.RESET:
            self._unanswered[account] |= digests
        self._responses.append((time.monotonic(), account, digests))

    def _note_killed(self) -> None:
        """Count the last responses as not received: the process may not have recorded them."""
        last = time.monotonic() - RECORDED_WITHIN
        for at, account, digests in self._responses:
            if at > last:
                self._unanswered[account] |= digests
        self._responses.clear()

    def _on_delete(self, image: Image) -> None:
        self.result.deletions += 1
        begin = self._begin_of_last_scan()
        if begin is None:
            return
        self.result.judged += 1
        since = self.tree.since.get(image.sha256)
        if since is not None and since < begin - KNOWN_AFTER:
            self.result.wrong.append(f"{image.account}: {image.sha256}")

    def _begin_of_last_scan(self) -> float | None:
        """Return when the last scan of the running process that has ended began, if any has."""
        lines = [] if self._running is None else self._running.lines
        for line in reversed(lines):
            if "event=scan.done" in line:
                pairs = read_logfmt(line)
                ended = datetime.fromisoformat(pairs["timestamp"]).timestamp()
                return ended - float(pairs["seconds"])
        return None

    def differences(self) -> dict[str, tuple[int, int]]:
        """Return, by account, how many images it lacks, and how many known ones it has too many."""
        wanted, found = self.tree.wanted(), {}
        for account in ACCOUNTS:
            held = self._held(account)
            lacks, surplus = wanted - held, held - wanted - self.unrecorded(account)
            if lacks or surplus:
                found[account] = len(lacks), len(surplus)
        return found

    def stuck(self) -> list[str]:
        """Return what the ledger has not finished: images, deletions, and alerts.

        A deletion of an image that was sent, and whose response was never recorded, has nothing to
        delete: the ledger does not know under which hash.
        """
        return [
            str(row)
            for sql in (
                "SELECT * FROM replicas WHERE state NOT IN ('held', 'forgotten')",
                """
                SELECT deletion.*
                FROM deletion
                JOIN replica USING (account_id, image_id)
                WHERE replica.hash IS NOT NULL
                """,
                "SELECT * FROM alert",
            )
            for row in self.rig.rows(sql)
        ]

    def is_settled(self) -> bool:
        """Return whether accounts equal the folder and the ledger has nothing left to do."""
        return not self.differences() and not self.stuck()

    def unrecorded(self, account: str) -> set[str]:
        """Return the SHA-256 of what an account holds because of a call without a response.

        Its process was killed, or the connection ended, before the response, and no file has the
        image any longer. The ledger has when it was sent, and no hash by which to find it.
        """
        rows = self.rig.rows(
            """
            SELECT lower(hex(image.sha256))
            FROM replica
            JOIN image ON image.id = replica.image_id
            JOIN account ON account.id = replica.account_id
            WHERE account.act = ? AND hash IS NULL AND wanted = 0 AND sent_at IS NOT NULL
            """,
            account,
        )
        return self._held(account) & {digest for (digest,) in rows} & self._unanswered[account]

    def _held(self, account: str) -> set[str]:
        return {image.sha256 for image in self.sandbox.library.images(account)}

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
        lines += self.stuck()
        return "\n".join([*lines, *daemon.lines[-30:]])

    async def check_ledger(self) -> str:
        """Return what `syncd ledger check` prints."""
        ended = await syncd(self.rig, "ledger", "check", "--config", str(self.rig.write_config()))
        assert ended.code == 0, ended.err
        return ended.out
