"""The writer of the status file, every few seconds."""

from __future__ import annotations

import asyncio
import os
import time
from collections import deque
from collections.abc import Mapping
from contextlib import suppress
from functools import partial
from pathlib import Path

import structlog

from syncd import __version__
from syncd.daemon.report_source import ReportSource
from syncd.daemon.runtime import Runtime
from syncd.daemon.status_file import (
    INTERVAL,
    NO_REPORT,
    AccountActivity,
    DaemonStatus,
    StatusFile,
    boot_id,
    since_boot,
)
from syncd.engine.lane import Lane
from syncd.engine.stats import budget_used, in_step_in, seconds_once_open
from syncd.log import Log, elapsed
from syncd.model import AccountId, printable
from syncd.threads import run_in_thread

log: Log = structlog.get_logger()

_RATE_OVER = 60.0
"""Seconds over which the images per second of an account are measured."""


class StatusWriter:
    """The writer of one process, which goes on through reloads.

    A file that cannot be written is logged once, and stops nothing.
    """

    def __init__(self, environ: Mapping[str, str], command: str, ledger: Path) -> None:
        """`environ` may name the directory of the file."""
        self._file = StatusFile(environ, ledger)
        self._command = command
        self._ledger = ledger
        self._boot_id = boot_id()
        self._started_at = time.time()
        self._done: tuple[int, ...] = ()  # calls, images and waiting files: a change is activity
        self._active_at: float | None = None
        self._failed_at: float | None = None
        self.source: ReportSource | None = None
        """The source of the report, once a runtime has been started."""
        self._samples: deque[tuple[float, dict[AccountId, int]]] = deque(
            maxlen=round(_RATE_OVER / INTERVAL) + 1
        )

    async def run(self, runtime: Runtime) -> None:
        """Write the file every INTERVAL seconds until cancelled; do not delay the first report."""
        self._samples.clear()
        self.source = ReportSource(runtime)
        while True:
            await self.source.refresh()
            self._measure(runtime)
            accounts = {
                str(lane.name): self._activity(lane, runtime.config.pack.images)
                for lane in runtime.engine.lanes.values()
            }
            await self._write(self._status(accounts, stopped=False))
            await pause(runtime.engine.restored)

    async def close(self) -> None:
        """Write that the process has ended."""
        await self._write(self._status({}, stopped=True))

    def _measure(self, runtime: Runtime) -> None:
        lanes = runtime.engine.lanes
        images = {account: lane.counters.images for account, lane in lanes.items()}
        self._samples.append((time.monotonic(), images))
        calls = (lane.counters.calls for lane in lanes.values())
        done = (*calls, *images.values(), runtime.disk.intake.pending)
        if done != self._done and any(done):
            self._active_at = time.time()
        self._done = done

    def _activity(self, lane: Lane, per_post: int) -> AccountActivity:
        missing = lane.missing
        return AccountActivity(
            missing=missing,
            in_flight=lane.queue.in_flight,
            images_per_second=self._rate(lane.account),
            in_step_in=None if lane.trouble else in_step_in(lane, missing, per_post),
            retry_at=None if lane.health.failing.since is None else _retry_at(lane),
            why=lane.health.failing.why,
            token_expires_at=lane.health.token_expires_at,
            budget_used=budget_used(lane),
            seconds_to_send=seconds_once_open(lane, missing, per_post) if missing else None,
            is_at_most=not lane.pacer.pace.quota.is_tier_known,
        )

    def _rate(self, account: AccountId) -> float:
        (first, before), (last, now) = self._samples[0], self._samples[-1]
        return round((now[account] - before[account]) / (last - first), 2) if last > first else 0.0

    def _status(self, accounts: dict[str, AccountActivity], *, stopped: bool) -> DaemonStatus:
        return DaemonStatus(
            command=self._command,
            version=__version__,
            ledger=str(self._ledger.absolute()),
            pid=os.getpid(),
            boot_id=self._boot_id,
            started_at=self._started_at,
            last_activity_at=self._active_at,
            written_at=time.time(),
            written_since_boot=since_boot(),
            interval=INTERVAL,
            stopped=stopped,
            accounts=accounts,
            counted_at=None if self.source is None else self.source.counted_at,
            count_took=0.0 if self.source is None else self.source.count_took,
            report=NO_REPORT if self.source is None else self.source.encoded,
        )

    async def _write(self, status: DaemonStatus) -> None:
        file = printable(str(self._file.path))
        try:
            await run_in_thread(partial(self._file.write, status))
        except OSError as error:
            if self._failed_at is None:
                self._failed_at = time.time()
                why = (error.strerror or str(error)).lower()
                log.warning("status.unwritable", file=file, why=why)
        else:
            if self._failed_at is not None:
                duration = elapsed(self._failed_at, time.time())
                self._failed_at = None
                log.notice("status.writable", file=file, duration=duration)


async def pause(restored: asyncio.Event) -> None:
    """Wait until the next version is due, or until the first report can be made."""
    if restored.is_set():
        await asyncio.sleep(INTERVAL)
    else:  # not asyncio.wait_for: in Python 3.11 it can lose a cancellation
        with suppress(TimeoutError):
            async with asyncio.timeout(INTERVAL):
                await restored.wait()


def _retry_at(lane: Lane) -> float | None:
    delay = lane.delayed.next_delay
    return None if delay is None else time.time() + delay
