"""A daemon that runs for long while files change, and what it uses meanwhile."""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import re
import signal
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from statistics import fmean

from support.process import Daemon, running
from support.rig import Rig, until
from support.settled import differences
from support.tree import Tree

from syncd.sandbox.server import Sandbox

ACCOUNTS = {"main": "1", "eu": "2", "us": "3"}

STARTED_WITHIN = 120.0  # seconds, on a busy machine

STOPPED_WITHIN = 60.0  # seconds


@dataclass(frozen=True)
class Times:
    """The intervals of the daemon, in seconds, and how much faster than usual budgets pass."""

    settle: float
    rescan: float
    grace: float
    audit: float
    stats: float = 60.0
    scale: float = 1.0

    def watch(self) -> str:
        return f'rescan = "{_ms(self.rescan)}"'

    def account(self) -> str:
        """Return the lines of an account: the budgets of the standard tier, scaled."""
        window, calls = _ms(300 / self.scale), _ms(3600 / self.scale)
        return (
            f'tier = "standard"\nbudget = {{ points = 9000, window = "{window}",'
            f' calls = 100000, calls_window = "{calls}" }}\n'
        )

    def sections(self) -> str:
        return (
            f'[deletions]\ngrace = "{_ms(self.grace)}"\n'
            "hold_above = { images = 1000000, share = 1 }\n"
            f'[audit]\nevery = "{_ms(self.audit)}"\n'
            f'[log]\nstats_every = "{_ms(self.stats)}"\n'
        )


def _ms(seconds: float) -> str:
    return f"{round(seconds * 1000)}ms"


@dataclass(frozen=True)
class Sample:
    """What the daemon used at one moment, and how far the accounts were from the folder."""

    at: float  # seconds since the begin of the run
    life: int  # the number of the process
    operations: int  # until then
    memory: float  # MB that are resident
    own: float  # MB of these that no file backs
    children: float  # MB that are resident in child processes
    descriptors: int
    threads: int
    wal: float  # MB
    ledger: float  # MB
    files: int
    lacking: int  # images, in all accounts
    surplus: int  # images, in all accounts

    def row(self) -> str:
        return (
            f"| {self.at:.0f} | {self.life} | {self.operations} | {self.memory:.1f} |"
            f" {self.own:.1f} | {self.children:.1f} | {self.descriptors} | {self.threads} |"
            f" {self.wal:.2f} | {self.ledger:.2f} | {self.files} | {self.lacking} |"
            f" {self.surplus} |"
        )


HEAD = (
    "| s | process | operations | memory, MB | own | children | descriptors | threads | WAL, MB |"
    " ledger, MB | files | lacking | surplus |\n" + "|---" * 13 + "|"
)


@dataclass
class LongRun:
    """The sandbox, the folder and the daemon of one run."""

    path: Path
    sandbox: Sandbox
    times: Times
    seed: int = 1
    names: int = 40  # of files in each directory
    reuses_directories: bool = False
    samples: list[Sample] = field(default_factory=list)
    operations: int = 0
    life: int = 0  # the number of the running process
    began: float = field(default_factory=time.monotonic)
    rig: Rig = field(init=False)
    tree: Tree = field(init=False)
    daemon: Daemon | None = field(init=False, default=None)

    def __post_init__(self) -> None:
        self.rig = Rig(
            self.path,
            self.sandbox,
            accounts=ACCOUNTS,
            mirrors=("eu", "us"),
            settle=_ms(self.times.settle),
            timeout="10s",
            per_account=self.times.account(),
            per_folder='deletions = "propagate"',
            watch=self.times.watch(),
            toml=self.times.sections(),
        )
        self.tree = Tree(
            self.rig.folder, random.Random(self.seed), self.names, self.reuses_directories
        )

    @asynccontextmanager
    async def process(self) -> AsyncIterator[Daemon]:
        """Run the daemon until the block ends; it must stop at SIGTERM, and log no traceback."""
        self.life += 1
        async with AsyncExitStack() as stack:
            daemon = await stack.enter_async_context(running(self.rig))
            self.daemon = daemon
            await until(
                lambda: daemon.logged("daemon.started") or daemon.process.returncode is not None,
                STARTED_WITHIN,
            )
            self._check_alive()
            try:
                yield daemon
            finally:
                self.daemon = None
            if daemon.process.returncode is None:
                daemon.process.send_signal(signal.SIGTERM)
            async with asyncio.timeout(STOPPED_WITHIN):
                code = await daemon.process.wait()
            assert code in (0, -signal.SIGKILL), daemon.lines[-30:]
        assert not daemon.logged("Traceback")

    async def operate(self, rate: float, seconds: float) -> None:
        """Change files, `rate` operations per second, for some seconds."""
        due = time.monotonic()
        end = due + seconds
        while due < end:
            self.tree.change()
            self.operations += 1
            due = max(due + 1 / rate, time.monotonic() - 1)
            await asyncio.sleep(min(due, end) - time.monotonic())
            self._check_alive()

    @asynccontextmanager
    async def sampled(self, every: float) -> AsyncIterator[None]:
        """Take and print samples every `every` seconds during the block."""
        print(HEAD)
        task = asyncio.create_task(self._sample(every))
        try:
            yield
        finally:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task

    async def settle(self, within: float) -> float:
        """Wait until the accounts equal the folder; return the seconds that this took."""
        began = time.monotonic()
        async with asyncio.timeout(within):
            while self.distance() != (0, 0):  # noqa: ASYNC110  files and accounts set no event
                await asyncio.sleep(0.5)
        return time.monotonic() - began

    def distance(self) -> tuple[int, int]:
        """Return how many images all accounts together lack, and how many they have too many."""
        found = differences(self.rig, self.tree.wanted()).values()
        return sum(lacking for lacking, _ in found), sum(surplus for _, surplus in found)

    async def _sample(self, every: float) -> None:
        while True:
            if self.daemon is not None and self.rig.folder.exists():
                self.take_sample(self.daemon.process.pid)
            await asyncio.sleep(every)

    def take_sample(self, pid: int) -> None:
        """Measure the daemon now."""
        wal = self.rig.ledger.with_name(self.rig.ledger.name + "-wal")
        try:
            memory, own = _memory(pid)
            children = sum(_memory(child)[0] for child in _children(pid))
            descriptors = len(os.listdir(f"/proc/{pid}/fd"))
            threads = len(os.listdir(f"/proc/{pid}/task"))
        except (FileNotFoundError, ProcessLookupError):  # it was killed, or a child has ended
            return
        lacking, surplus = self.distance()
        sample = Sample(
            at=time.monotonic() - self.began,
            life=self.life,
            operations=self.operations,
            memory=memory,
            own=own,
            children=children,
            descriptors=descriptors,
            threads=threads,
            wal=_size(wal),
            ledger=_size(self.rig.ledger),
            files=len(self.tree.files()),
            lacking=lacking,
            surplus=surplus,
        )
        self.samples.append(sample)
        print(sample.row(), flush=True)  # also if the run fails later

    def _check_alive(self) -> None:
        if self.daemon is not None:
            assert self.daemon.process.returncode is None, self.daemon.lines[-30:]


def mean(samples: Sequence[Sample], of: str) -> float:
    """Return the mean of one field."""
    return fmean(getattr(sample, of) for sample in samples)


def _memory(pid: int) -> tuple[float, float]:
    """Return the MB of a process that are resident, and those that no file backs."""
    text = Path(f"/proc/{pid}/status").read_text()
    found = {
        key: int(kb) for key, kb in re.findall(r"^(VmRSS|RssAnon):\s+(\d+)", text, re.MULTILINE)
    }
    return found.get("VmRSS", 0) / 1024, found.get("RssAnon", 0) / 1024


def _children(pid: int) -> list[int]:
    found = []
    for task in Path(f"/proc/{pid}/task").iterdir():
        for child in (task / "children").read_text().split():
            found += [int(child), *_children(int(child))]
    return found


def _size(path: Path) -> float:
    with contextlib.suppress(FileNotFoundError):
        return path.stat().st_size / 1e6
    return 0.0
