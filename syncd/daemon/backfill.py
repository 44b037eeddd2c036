"""`syncd backfill`: bring everything that is missing, once, to the end."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping

import msgspec
import structlog

from syncd.config import Config
from syncd.daemon.notify import NOBODY, Notifier, Status
from syncd.daemon.runtime import Runtime, open_runtime
from syncd.daemon.signals import run_until, stop_signals, stopped_by_hangup
from syncd.daemon.stats import Telling
from syncd.daemon.totals import Meter
from syncd.engine.engine import Open
from syncd.engine.lane import Lane
from syncd.engine.stats import sentence
from syncd.ledger import queries
from syncd.ledger.queries import Tally
from syncd.log import Log
from syncd.model import AccountName

log: Log = structlog.get_logger()

TRIES = 6
"""How often a backfill tries an image that fails for a passing reason."""

UNREACHABLE = 8
"""Calls in a row that fail before a backfill leaves an account alone."""

_GLANCE = 0.2  # seconds between two looks at how it gets on


class Progress(msgspec.Struct, frozen=True):
    """How an account's backfill gets on."""

    tally: Tally
    state: str
    reading: bool  # more images may still come to be known


class Result(msgspec.Struct, frozen=True):
    """How a backfill ended: how each account stands, and whether all that was asked was done."""

    tallies: Mapping[AccountName, Tally]
    in_step: bool
    interrupted: bool


async def backfill(
    config: Config,
    open_account: Open,
    show: Callable[[Mapping[AccountName, Progress]], None],
    manager: Notifier = NOBODY,
    dropped: Callable[[], int] = lambda: 0,
) -> Result:
    """Scan every folder, send what is missing, and end; `show` hears of it five times a second.

    So does the service manager, in a sentence. dropped answers how many lines of the log were
    dropped so far.

    Raises LedgerError.
    """
    with stop_signals(manager) as stop, stopped_by_hangup(stop):
        async with open_runtime(config, open_account, tries=TRIES) as house:
            scanned: list[bool] = []
            telling = Telling(house, Meter(config.ledger.path, dropped))
            status = Status(manager)

            def shown(progress: Mapping[AccountName, Progress]) -> None:
                show(progress)
                tallies = (one.tally for one in progress.values())
                status.tell(sentence(tallies, house.engine.lanes.values()))

            async def work(carrying: asyncio.TaskGroup) -> None:
                async with asyncio.TaskGroup() as loops:
                    tasks = [
                        loops.create_task(house.disk.intake.run(), name="intake"),
                        loops.create_task(house.engine.run(carrying), name="engine"),
                        loops.create_task(telling.run(status.tell), name="stats"),
                    ]
                    scans = loops.create_task(_read_everything(house), name="scans")
                    await _until_done(house, scans, shown)
                    scanned.append(scans.result())
                    for task in tasks:
                        task.cancel()

            ended = await run_until(stop, work)
            await telling.tell_all()
            tallies = await _tallies(house)
    in_step = ended and all(scanned) and all(_in_step(tally) for tally in tallies.values())
    return Result(tallies, in_step, interrupted=not ended)


async def _read_everything(house: Runtime) -> bool:
    async with asyncio.TaskGroup() as scans:
        tasks = [
            scans.create_task(keeper.scan_all(), name="scan")
            for keeper in house.disk.keepers.values()
        ]
    await house.disk.intake.quiet()
    await house.disk.confirm()
    house.engine.look_again()
    return all(task.result() for task in tasks)


async def _until_done(
    house: Runtime,
    scans: asyncio.Task[bool],
    show: Callable[[Mapping[AccountName, Progress]], None],
) -> None:
    done = False
    while not done:
        if scans.done():
            await asyncio.sleep(_GLANCE)
        else:  # where nothing is missing, their end is the end
            await asyncio.wait([scans], timeout=_GLANCE)
        done = scans.done()
        progress = {}
        for account, lane in house.engine.lanes.items():
            tally = await house.ledger.read(queries.tally(account))
            progress[lane.name] = Progress(tally, lane.state, reading=not scans.done())
            done = done and _finished(lane, tally)
        show(progress)
        house.engine.look_again()


def _finished(lane: Lane, tally: Tally) -> bool:
    if lane.stopped is not None or lane.failures >= UNREACHABLE:
        return True
    return lane.queue.resting and tally.missing <= lane.queue.given_up


def _in_step(tally: Tally) -> bool:
    return tally.missing == 0 and tally.rejected == 0


async def _tallies(house: Runtime) -> dict[AccountName, Tally]:
    return {
        lane.name: await house.ledger.read(queries.tally(account))
        for account, lane in house.engine.lanes.items()
    }
