"""The stats lines of a house: all of them at its beginning and its end, and on a period between."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from functools import partial

from syncd.daemon.runtime import Runtime
from syncd.daemon.totals import Meter, folder_figures, tell_folder, tell_process
from syncd.engine.lane import Lane
from syncd.engine.stats import account_figures, log_account, sentence
from syncd.ledger import standing
from syncd.ledger.queries import Tally
from syncd.rules.stats_schedule import ALIVE, HOURLY, is_due


class Telling:
    """Writes how accounts, folders and the process stand; remembers what each line said last."""

    def __init__(self, house: Runtime, meter: Meter) -> None:
        self._house = house
        self._meter = meter
        self._every = house.config.log.stats_every
        self._said: dict[str, tuple[object, float]] = {}  # line → what it said, and when
        self._sent = dict.fromkeys(house.engine.lanes, 0)  # images
        self._looked = time.monotonic()

    async def run(self, told: Callable[[str], None]) -> None:
        """Write every line at once, then on the period, until cancelled.

        `told` hears on the period, whatever is written, how the accounts stand in a sentence.
        """
        lanes = self._house.engine.lanes
        await self._house.engine.taken_up.wait()
        await self.tell_all()
        while True:
            await asyncio.sleep(self._every)
            told(sentence(await self._tell(), lanes.values()))

    async def tell_all(self) -> None:
        """Write every line."""
        self._said.clear()
        await self._tell()

    async def _tell(self) -> list[Tally]:
        """Write the lines that are due, the process's own last; answers the accounts' tallies."""
        now = time.monotonic()
        elapsed, self._looked = now - self._looked, now
        tallies, news = [], False
        for lane in self._house.engine.lanes.values():
            found = await self._house.ledger.read(standing.of_account(lane.account))
            tallies.append(found.tally)
            account = account_figures(
                lane, found, self._rate(lane, elapsed), self._house.config.pack.images, time.time()
            )
            news |= self._say(f"account {lane.name}", account, partial(log_account, account))
        for keeper in self._house.disk.keepers.values():
            folder = folder_figures(
                keeper, await self._house.ledger.read(standing.of_folder(keeper.name))
            )
            news |= self._say(f"folder {keeper.name}", folder, partial(tell_folder, folder))
        process = await asyncio.to_thread(self._meter.figures, self._house.disk.intake.waiting)
        # Memory and the like never stand still: news is what others have, and what was dropped.
        said = (process.lines_dropped, process.reading)
        self._say("process", said, partial(tell_process, process), ALIVE, news=news)
        return tallies

    def _say(
        self,
        line: str,
        says: object,
        write: Callable[[], None],
        within: float = HOURLY,
        *,
        news: bool = False,
    ) -> bool:
        """Write a line if it is due; tell whether it was."""
        now = time.monotonic()
        said, at = self._said.get(line, (None, None))
        since = None if at is None else now - at
        due = is_due(changed=news or says != said, since=since, every=self._every, within=within)
        if due:
            self._said[line] = (says, now)
            write()
        return due

    def _rate(self, lane: Lane, elapsed: float) -> float:
        """Return the images a second that an account took since the last look."""
        new = lane.counters.images - self._sent[lane.account]
        self._sent[lane.account] = lane.counters.images
        return new / elapsed if elapsed > 0 else 0.0
