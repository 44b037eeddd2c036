"""A driver of the daemon's own parts: it runs one pass at a time, without waiting for periods."""

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
from syncd.engine.deletions import Deletions
from syncd.engine.lane import Lane
from syncd.engine.reconcile import Reconcile
from syncd.folders.watching.targets import ScanTarget
from syncd.graph.client import GraphError
from syncd.ledger import audits, folders, replicas
from syncd.ledger.statements import write
from syncd.model import AccountId


class Driver:
    """A process of the daemon, from its start to its stop or its crash."""

    def __init__(self, rig: Rig) -> None:
        self._rig = rig
        self._task: asyncio.Task[None] | None = None
        self._stop = asyncio.Event()
        self._has_scanned = False
        self._reconcile: Reconcile
        self._deletions: list[Deletions]
        self._audits: dict[AccountId, Audit]
        self.runtime: Runtime

    @property
    def is_running(self) -> bool:
        return self._task is not None

    @property
    def lanes(self) -> list[Lane]:
        return list(self.runtime.engine.lanes.values())

    @property
    def has_failed_calls(self) -> bool:
        """Whether a call has failed temporarily and waits for its retry."""
        return any(lane.health.failing.failures.calls for lane in self.lanes)

    @property
    def has_delays(self) -> bool:
        """Whether an image waits for its next try: its call has failed, or it has no file."""
        return self.has_failed_calls or any(map(_is_delayed, self.lanes))

    @property
    def _is_paused(self) -> bool:
        return any(
            lane.gate.is_shut and not lane.health.failing.failures.calls for lane in self.lanes
        )

    async def start(self) -> None:
        started: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._stop = asyncio.Event()
        self._has_scanned = False
        self._task = asyncio.create_task(self._run(started))
        await asyncio.wait({started, self._task}, return_when=asyncio.FIRST_COMPLETED)
        if self._task.done():
            await self._task

    async def stop(self) -> None:
        """Stop as after SIGTERM: calls in flight end first."""
        if self._task is not None:
            self._stop.set()
            task, self._task = self._task, None
            await task

    async def crash(self, ledger_copy: Path) -> None:
        """End at once, and continue from a copy of the ledger."""
        assert self._task is not None
        task, self._task = self._task, None
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
        lose_ledger(self._rig.ledger)
        os.rename(ledger_copy, self._rig.ledger)

    async def run_pass(
        self, targets: Collection[ScanTarget] = (), on_scanned: Callable[[], None] = lambda: None
    ) -> None:
        """Scan everything, upload what is missing, delete what is due.

        `targets` are scanned first, as after events of the watch.
        """
        async with asyncio.timeout(DEADLINE):
            while self._is_paused:  # noqa: ASYNC110  a gate sets no event for tests
                await asyncio.sleep(0.01)
            if not self._has_scanned:
                await self._delete_due()  # files may have returned since the last process
            await self._scan(targets)
            self._has_scanned = True
            await self._delete_due()  # while not all that the scans found is recorded
            await self._record()
            on_scanned()
            await self._until_uploaded()
            await self._delete_due()
            await self._confirm()
            await self._until_uploaded()
            await self._confirm_later()

    async def scan(self) -> None:
        """Scan everything, while a pass may be running."""
        await self._scan(())
        await self._record()

    async def _scan(self, targets: Collection[ScanTarget]) -> None:
        scanners = [monitor.scanner for monitor in self.runtime.disk.monitors.values()]
        if targets:
            await scanners[0].scan(targets, fresh=True)
        for scanner in scanners:
            await scanner.scan_all()

    async def _record(self) -> None:
        await self.runtime.disk.intake.quiet()
        await self.runtime.disk.conclude()
        self.runtime.engine.request_refill()

    async def audit(self) -> bool:
        """Audit every account, and accept mass changes; return whether each has responded."""
        async with asyncio.timeout(DEADLINE):
            try:
                for account, audit in self._audits.items():
                    report = await audit.run_once(everything=False, paced=False)
                    if report.suspect:
                        await self.runtime.ledger.write(audits.accept(account))
                        await audit.run_once(everything=False, paced=False)
            except GraphError:
                return False
            await self._until_uploaded()
            return True

    async def suspects(self) -> set[str]:
        """Return the names of the suspect folders."""
        return {its.folder for its in await self.runtime.ledger.read(folders.suspects())}

    async def _delete_due(self) -> None:
        await self._reconcile.run_once()
        for deletions in self._deletions:
            await deletions.run_if_idle()

    async def _confirm(self) -> None:
        await self.runtime.engine.restored.wait()
        for account, confirmations in self.runtime.engine.confirmations.items():
            if not self.runtime.engine.lanes[account].gate.is_shut:
                await confirmations.run_once()

    async def _confirm_later(self) -> None:
        """Confirm all deletions as if the time for that had passed."""
        for _ in range(2):
            await self.runtime.ledger.write(let_calls_end())
            await self._confirm()
            await self._until_uploaded()

    async def _until_uploaded(self) -> None:
        """Wait until nothing is missing, except in accounts that take no calls now."""
        for lane in self.lanes:
            while not await self._is_done(lane):  # noqa: ASYNC110  a ledger sets no event
                await asyncio.sleep(0.005)

    async def _is_done(self, lane: Lane) -> bool:
        if lane.queue.in_flight:
            return False
        if lane.gate.is_shut or _is_delayed(lane):
            return True
        missing = await self.runtime.ledger.read(
            replicas.missing_after(lane.account, replicas.FIRST_MISSING, 1)
        )
        return lane.queue.is_idle and not missing.digests

    async def _run(self, started: asyncio.Future[None]) -> None:
        config = self._rig.config()
        upkeep = upkeep_of(config)
        async with open_runtime(
            config, opener(config, self._rig.environ, lambda _: None)
        ) as runtime:

            async def work(carrying: asyncio.TaskGroup) -> None:
                engine = runtime.engine
                self.runtime = runtime
                self._reconcile = Reconcile(runtime.ledger, upkeep.deletions, upkeep.history_kept)
                lanes = engine.lanes.values()
                self._deletions = [engine.deletions(lane, carrying, upkeep) for lane in lanes]
                self._audits = {
                    lane.account: engine.audit(lane, carrying, upkeep) for lane in lanes
                }
                async with asyncio.TaskGroup() as loops:
                    loops.create_task(runtime.disk.intake.run())
                    loops.create_task(engine.run(carrying))
                    started.set_result(None)

            await run_until(self._stop, work)


def _is_delayed(lane: Lane) -> bool:
    return lane.queue.is_idle and bool(lane.delayed)


def lose_ledger(ledger: Path) -> None:
    """Remove the ledger and the files that SQLite keeps next to it."""
    for end in ("", "-wal", "-shm"):
        ledger.with_name(ledger.name + end).unlink(missing_ok=True)


def copy_ledger(ledger: Path, to: Path) -> None:
    """Copy what is committed now, as a crash would leave it."""
    to.unlink(missing_ok=True)
    with closing(sqlite3.connect(ledger)) as db, closing(sqlite3.connect(to)) as copy:
        db.backup(copy)


@write
def let_calls_end(db: sqlite3.Connection) -> None:
    """Let the DELETE calls whose effect is unknown have ended, as when the clock was set back.

    To make them older would make them older than their images, which then count as foreign.
    """
    db.execute(
        """
        UPDATE replica
        SET delete_sent_at = delete_sent_at + 3600, resent_at = resent_at + 3600, check_at = NULL
        WHERE delete_sent_at IS NOT NULL
        """
    )


DAY = 24 * 3600.0
_TIMES = {
    "folder": ("scanned_at",),
    "baseline": ("trusted_at", "trusted_age", "reviewed_age", "suspect_since"),
    "replica": ("delete_sent_at", "resent_at", "check_at", "doubted_at"),
    "deletion": ("found_at", "found_age", "retry_at"),
    "kept": ("kept_at",),
    "account": ("images_charged_until",),
    "audit": ("began_at", "ended_at", "suspect_since"),
    "pause": ("since", "until"),
    "api_call": ("at",),
    "learned": ("since", "retry_at"),
}


def age_by_a_day(ledger: Path) -> None:
    """Move all times of our clock in the ledger a day into the past; the server's are left."""
    with closing(sqlite3.connect(ledger)) as db:
        for table, columns in _TIMES.items():
            older = ", ".join(f"{column} = {column} - {DAY}" for column in columns)
            db.execute(f"UPDATE {table} SET {older}")
        db.execute("UPDATE replica SET clock_offset = clock_offset + ?", (int(DAY),))
        db.commit()
