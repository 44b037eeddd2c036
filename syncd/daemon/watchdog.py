"""The watchdog: the service manager hears that the daemon lives, as long as that is true.

It covers the event loop, which sends it, and the ledger's two threads: a change and a question go
through them each time. Everything else that works is a task of the loop's task groups, and one that
dies ends the process. It does not cover the threads that read the disk: a share that hangs is no
reason to begin anew.
"""

from __future__ import annotations

import asyncio
import sqlite3
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager

import structlog

from syncd.ledger.database import Ledger
from syncd.log import Log
from syncd.service.notify import Notifier

log: Log = structlog.get_logger()

_PART = 1 / 8
"""Of the watchdog's time, for each part's answer: a stuck one is named before the time is over."""


@asynccontextmanager
async def watched_over(ledger: Ledger, manager: Notifier) -> AsyncIterator[None]:
    """Tell the manager inside the block that the daemon lives, if it wants to know."""
    if manager.watchdog is None:
        yield
        return
    async with asyncio.TaskGroup() as tasks:
        watching = tasks.create_task(_watch(ledger, manager, manager.watchdog), name="watchdog")
        yield
        watching.cancel()


async def _watch(ledger: Ledger, manager: Notifier, seconds: float) -> None:
    parts: Mapping[str, Callable[[], Awaitable[None]]] = {
        "ledger writer": lambda: ledger.write(_nothing),
        "ledger reader": lambda: ledger.ask(_nothing),
    }
    stuck: str | None = None
    since = time.monotonic()
    while True:
        part = await _first_stuck(parts, seconds * _PART)
        if part is None:
            if stuck is not None:
                lasted = round(time.monotonic() - since, 1)
                log.notice("watchdog.moves_again", part=stuck, seconds=lasted)
            stuck, since = None, time.monotonic()
            manager.tell("WATCHDOG=1")
            await asyncio.sleep(seconds / 2)
        elif part != stuck:
            stuck = part
            log.error(
                "watchdog.stuck",
                part=part,
                seconds=round(time.monotonic() - since, 1),
                remedy="look whether the disk of the ledger answers; syncd is about to be restarted"
                " by its service manager, which loses nothing",
            )


async def _first_stuck(
    parts: Mapping[str, Callable[[], Awaitable[None]]], within: float
) -> str | None:
    for name, answer in parts.items():
        try:
            async with asyncio.timeout(within):
                await answer()
        except TimeoutError:
            return name
    return None


def _nothing(_db: sqlite3.Connection) -> None:
    """What costs nothing, and needs the thread."""
