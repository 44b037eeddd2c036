"""The stats lines in the log: all of them at the start and the end, those that are due between."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from functools import partial

from syncd.daemon.runtime import Runtime
from syncd.daemon.totals import ProcessMeter, folder_figures, log_folder, log_process
from syncd.engine.lane import Lane
from syncd.engine.stats import account_figures, log_account, sentence
from syncd.ledger import queries
from syncd.ledger.queries import Tally

HOURLY = 3600.0
"""Seconds between two lines of an account or a folder at most."""

ALIVE = 240.0
"""Seconds between two lines of the process at most: operators alarm after 5 minutes without one."""


def is_due(*, changed: bool, since: float | None, every: float, within: float) -> bool:
    """Return whether a line is written now; called every `every` seconds.

    changed is whether it differs from the last one, which was written `since` seconds ago, or None
    before the first. A line is due early if the next call would exceed `within` seconds.
    """
    return since is None or changed or since + every > within


class StatsLog:
    """The writer of the stats lines of accounts, folders and the process.

    It remembers what each line contained last, because an unchanged line is written less often.
    """

    def __init__(
        self, runtime: Runtime, meter: ProcessMeter, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._runtime = runtime
        self._meter = meter
        self._clock = clock
        self._every = runtime.config.log.stats_every
        self._written: dict[str, tuple[object, float]] = {}  # line → its content, and when
        self._images = {  # sent until the last measurement
            account: lane.counters.images for account, lane in runtime.engine.lanes.items()
        }
        self._measured_at = clock()

    async def run(self, summarise: Callable[[str], None]) -> None:
        """Write every line at once, then those that are due in each period, until cancelled.

        In each period `summarise` gets a sentence about all accounts.
        """
        lanes = self._runtime.engine.lanes
        await self._runtime.engine.restored.wait()
        await self.write_all()
        while True:
            await asyncio.sleep(self._every)
            summarise(sentence(await self.write_due(), lanes.values()))

    async def write_all(self) -> list[Tally]:
        """Write every line; return the accounts' tallies."""
        self._written.clear()
        return await self.write_due()

    async def write_due(self) -> list[Tally]:
        """Write the lines that are due, that of the process last; return the accounts' tallies."""
        now = self._clock()
        elapsed, self._measured_at = now - self._measured_at, now
        tallies, news = [], False
        for lane in self._runtime.engine.lanes.values():
            found = await self._runtime.ledger.read(
                queries.account_summary(lane.account, time.time())
            )
            tallies.append(found.tally)
            rate, per_post = self._rate(lane, elapsed), self._runtime.config.pack.images
            account = account_figures(lane, found, rate, per_post, time.time())
            write = partial(log_account, account)
            news |= self._write_if_due(f"account {lane.name}", account, write)
        for monitor in self._runtime.disk.monitors.values():
            found_folder = await self._runtime.ledger.read(queries.folder_summary(monitor.name))
            folder = folder_figures(monitor, found_folder)
            write = partial(log_folder, folder)
            news |= self._write_if_due(f"folder {monitor.name}", folder, write)
        process = await asyncio.to_thread(self._meter.figures, self._runtime.disk.intake.pending)
        # Memory and the like always change. News are other lines that are written, and lost lines.
        content = (process.lines_dropped, process.reading)
        write = partial(log_process, process)
        self._write_if_due("process", content, write, ALIVE, news=news)
        return tallies

    def _write_if_due(
        self,
        line: str,
        content: object,
        write: Callable[[], None],
        within: float = HOURLY,
        *,
        news: bool = False,
    ) -> bool:
        """Write a line if it has news or is due within `within` seconds; return whether it was."""
        now = self._clock()
        previous, at = self._written.get(line, (None, None))
        since = None if at is None else now - at
        changed = news or content != previous
        due = is_due(changed=changed, since=since, every=self._every, within=within)
        if due:
            self._written[line] = (content, now)
            write()
        return due

    def _rate(self, lane: Lane, elapsed: float) -> float:
        """Return the images per second that an account took since the last measurement."""
        new = lane.counters.images - self._images[lane.account]
        self._images[lane.account] = lane.counters.images
        return new / elapsed if elapsed > 0 else 0.0
