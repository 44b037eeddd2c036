"""`syncd backfill`: send every image that is missing, once, then end."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from types import MappingProxyType

import msgspec

from syncd.config import Config
from syncd.daemon.backfill_result import Result, is_given_up, log_result, of_part, result_of
from syncd.daemon.counting import pause_after_count
from syncd.daemon.monitoring import monitoring_running
from syncd.daemon.notifications import notifying
from syncd.daemon.notify import NO_MANAGER, Notifier, Status
from syncd.daemon.process_view import ProcessView
from syncd.daemon.runtime import Runtime, Work, open_runtime
from syncd.daemon.signals import run_until, stop_on_hangup, stop_signals
from syncd.daemon.stats import StatsLog
from syncd.daemon.status_writer import StatusWriter
from syncd.daemon.totals import ProcessMeter
from syncd.engine.lane import Lane
from syncd.engine.stats import sentence
from syncd.engine.tokens import OpenAccount
from syncd.ledger import selection
from syncd.ledger.queries import Tally
from syncd.model import AccountName

MAX_TRIES = 6
"""Attempts per image whose failures are temporary."""

PROGRESS_INTERVAL = 0.2
"""Seconds between two reports of the progress."""

REST_INTERVAL = 0.02
"""Seconds between two checks whether all accounts are at rest, which cost no read of the ledger.

The first checks follow sooner: where nothing is missing, all are at rest within milliseconds, and a
start with 100,000 unchanged files takes 4 % less."""

FIRST_REST = 0.001
"""Seconds from the end of the scans to the first check; the time to each next one is doubled."""


class Progress(msgspec.Struct, frozen=True, kw_only=True):
    """The progress of one account; while `reading`, more images may be found."""

    tally: Tally
    sent: int
    """Images that this backfill has uploaded or copied."""
    state: str
    reading: bool


class Host(msgspec.Struct, frozen=True):
    """The surroundings of a backfill: systemd, the log and the environment."""

    manager: Notifier = NO_MANAGER
    """Gets a sentence about the progress."""
    dropped: Callable[[], int] = lambda: 0
    """Returns how many lines of the log were dropped so far."""
    environ: Mapping[str, str] = MappingProxyType({})
    """May name the directory of the status file."""


Show = Callable[[Mapping[AccountName, Progress]], None]


async def backfill(
    config: Config,
    open_account: OpenAccount,
    show: Show,
    host: Host = Host(),  # noqa: B008  it is frozen
    work: Work | None = None,
    *,
    interval: float = PROGRESS_INTERVAL,
) -> Result:
    """Scan every folder, send what is missing, and end; `work` limits that to a part.

    `show` gets the progress of each account every `interval` seconds. Raises LedgerError.
    """
    began = time.monotonic()
    with stop_signals(host.manager) as stop, stop_on_hangup(stop):
        view = ProcessView(stop, host.dropped)
        async with (
            open_runtime(config, open_account, tries=MAX_TRIES, work=work) as runtime,
            monitoring_running(view) as monitoring,
        ):
            await monitoring.configure(config.metrics)
            stats = StatsLog(runtime, ProcessMeter(config.ledger.path, host.dropped))
            status = Status(host.manager)
            writer = StatusWriter(host.environ, "backfill", config.ledger.path)

            def show_everywhere(progress: Mapping[AccountName, Progress]) -> None:
                show(progress)
                tallies = (one.tally for one in progress.values())
                status.show(sentence(tallies, runtime.engine.lanes.values()))

            async def fill(sends: asyncio.TaskGroup) -> None:
                async with asyncio.TaskGroup() as loops:
                    tasks = [
                        loops.create_task(runtime.disk.intake.run(), name="intake"),
                        loops.create_task(runtime.engine.run(sends), name="engine"),
                        loops.create_task(stats.run(status.show), name="stats"),
                        loops.create_task(writer.run(runtime), name="status"),
                    ]
                    scans = loops.create_task(_scan_all(runtime), name="scans")
                    await _wait_until_finished(runtime, scans, show_everywhere, interval)
                    for task in tasks:
                        task.cancel()

            with view.observing(runtime, writer, has_watches=False):
                async with notifying(
                    config, runtime.ledger, host.environ, backfill=True
                ) as notifications:
                    ended = await run_until(stop, fill)
            await stats.write_all()
            await writer.close()
            seconds = time.monotonic() - began
            result = await result_of(runtime, seconds, interrupted=not ended)
            log_result(result)
            await notifications.finish(result)
            return result


async def _scan_all(runtime: Runtime) -> None:
    """Scan the folders and record their files, except for those that are still written."""
    async with asyncio.TaskGroup() as scans:
        for monitor in runtime.disk.monitors.values():
            if monitor.name in runtime.work.selection.folders:
                scans.create_task(monitor.scan_all(), name="scan")
    await runtime.disk.intake.quiet()
    await runtime.disk.conclude()
    runtime.engine.request_refill()


async def _wait_until_finished(
    runtime: Runtime, scans: asyncio.Task[None], show: Show, interval: float
) -> None:
    """Report the progress until every account has all that it can get.

    Whether accounts are at rest is known without the ledger. The ledger is counted only then, and
    for the reports, which a large ledger makes less frequent.
    """
    loop, lanes = asyncio.get_running_loop(), runtime.engine.lanes
    due, found_more, rest = loop.time(), False, FIRST_REST
    while True:
        # Where nothing is missing, the backfill ends with the scans.
        await asyncio.wait([scans], timeout=interval)
        if scans.done():
            await asyncio.sleep(rest)
            rest = min(2 * rest, REST_INTERVAL)
        at_rest = scans.done() and all(map(_is_at_rest, lanes.values()))
        began = loop.time()
        if began < due and (found_more or not at_rest):
            continue
        tallies = await _tallies(runtime)
        due = began + pause_after_count(loop.time() - began, interval)
        show(
            {
                lane.name: Progress(
                    tally=tallies[lane.name],
                    sent=lane.counters.images,
                    state=lane.health.state,
                    reading=not scans.done(),
                )
                for lane in lanes.values()
            }
        )
        if at_rest:
            if all(_is_finished(lane, tallies[lane.name]) for lane in lanes.values()):
                return
            found_more = True
            runtime.engine.request_refill()


def _is_at_rest(lane: Lane) -> bool:
    return lane.is_at_rest or is_given_up(lane)


def _is_finished(lane: Lane, tally: Tally) -> bool:
    if is_given_up(lane):
        return True
    return _is_at_rest(lane) and tally.missing <= lane.delayed.given_up


async def _tallies(runtime: Runtime) -> dict[AccountName, Tally]:
    part = runtime.work.part
    return {
        lane.name: of_part(
            await runtime.ledger.read(selection.tally(account, part.folders)), lane, part
        )
        for account, lane in runtime.engine.lanes.items()
    }
