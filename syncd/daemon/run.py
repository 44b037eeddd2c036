"""`syncd run`: keep the accounts in sync until stopped, with one configuration after another.

A reload is a restart inside the process: the lock and the open ledger are kept, everything else is
stopped and built again. All state that matters is in the ledger, so that no part needs to compare
the two configurations.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from types import MappingProxyType

import structlog

from syncd import __version__
from syncd.config import Config
from syncd.config.diff import changes
from syncd.daemon.monitoring import monitoring_running
from syncd.daemon.notifications import notifying
from syncd.daemon.notify import NO_MANAGER, Notifier
from syncd.daemon.process_view import ProcessView
from syncd.daemon.reload import ReadSettings, Settings, log_warnings, next_settings
from syncd.daemon.runtime import (
    Runtime,
    build_runtime,
    continue_counters,
    keep_in_sync,
    take_ledger,
)
from syncd.daemon.signals import listen_for_hangups, run_until, stop_signals
from syncd.daemon.startup import Startup, start_timeout_extended
from syncd.daemon.stats import StatsLog
from syncd.daemon.status_writer import StatusWriter
from syncd.daemon.totals import ProcessMeter
from syncd.daemon.watchdog import parts_of, watchdog_running
from syncd.engine.counters import Counters
from syncd.log import Log
from syncd.model import AccountId, printable

log: Log = structlog.get_logger()


async def run(
    settings: Settings,
    read: ReadSettings,
    set_log: Callable[[Config], object],
    manager: Notifier = NO_MANAGER,
    dropped: Callable[[], int] = lambda: 0,
    environ: Mapping[str, str] = MappingProxyType({}),
) -> None:
    """Run the daemon; a SIGHUP replaces the settings by what `read` returns. Raises LedgerError.

    `set_log` applies the log's settings of each later configuration; the caller has applied those
    of the first. `dropped` returns how many lines of the log were dropped so far. `environ` may
    name the directory of the status file.
    """
    ledger_path = settings.config.ledger.path
    meter = ProcessMeter(ledger_path, dropped)
    with stop_signals(manager) as stop, start_timeout_extended(manager) as progress:
        hangup = listen_for_hangups()
        view = ProcessView(stop, dropped)
        async with (
            take_ledger(ledger_path, progress.record) as ledger,
            watchdog_running(ledger, manager) as watchdog,
            monitoring_running(view) as monitoring,
        ):
            writer = StatusWriter(environ, "run", ledger_path)
            reloaded = partial(next_settings, hangup=hangup, read=read, ledger=ledger)
            view.watchdog = watchdog
            previous: Config | None = None
            counters: dict[AccountId, Counters] = {}
            while True:
                config = settings.config
                log_warnings(config)
                await monitoring.configure(config.metrics)
                async with build_runtime(
                    config,
                    settings.open_account,
                    ledger,
                    upkeep=True,
                    progress=progress.record,
                ) as runtime:
                    continue_counters(runtime, counters)
                    _log_start(previous, config)
                    stats, startup = StatsLog(runtime, meter), Startup(manager, progress)
                    with watchdog.watching(parts_of(runtime)), view.observing(runtime, writer):
                        async with notifying(config, ledger, environ):
                            new = await _run_until_reload(
                                runtime, stats, writer, startup, stop, reloaded, view
                            )
                    if new is None:
                        await stats.write_all()
                        await writer.close()
                if new is None:
                    break
                previous, settings = config, new
                set_log(settings.config)
        log.notice("daemon.stopped")


async def _run_until_reload(
    runtime: Runtime,
    stats: StatsLog,
    writer: StatusWriter,
    startup: Startup,
    stop: asyncio.Event,
    reloaded: Callable[[Config], Awaitable[Settings]],
    view: ProcessView,
) -> Settings | None:
    """Keep the accounts in sync until `reloaded` returns settings; return None at a stop."""
    found: list[Settings] = []

    async def work(sends: asyncio.TaskGroup) -> None:
        async with asyncio.TaskGroup() as loops:
            tasks = [
                loops.create_task(keep_in_sync(runtime, sends), name="keep"),
                loops.create_task(startup.complete(runtime), name="ready"),
                loops.create_task(stats.run(startup.status.show), name="stats"),
                loops.create_task(writer.run(runtime), name="status"),
            ]
            found.append(await reloaded(runtime.config))
            log.notice("daemon.reloading")
            startup.manager.send_reloading()
            view.record_reloading()
            for task in tasks:
                task.cancel()

    await run_until(stop, work)
    return None if stop.is_set() else found[0]


def _log_start(previous: Config | None, config: Config) -> None:
    if previous is not None:
        log.notice("daemon.reloaded", config=str(config.path), changes=changes(previous, config))
        return
    log.notice(
        "daemon.started",
        version=__version__,
        config=str(config.path),
        ledger=str(config.ledger.path),
        accounts=len(config.accounts),
        folders=[printable(folder.path) for folder in config.folders.values()],
    )
