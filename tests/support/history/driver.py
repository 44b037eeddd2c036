"""The daemon's own parts, one pass at a time: nothing waits for a period."""

import asyncio
import contextlib
import os
import sqlite3
from collections.abc import Callable, Collection
from contextlib import closing
from pathlib import Path

from support.rig import DEADLINE, Rig

from syncd.daemon.credentials import opener
from syncd.daemon.runtime import Runtime, open_runtime, upkeep_of
from syncd.daemon.signals import run_until
from syncd.engine.audit import Audit
from syncd.engine.deletion import Deletions
from syncd.engine.lane import Lane
from syncd.engine.reconcile import Reconcile
from syncd.folders.watching.targets import ScanTarget
from syncd.graph.client import GraphError
from syncd.ledger import replicas


class Passes:
    """A process of the daemon, from its start to its stop or its crash."""

    def __init__(self, rig: Rig) -> None:
        self._rig = rig
        self._task: asyncio.Task[None] | None = None
        self._stop = asyncio.Event()
        self._reconcile: Reconcile
        self._deleting: list[Deletions]
        self._audits: list[Audit]
        self.house: Runtime

    @property
    def running(self) -> bool:
        return self._task is not None

    @property
    def lanes(self) -> list[Lane]:
        return list(self.house.engine.lanes.values())

    @property
    def fails(self) -> bool:
        """Some call has failed for a passing reason, and waits before it is tried again."""
        return any(lane.health.failing.calls or _is_delayed(lane) for lane in self.lanes)

    @property
    def _paused(self) -> bool:
        return any(lane.gate.is_shut and not lane.health.failing.calls for lane in self.lanes)

    async def start(self) -> None:
        started: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._stop = asyncio.Event()
        self._task = asyncio.create_task(self._live(started))
        await asyncio.wait({started, self._task}, return_when=asyncio.FIRST_COMPLETED)
        if self._task.done():
            await self._task

    async def stop(self) -> None:
        """Stop as SIGTERM does; calls under way end well."""
        if self._task is not None:
            self._stop.set()
            task, self._task = self._task, None
            await task

    async def crash(self, ledger: Path) -> None:
        """End at once, and leave the ledger as it is in another file."""
        assert self._task is not None
        task, self._task = self._task, None
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
        lose_ledger(self._rig.ledger)
        os.rename(ledger, self._rig.ledger)

    async def whole_pass(
        self, told: Collection[ScanTarget] = (), scanned: Callable[[], None] = lambda: None
    ) -> None:
        """Scan everything, bring what is missing, delete what is due.

        `told` is what the watch has pointed at before; `scanned` is called after the scans.
        """
        async with asyncio.timeout(DEADLINE):
            while self._paused:  # noqa: ASYNC110  a gate sets no event for tests
                await asyncio.sleep(0.01)
            await self._scan(told)
            await self._tidy()  # not all that the scans found is recorded yet
            await self._record()
            scanned()
            await self._until_brought()
            await self._tidy()
            await self._until_brought()

    async def look(self) -> None:
        """Look at everything in the midst of something else."""
        await self._scan(())
        await self._record()

    async def _scan(self, told: Collection[ScanTarget]) -> None:
        monitors = list(self.house.disk.monitors.values())
        if told:
            await monitors[0].scanner.scan(told, fresh=True)
        for monitor in monitors:
            await monitor.scanner.scan_all()

    async def _record(self) -> None:
        await self.house.disk.intake.quiet()
        await self.house.disk.confirm()
        self.house.engine.request_refill()

    async def audit(self) -> bool:
        """Audit every account; tell whether each has answered."""
        async with asyncio.timeout(DEADLINE):
            try:
                for audit in self._audits:
                    await audit.run_once(everything=False, paced=False)
            except GraphError:
                return False
            await self._until_brought()
            return True

    async def _tidy(self) -> None:
        await self._reconcile.run_once(0.0)
        for deleting in self._deleting:
            await deleting.run_if_idle()

    async def _until_brought(self) -> None:
        """Wait until nothing is missing but in accounts that take nothing now."""
        for lane in self.lanes:
            while not await self._is_done(lane):  # noqa: ASYNC110  a ledger sets no event
                await asyncio.sleep(0.005)

    async def _is_done(self, lane: Lane) -> bool:
        if lane.queue.in_flight:
            return False
        if lane.gate.is_shut or _is_delayed(lane):
            return True
        missing = await self.house.ledger.read(replicas.missing_after(lane.account, b"", 1))
        return lane.queue.is_idle and not missing

    async def _live(self, started: asyncio.Future[None]) -> None:
        config = self._rig.config()
        upkeep = upkeep_of(config)
        async with open_runtime(config, opener(config, self._rig.environ, lambda _: None)) as house:

            async def work(carrying: asyncio.TaskGroup) -> None:
                engine = house.engine
                self.house = house
                self._reconcile = Reconcile(house.ledger, upkeep.deletions)
                lanes = engine.lanes.values()
                self._deleting = [engine.deletions(lane, carrying, upkeep) for lane in lanes]
                self._audits = [engine.audit(lane, carrying, upkeep) for lane in lanes]
                async with asyncio.TaskGroup() as loops:
                    loops.create_task(house.disk.intake.run())
                    loops.create_task(engine.run(carrying))
                    started.set_result(None)

            await run_until(self._stop, work)


def _is_delayed(lane: Lane) -> bool:
    return lane.queue.is_idle and bool(lane.delayed)


def lose_ledger(ledger: Path) -> None:
    """Take the ledger away, with all that SQLite keeps beside it."""
    for end in ("", "-wal", "-shm"):
        ledger.with_name(ledger.name + end).unlink(missing_ok=True)


def copy_ledger(ledger: Path, to: Path) -> None:
    """Copy what is committed at this moment, as a crash would leave it."""
    to.unlink(missing_ok=True)
    with closing(sqlite3.connect(ledger)) as db, closing(sqlite3.connect(to)) as copy:
        db.backup(copy)


DAY = 24 * 3600.0
_TIMES = {
    "folder": ("scanned_at", "believed_at", "doubt_since"),
    "replica": ("sent_at", "held_at", "rejected_at"),
    "condemned": ("since", "not_before", "asked_at"),
    "account": ("alone_until", "audit_began", "audit_ended"),
    "pause": ("since", "until"),
    "call": ("at",),
    "copy_refused": ("until",),
}


def let_a_day_pass(ledger: Path) -> None:
    """Make everything in the ledger a day older."""
    with closing(sqlite3.connect(ledger)) as db:
        for table, columns in _TIMES.items():
            older = ", ".join(f"{column} = {column} - {DAY}" for column in columns)
            db.execute(f"UPDATE {table} SET {older}")
        db.commit()
