"""`syncd run`: keep the accounts in step until told to stop, by one configuration after another.

A reload is a restart without the process: the lock and the open ledger stay, all else ends as at a
stop and is built anew. What matters is in the ledger, so nothing is compared piece by piece.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import structlog

from syncd.config import Config
from syncd.config.diff import changes
from syncd.daemon.notify import NOBODY, Notifier
from syncd.daemon.reload import Read, Settings, next_settings, tell_warnings
from syncd.daemon.runtime import Runtime, build_runtime, keep, take_ledger
from syncd.daemon.signals import hear_hangups, run_until, stop_signals
from syncd.daemon.startup import Start, asking_for_time
from syncd.daemon.stats import Telling
from syncd.daemon.totals import Meter
from syncd.daemon.watchdog import parts_of, watched_over
from syncd.log import Log
from syncd.model import printable

log: Log = structlog.get_logger()


async def run(
    first: Settings,
    read: Read,
    set_log: Callable[[Config], object],
    manager: Notifier = NOBODY,
    dropped: Callable[[], int] = lambda: 0,
) -> None:
    """Run the daemon; SIGHUP takes what `read` answers then. Raises LedgerError.

    set_log sets the log up as another configuration says; for the first, the caller has done so.
    dropped answers how many lines of the log were dropped so far.
    """
    meter = Meter(first.config.ledger.path, dropped)
    with stop_signals(manager) as stop, asking_for_time(manager) as going:
        hangup = hear_hangups()
        async with (
            take_ledger(first.config.ledger.path, going.progress) as ledger,
            watched_over(ledger, manager) as watchdog,
        ):
            before: Config | None = None
            now = first
            while True:
                tell_warnings(now.config)
                async with build_runtime(
                    now.config, now.open_account, ledger, upkeep=True
                ) as house:
                    _tell_begun(before, now.config)
                    telling, start = Telling(house, meter), Start(manager, going)
                    with watchdog.over(parts_of(house)):
                        new = await _work(house, telling, start, stop, hangup, read)
                    if new is None:
                        await telling.tell_all()
                if new is None:
                    break
                before, now = now.config, new
                set_log(now.config)
        log.notice("daemon.stopped")


async def _work(
    house: Runtime,
    telling: Telling,
    start: Start,
    stop: asyncio.Event,
    hangup: asyncio.Event,
    read: Read,
) -> Settings | None:
    """Keep the accounts in step until there are other settings; None once `stop` is set."""
    accepted: list[Settings] = []

    async def work(carrying: asyncio.TaskGroup) -> None:
        async with asyncio.TaskGroup() as loops:
            tasks = [
                loops.create_task(keep(house, carrying), name="keep"),
                loops.create_task(start.tell_ready(house), name="ready"),
                loops.create_task(telling.run(start.status.tell), name="stats"),
            ]
            accepted.append(await next_settings(house.config, hangup, read, house.ledger))
            log.notice("daemon.reloading")
            start.manager.reloading()
            for task in tasks:
                task.cancel()

    await run_until(stop, work)
    return None if stop.is_set() else accepted[0]


def _tell_begun(before: Config | None, now: Config) -> None:
    if before is not None:
        log.notice("daemon.reloaded", config=str(now.path), changes=changes(before, now))
        return
    log.notice(
        "daemon.started",
        config=str(now.path),
        ledger=str(now.ledger.path),
        accounts=len(now.accounts),
        folders=[printable(f.path) for f in now.folders.values()],
    )
