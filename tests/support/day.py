"""A day of changes, faults and restarts, which a run repeats at another speed."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass

from support.long_run import STARTED_WITHIN, LongRun
from support.rig import until

from syncd.sandbox.faults import Fault

QUIET, STEADY, BUSY, BURST = 0.05, 1.0, 5.0, 30.0  # operations per second, at any speed


@dataclass(frozen=True)
class Hour:
    """An hour of the day: how often files change, and what else happens at its begin."""

    rate: float
    event: str = ""


HOURS = (
    Hour(QUIET),
    Hour(QUIET, "restart"),
    Hour(STEADY, "errors"),
    Hour(QUIET),
    Hour(QUIET, "folder away"),
    Hour(STEADY),
    Hour(STEADY, "moves"),
    Hour(BUSY, "reload"),
    Hour(BURST),
    Hour(BUSY, "throttled"),
    Hour(STEADY, "moves"),
    Hour(BUSY, "kill"),
    Hour(QUIET),
    Hour(STEADY, "hangs"),
    Hour(BURST),
    Hour(BUSY, "reload"),
    Hour(STEADY, "errors"),
    Hour(QUIET, "folder away at a restart"),
    Hour(BUSY, "app throttled"),
    Hour(BURST, "moves"),
    Hour(STEADY, "kill"),
    Hour(BUSY, "throttled"),
    Hour(STEADY, "restart"),
    Hour(QUIET),
)

FAULTS: Mapping[str, tuple[Fault, ...]] = {
    "errors": tuple(
        Fault(name, rate=0.03) for name in ("1", "2", "reset_before", "reset_after", "html502")
    ),
    "throttled": (Fault("80004", rate=0.02, seconds=5), Fault("17", rate=0.02, seconds=5)),
    "app throttled": (Fault("4", rate=0.01),),
    "hangs": (Fault("hang", rate=0.02), Fault("slow", rate=0.1, seconds=2)),
}
"""By event, the faults of its hour."""

RESTARTS = ("kill", "restart", "folder away at a restart")
"""Events after whose hour the daemon is started again."""


class Day:
    """The hours of a day, one after another, each of `hour` seconds."""

    def __init__(self, run: LongRun, hour: float) -> None:
        self.run = run
        self.hour = hour

    async def pass_by(self) -> None:
        """Let all hours pass."""
        left = list(HOURS)
        while left:
            last = await self._live_until_restart(left)
            if last == "folder away at a restart":
                async with self._folder_away(), self.run.process():
                    await asyncio.sleep(self.hour / 4)

    async def _live_until_restart(self, left: list[Hour]) -> str:
        """Run the daemon for the next hours, up to one that ends it; return its event."""
        async with self.run.process() as daemon:
            await until(lambda: daemon.logged("event=scan.done"), STARTED_WITHIN)
            while left:
                hour = left.pop(0)
                print(f"{hour}", flush=True)
                await self._live(hour)
                if hour.event == "kill":
                    daemon.process.kill()
                if hour.event in RESTARTS:
                    return hour.event
        return ""

    async def _live(self, hour: Hour) -> None:
        run = self.run
        run.sandbox.faults.clear()
        for fault in FAULTS.get(hour.event, ()):
            run.sandbox.faults.add(fault)
        match hour.event:
            case "moves":
                for _ in range(20):
                    run.tree.move_directory()
                    await run.operate(STEADY, self.hour / 100)
                await run.operate(hour.rate, self.hour * 0.8)
            case "reload":
                run.rig.workers = 11 - run.rig.workers
                run.rig.write_config()
                assert run.daemon is not None
                run.daemon.hang_up()
                await run.operate(hour.rate, self.hour)
            case "folder away":
                async with self._folder_away():
                    await asyncio.sleep(self.hour / 2)
                await run.operate(hour.rate, self.hour / 2)
            case _:
                await run.operate(hour.rate, self.hour)

    @asynccontextmanager
    async def _folder_away(self) -> AsyncIterator[None]:
        folder = self.run.rig.folder
        away = folder.with_name("away")
        folder.rename(away)
        yield
        away.rename(folder)
