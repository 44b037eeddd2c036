"""The watchdog: the service manager hears that the daemon lives, as long as that is true.

It covers the event loop, which sends it, the ledger's two threads, and whatever of the house may
come to stand still at one step: a disk, a call. Everything else that works is a task of the loop's
task groups, and one that dies ends the process. What stands still is told of before anybody acts.
"""

from __future__ import annotations

import asyncio
import sqlite3
import time
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager

import msgspec
import structlog

from syncd.daemon.loop_watch import guarded_loop
from syncd.daemon.notify import Notifier
from syncd.daemon.runtime import Runtime
from syncd.heartbeat import Heartbeat
from syncd.ledger import alerts
from syncd.ledger.database import Ledger
from syncd.ledger.statements import Read, Write
from syncd.log import Log
from syncd.model import printable
from syncd.rules.liveness import Action, PartState, watchdog_action

log: Log = structlog.get_logger()

SECONDS = 120.0
"""Within which a part must move where no manager has a watchdog; the unit has the same."""

_PART = 1 / 8
"""Of the watchdog's time, for each answer of the ledger: a stuck one is named before it is over."""

_PROVEN = 15
"""Watchdog's times that a part has worked for, half an hour: then a new start is worth a try."""

_STUCK = "watchdog.stuck"
_LEDGER = "look whether the disk of the ledger answers"
_RESTART = "; syncd is about to be restarted by its service manager, which loses nothing"


class Standing(msgspec.Struct, frozen=True):
    """A part that stands still: since when, by the monotonic clock, and how it is with it."""

    since: float
    plight: PartState
    remedy: str
    subject: str | None = None  # whose concern it is; None: the ledger's, which then notes nothing


class Watchdog:
    """Looks at every part in turn, and tells of one that stands still, and of its end."""

    def __init__(self, ledger: Ledger, manager: Notifier) -> None:
        self._ledger = ledger
        self._manager = manager
        self._seconds = manager.watchdog or SECONDS
        self._parts: Sequence[Part] = ()
        self._told: dict[str, Standing] = {}  # each that was told of

    @contextmanager
    def over(self, parts: Sequence[Part]) -> Iterator[None]:
        """Look at these parts too, inside the block."""
        self._parts = parts
        try:
            yield
        finally:
            for part in parts:  # it ends with its house
                self._told.pop(part.name, None)
            self._parts = ()

    async def watch(self) -> None:
        """Look on until cancelled."""
        answered = dict.fromkeys(_ASKED, time.monotonic())
        while True:
            standing = {**await self._at_a_step(), **await self._unanswering(answered)}
            await self._tell(standing)
            cares = {watchdog_action(one.plight) for one in standing.values()}
            if Action.RESTART not in cares:
                self._manager.tell("WATCHDOG=1")
            await asyncio.sleep(self._seconds * (_PART if standing else 1 / 2))

    async def _at_a_step(self) -> dict[str, Standing]:
        if not self._still():
            return {}
        # Perhaps it was the loop that stood, and what has ended could not be heard.
        await asyncio.sleep(self._seconds * _PART / 2)
        return self._still()

    def _still(self) -> dict[str, Standing]:
        now = time.monotonic()
        found: dict[str, Standing] = {}
        for part in self._parts:
            still = part.pulse.idle_for(now)
            if still >= self._seconds / 2:
                proven = part.pulse.worked_for(now) >= self._seconds * _PROVEN
                plight = PartState(stalled=True, vital=False, proven=proven)
                found[part.name] = Standing(now - still, plight, part.remedy, part.subject)
        return found

    async def _unanswering(self, answered: dict[str, float]) -> dict[str, Standing]:
        found: dict[str, Standing] = {}
        vital = PartState(stalled=True, vital=True, proven=False)
        for name, ask in _ASKED.items():
            try:
                async with asyncio.timeout(self._seconds * _PART):
                    await ask(self._ledger)
            except TimeoutError:
                found[name] = Standing(answered[name], vital, _LEDGER)
                break  # the others wait for the same disk
            answered[name] = time.monotonic()
        return found

    async def _tell(self, standing: Mapping[str, Standing]) -> None:
        now = time.monotonic()
        ledger_answers = all(one.subject is not None for one in standing.values())
        for name in self._told.keys() - standing.keys() if ledger_answers else ():
            one = self._told.pop(name)
            if one.subject is not None:
                over = alerts.end(_STUCK, one.subject, time.time(), name)
                await self._ledger.write(over)
            log.notice("watchdog.recovered", part=name, duration=round(now - one.since, 1))
        for name, one in standing.items():
            if name in self._told:
                continue
            restart = self._manager.watchdog and watchdog_action(one.plight) is Action.RESTART
            remedy, still = one.remedy + (_RESTART if restart else ""), round(now - one.since, 1)
            log.error("watchdog.stuck", part=name, seconds=still, remedy=remedy)
            self._told[name] = one
            if one.subject is not None and ledger_answers:
                at, why = time.time() - still, "it stands still"
                begun = alerts.begin(_STUCK, one.subject, why, at, remedy=remedy, part=name)
                await self._ledger.write(begun)


@asynccontextmanager
async def watched_over(ledger: Ledger, manager: Notifier) -> AsyncIterator[Watchdog]:
    """Watch inside the block; the manager hears of it, if it wants to know."""
    watchdog = Watchdog(ledger, manager)
    with guarded_loop(manager.watchdog or SECONDS):
        async with asyncio.TaskGroup() as tasks:
            watching = tasks.create_task(watchdog.watch(), name="watchdog")
            yield watchdog
            watching.cancel()


async def _write(ledger: Ledger) -> None:
    await ledger.write(Write(_nothing))


async def _read(ledger: Ledger) -> None:
    await ledger.read(Read(_nothing))


def _nothing(_db: sqlite3.Connection) -> None:
    """What costs nothing, and needs the thread."""


_ASKED = {"ledger writer": _write, "ledger reader": _read}


class Part(msgspec.Struct, frozen=True):
    """What is watched over, and what a person can do when it stands still."""

    name: str
    subject: str  # as the ledger's concerns have it
    pulse: Heartbeat
    remedy: str


def parts_of(house: Runtime) -> list[Part]:
    """Return each folder's scanner, watcher and reader, and each account's workers."""
    parts: list[Part] = []
    folders = house.config.folders.values()
    for folder, (folder_id, keeper) in zip(folders, house.disk.keepers.items(), strict=True):
        remedy = (
            f"look whether the disk or server of {printable(folder.path)} answers; nothing there is"
            " lost, and the other folders go on"
        )
        subject = alerts.folder(folder.name)
        parts += [
            Part(f"scanner of {folder.name}", subject, keeper.scanner, remedy),
            Part(f"watcher of {folder.name}", subject, keeper.watcher, remedy),
            Part(f"reader of {folder.name}", subject, house.disk.readers[folder_id], remedy),
        ]
    for lane in house.engine.lanes.values():
        remedy = "a call lasts longer than any may: restart syncd, which loses nothing"
        parts.append(
            Part(
                f"workers of {lane.name}", lane.subject, house.engine.calling(lane.account), remedy
            )
        )
    return parts
