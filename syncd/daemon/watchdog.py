"""The watchdog: `WATCHDOG=1` for the service manager while every vital part works.

It watches the event loop (which sends the message), the two threads of the ledger, and every part
that can hang in a single operation on a disk or in a call. Everything else is a task in a task
group, and ends the process when it fails. A part that hangs is logged before the manager restarts
the process.
"""

from __future__ import annotations

import asyncio
import sqlite3
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from enum import Enum

import msgspec
import structlog

from syncd.daemon.loop_watch import loop_watched
from syncd.daemon.notify import Notifier
from syncd.daemon.runtime import Runtime
from syncd.heartbeat import Heartbeat
from syncd.ledger import alerts
from syncd.ledger.database import Ledger
from syncd.ledger.statements import Read, Write
from syncd.log import Log
from syncd.model import printable

log: Log = structlog.get_logger()

DEFAULT_SECONDS = 120.0
"""The watchdog's time where no manager sets one; WatchdogSec= of the unit is the same."""

_SHARE = 1 / 8
"""Share of the watchdog's time for each response of the ledger: a hang is logged in time."""

_PROVEN = 15
"""Multiples of the watchdog's time, half an hour, after which a part has proven that it works."""

_STUCK = "watchdog.stuck"
_LEDGER_REMEDY = "check whether the disk of the ledger responds"
_RESTART = "; syncd is about to be restarted by the service manager, and nothing is lost"


class Action(Enum):
    """A reaction of the watchdog to a part."""

    NONE = "none"
    REPORT = "report"
    """Log it once; the other parts continue without it."""
    RESTART = "restart"
    """Log it, and stop notifying the service manager, which then restarts the daemon."""


class PartState(msgspec.Struct, frozen=True):
    """The facts about one part."""

    stalled: bool  # it has been in one operation for too long
    vital: bool  # nothing works without it, as without the ledger
    proven: bool  # it worked for long in this process before it stalled


def watchdog_action(part: PartState) -> Action:
    """Return what to do about a part.

    A restart can help a part that worked before in this process. A part that never worked was not
    helped by the last start, and must not restart the others again and again: for example a folder
    on a disk that hangs.
    """
    if not part.stalled:
        return Action.NONE
    return Action.RESTART if part.vital or part.proven else Action.REPORT


class Part(msgspec.Struct, frozen=True):
    """A part of the daemon that can hang, the subject of its alert, and the operator's remedy."""

    name: str
    subject: str
    heartbeat: Heartbeat
    remedy: str


def parts_of(runtime: Runtime) -> list[Part]:
    """Return the scanner, watcher and reader of each folder, and the workers of each account."""
    parts: list[Part] = []
    folders = runtime.config.folders.values()
    for folder, (folder_id, monitor) in zip(folders, runtime.disk.monitors.items(), strict=True):
        remedy = (
            f"check whether the disk or the server of {printable(folder.path)} responds; nothing is"
            " lost, and the other folders are not affected"
        )
        reader = runtime.disk.readers[folder_id]
        subject = alerts.folder_subject(folder.name)
        parts += [
            Part(f"scanner of {folder.name}", subject, monitor.scanner.heartbeat, remedy),
            Part(f"watcher of {folder.name}", subject, monitor.watch.heartbeat, remedy),
            Part(f"reader of {folder.name}", subject, reader, remedy),
        ]
    for lane in runtime.engine.lanes.values():
        remedy = "a call has exceeded every time limit: restart syncd; nothing is lost"
        calls = runtime.engine.heartbeat(lane.account)
        parts.append(Part(f"workers of {lane.name}", lane.health.subject, calls, remedy))
    return parts


class Stall(msgspec.Struct, frozen=True):
    """A part that hangs since a time of the monotonic clock; the ledger itself has no subject."""

    since: float
    state: PartState
    remedy: str
    subject: str | None = None


class Watchdog:
    """A loop that checks every part, logs each stall, and notifies the service manager."""

    def __init__(self, ledger: Ledger, manager: Notifier) -> None:
        self._ledger = ledger
        self._manager = manager
        self._seconds = manager.watchdog or DEFAULT_SECONDS
        self._parts: Sequence[Part] = ()
        self._reported: dict[str, Stall] = {}

    @contextmanager
    def watching(self, parts: Sequence[Part]) -> Iterator[None]:
        """Watch these parts inside the block."""
        self._parts = parts
        try:
            yield
        finally:
            for part in parts:  # its stall ends with its runtime
                self._reported.pop(part.name, None)
            self._parts = ()

    @property
    def vital_stalls(self) -> list[str]:
        """The parts that a restart helps, which are also why the manager is not notified."""
        return [
            name
            for name, stall in self._reported.items()
            if watchdog_action(stall.state) is Action.RESTART
        ]

    async def run(self) -> None:
        """Check and notify until cancelled."""
        responded_at = dict.fromkeys(_PROBES, time.monotonic())
        while True:
            stalls = {**await self._stalled_parts(), **await self._stalled_ledger(responded_at)}
            await self._report(stalls)
            actions = {watchdog_action(stall.state) for stall in stalls.values()}
            if Action.RESTART not in actions:
                self._manager.send("WATCHDOG=1")
            await asyncio.sleep(self._seconds * (_SHARE if stalls else 1 / 2))

    async def _stalled_parts(self) -> dict[str, Stall]:
        if not self._idle_parts():
            return {}
        # The loop itself may have been blocked, and a part's progress not yet recorded.
        await asyncio.sleep(self._seconds * _SHARE / 2)
        return self._idle_parts()

    def _idle_parts(self) -> dict[str, Stall]:
        now = time.monotonic()
        found: dict[str, Stall] = {}
        for part in self._parts:
            idle = part.heartbeat.idle_for(now)
            if idle >= self._seconds / 2:
                proven = part.heartbeat.worked_for(now) >= self._seconds * _PROVEN
                state = PartState(stalled=True, vital=False, proven=proven)
                found[part.name] = Stall(now - idle, state, part.remedy, part.subject)
        return found

    async def _stalled_ledger(self, responded_at: dict[str, float]) -> dict[str, Stall]:
        """Return the thread of the ledger that does not respond; update when each one did."""
        found: dict[str, Stall] = {}
        vital = PartState(stalled=True, vital=True, proven=False)
        for name, probe in _PROBES.items():
            try:
                async with asyncio.timeout(self._seconds * _SHARE):
                    await probe(self._ledger)
            except TimeoutError:
                found[name] = Stall(responded_at[name], vital, _LEDGER_REMEDY)
                break  # the other thread waits for the same disk
            responded_at[name] = time.monotonic()
        return found

    async def _report(self, stalls: Mapping[str, Stall]) -> None:
        """Log each stall once, and its end; record both as an alert unless the ledger hangs."""
        ledger_responds = all(stall.subject is not None for stall in stalls.values())
        if ledger_responds:
            for name in self._reported.keys() - stalls.keys():
                # A reload may have removed the part while an earlier alert was written.
                if (stall := self._reported.pop(name, None)) is not None:
                    await self._report_end(name, stall)
        for name, stall in stalls.items():
            if name not in self._reported:
                self._reported[name] = stall
                await self._report_begin(name, stall, record=ledger_responds)

    async def _report_begin(self, name: str, stall: Stall, *, record: bool) -> None:
        restart = self._manager.watchdog and watchdog_action(stall.state) is Action.RESTART
        remedy = stall.remedy + (_RESTART if restart else "")
        seconds = round(time.monotonic() - stall.since, 1)
        log.error("watchdog.stuck", part=name, seconds=seconds, remedy=remedy)
        if stall.subject is not None and record:
            at, why = time.time() - seconds, "no progress"
            begun = alerts.begin(_STUCK, stall.subject, why, at, remedy=remedy, part=name)
            await self._ledger.write(begun)

    async def _report_end(self, name: str, stall: Stall) -> None:
        if stall.subject is not None:
            await self._ledger.write(alerts.end(_STUCK, stall.subject, time.time(), name))
        duration = round(time.monotonic() - stall.since, 1)
        log.notice("watchdog.recovered", part=name, duration=duration)


@asynccontextmanager
async def watchdog_running(ledger: Ledger, manager: Notifier) -> AsyncIterator[Watchdog]:
    """Run a watchdog, and the thread that watches the event loop, inside the block."""
    watchdog = Watchdog(ledger, manager)
    with loop_watched(manager.watchdog or DEFAULT_SECONDS):
        async with asyncio.TaskGroup() as tasks:
            running = tasks.create_task(watchdog.run(), name="watchdog")
            yield watchdog
            running.cancel()


async def _probe_writer(ledger: Ledger) -> None:
    await ledger.write(Write(_nothing))


async def _probe_reader(ledger: Ledger) -> None:
    await ledger.read(Read(_nothing))


def _nothing(_db: sqlite3.Connection) -> None:
    """Do nothing, on a thread of the ledger."""


_PROBES: Mapping[str, Callable[[Ledger], Awaitable[None]]] = {
    "ledger writer": _probe_writer,
    "ledger reader": _probe_reader,
}
