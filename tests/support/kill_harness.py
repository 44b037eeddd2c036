"""A daemon that is killed at random moments while files change, and what must hold at the end.

One seed gives one sequence of operations and of kinds of kill; the moments depend on the machine.
"""

import asyncio
import contextlib
import random
import signal
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from support.logfmt import read_logfmt
from support.process import Daemon, running
from support.repeats import Repeats
from support.rig import Rig, until
from support.settled import accept_folder, differences, has_kept_files, let_time_pass, stuck
from support.tree import Tree

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

SETTLED_WITHIN = 180.0  # seconds from the last operation to accounts that equal the folder

STARTED_WITHIN = 120.0  # seconds; one of 500 starts took more than 20 on a busy machine

LONGEST_LIFE = 6.0  # seconds for which a process waits to be killed after a call

FAULTS = ("1", "2", "reset_before", "reset_after", "html502")
RATE = 0.03  # of the calls that each fault strikes


@dataclass
class Kills:
    """The operations and findings of a run."""

    kills: int = 0
    in_call: Counter[str] = field(default_factory=Counter)
    """Of the kills, by kind of call: right after the server had executed it."""
    operations: int = 0
    deletions: int = 0
    after_scan: int = 0  # of the deletions: after a whole scan of the daemon that sent them
    accepted: int = 0
    """How often the operator had to accept the folder: a directory was replaced by another one."""
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
    """The sandbox, the folder and the process of one run; `workers` are those of an account."""

    def __init__(self, path: Path, sandbox: Sandbox, seed: int, workers: int) -> None:
        self.random = random.Random(seed)
        self.sandbox = sandbox
        self.rig = Rig(
            path,
            sandbox,
            accounts={"main": OWN, "eu": MIRRORS[0], "us": MIRRORS[1]},
            mirrors=("eu", "us"),
            workers=workers,
            settle="100ms",
            timeout="10s",
            per_folder='deletions = "propagate"',
            watch='rescan = "1s"',
            toml='[deletions]\ngrace = "1s"\nhold_above = { images = 1000000, share = 1 }\n'
            '[audit]\nevery = "90d"\n',
        )
        self.tree = Tree(self.rig.folder, self.random)
        self.repeats = Repeats()
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
        let_time_pass(self.rig)
        async with self._daemon() as daemon:
            until_settled = time.monotonic() + SETTLED_WITHIN
            while not self.is_settled() and time.monotonic() < until_settled:
                if has_kept_files(self.rig):
                    await accept_folder(self.rig)
                    self.result.accepted += 1
                await asyncio.sleep(0.2)
            assert self.is_settled(), self._explained(daemon)
            assert await daemon.end() == 0
        return self.result

    @asynccontextmanager
    async def _daemon(self) -> AsyncIterator[Daemon]:
        self.repeats.life += 1
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

    def _change(self) -> None:
        self.tree.change()
        self.tree.note_contents()
        self.result.operations += 1

    async def _on_response(self, call: Call, outcome: Outcome) -> Outcome:
        self.repeats.on_call(call, outcome, self.sandbox.library)
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
        self.repeats.on_delete(image)
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
        return not differences(self.rig, self.tree.wanted()) and not stuck(self.rig)

    def _explained(self, daemon: Daemon) -> str:
        """Return what differs, and what the ledger and the log know of it."""
        wanted = self.tree.wanted()
        found = differences(self.rig, wanted)
        lines = [str(self.result), f"(lacks, surplus) by account: {found}"]
        for account in ACCOUNTS:
            images = {image.sha256: image for image in self.sandbox.library.images(account)}
            lines += [
                f"{account} {digest}: {images.get(digest, 'lacks')}"
                for digest in wanted ^ images.keys()
            ]
        lines += stuck(self.rig)
        return "\n".join([*lines, *daemon.lines[-30:]])


def _scanned(line: str) -> tuple[float, float]:
    """Return the begin and the end of a scan that a line of the log reports, in unix seconds."""
    pairs = read_logfmt(line)
    ended = datetime.fromisoformat(pairs["timestamp"]).timestamp()
    return ended - float(pairs["seconds"]), ended
