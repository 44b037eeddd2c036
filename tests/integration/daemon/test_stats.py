"""The stats lines of the daemon's own parts: which come when, and what they say."""

import asyncio
import os
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any

from structlog.testing import capture_logs
from support.pictures import picture
from support.rig import Rig, until

from syncd.daemon.runtime import Runtime
from syncd.daemon.stats import Telling
from syncd.daemon.totals import Meter
from syncd.ledger import condemned
from syncd.rules.stats_schedule import ALIVE, HOURLY
from syncd.sandbox.faults import Fault

ALL = ["stats", "stats.folder", "stats.process"]


class Turns:
    """A house and its stats lines, turn by turn of the period."""

    def __init__(self, house: Runtime) -> None:
        self.house = house
        self.dropped = 0
        self.telling = Telling(house, Meter(house.ledger.path, lambda: self.dropped))
        self.said: list[Any] = []

    async def next(self, turn: Callable[[Telling], Awaitable[object]] = Telling._tell) -> list[str]:
        """Let a turn come; answers which lines were written."""
        with capture_logs() as logs:
            await turn(self.telling)
        self.said = [log for log in logs if log["event"].startswith("stats")]
        return [log["event"] for log in self.said]

    async def line(self, event: str) -> dict[str, Any]:
        """Return a line as it is now."""
        await self.next(Telling.tell_all)
        (found,) = [log for log in self.said if log["event"] == event]
        return dict(found)

    def grow_older(self, seconds: float) -> None:
        said = self.telling._said
        self.telling._said = {line: (what, at - seconds) for line, (what, at) in said.items()}


@asynccontextmanager
async def living(rig: Rig) -> AsyncIterator[Turns]:
    """Let the daemon's own loops bring a file, and come to rest."""
    rig.write("a.jpg", picture(1))
    async with rig.running() as house:
        await until(lambda: rig.recorded(picture(1)) is not None)
        await until(lambda: rig.rows("SELECT 1 FROM folder WHERE believed_files = 1") != [])
        yield Turns(house)


async def test_what_stands_still_is_told_of_hourly_and_the_process_every_four_minutes(
    rig: Rig,
) -> None:
    async with living(rig) as turns:
        assert await turns.next(Telling.tell_all) == ALL
        await turns.next()  # no image came since, and in the turn before one did
        assert await turns.next() == []
        turns.grow_older(ALIVE)
        assert await turns.next() == ["stats.process"]
        turns.grow_older(HOURLY)
        assert await turns.next() == ALL
        turns.dropped = 3
        assert await turns.next() == ["stats.process"]
        assert turns.said[0]["lines_dropped"] == 3
        assert await turns.next() == []
        assert await turns.next(Telling.tell_all) == ALL


async def test_the_sentence_is_told_on_the_period_also_when_no_line_is_written(rig: Rig) -> None:
    rig.toml = '[log]\nstats_every = "1s"'
    told: list[str] = []
    async with living(rig) as turns:
        with capture_logs() as logs:
            telling = asyncio.create_task(turns.telling.run(told.append))
            await until(lambda: len(told) == 3)
            telling.cancel()
    assert told == ["1 of 1 images"] * 3
    assert sum(log["event"] == "stats.process" for log in logs) <= 2


async def test_a_line_with_news_comes_on_the_period_and_the_process_with_it(rig: Rig) -> None:
    async with living(rig) as turns:
        await turns.next()
        await turns.next()
        before = time.time()
        rig.write("b.jpg", picture(1))  # known: no call, and no account's figure changes
        await until(lambda: rig.rows("SELECT count(*) FROM file") == [(2,)])
        await until(lambda: turns.house.disk.intake.waiting == 0)
        assert await turns.next() == ["stats.folder", "stats.process"]
        (folder, _) = turns.said
        assert folder["files"] == 2
        assert folder["watch"] == "watched"
        assert folder["last_event_at"].timestamp() >= before - 1
        rig.write("c.jpg", picture(2))
        await until(lambda: rig.recorded(picture(2)) is not None)
        assert await turns.next() == ALL
        assert turns.said[0]["images_per_second"] > 0


async def test_a_folder_that_no_event_came_from_has_none(rig: Rig) -> None:
    async with living(rig) as turns:
        folder = await turns.line("stats.folder")
        assert folder["last_event_at"] is None
        assert isinstance(folder["scanned_at"], datetime)


async def test_a_folder_says_what_waits_for_a_person(rig: Rig) -> None:
    rig.per_folder = 'deletions = "propagate"'
    rig.toml = "[deletions]\nhold_above = { images = 0, share = 0 }"
    rig.write("stays.jpg", picture(2))
    rig.write("gone.jpg", picture(3))
    async with rig.running() as house:
        turns = Turns(house)
        await until(lambda: all(rig.recorded(picture(n)) for n in (2, 3)))
        await until(lambda: rig.rows("SELECT 1 FROM folder WHERE believed_files = 2") != [])
        (rig.folder / "gone.jpg").unlink()
        await until(lambda: rig.rows("SELECT 1 FROM condemned") != [])
        await house.ledger.write(condemned.hold(house.config.deletions.hold_above))
        assert (await turns.line("stats.folder"))["deletions_held"] == 1


async def test_an_account_says_what_pauses_it_and_for_how_long(rig: Rig) -> None:
    async with living(rig) as turns:
        rig.sandbox.faults.add(Fault("80004", times=1))
        rig.write("b.jpg", picture(2))
        lane = next(iter(turns.house.engine.lanes.values()))
        await until(lambda: lane.gate.shut)
        await until(lambda: rig.rows("SELECT 1 FROM pause") != [])
        line = await turns.line("stats")
        assert line["state"] == "paused"
        assert "80004" in line["why"]
        ((since, until_),) = rig.rows("SELECT since, until FROM pause")
        assert abs(line["paused_since"].timestamp() - since) < 0.001
        assert abs(line["paused_until"].timestamp() - until_) < 0.001
        assert line["paused_for"] in (0, 1)
        assert (line["missing"], line["oldest_waiting"]) == (1, line["oldest_waiting"])
        assert line["oldest_waiting"] is not None
        with_time = lane.counters.calls
        assert line["calls"] == with_time == 2


async def test_an_account_that_is_stopped_or_fails_says_why(rig: Rig) -> None:
    async with living(rig) as turns:
        line = await turns.line("stats")
        assert (line["state"], line["why"], line["paused_for"]) == ("open", None, None)
        assert (line["oldest_waiting"], line["in_step_in"]) == (None, "now")
        rig.sandbox.faults.add(Fault("2", times=1))
        rig.write("b.jpg", picture(2))
        lane = next(iter(turns.house.engine.lanes.values()))
        await until(lambda: rig.rows("SELECT 1 FROM replica WHERE trouble IS NOT NULL") != [])
        line = await turns.line("stats")
        assert (line["state"], line["paused_for"]) == ("failing", None)
        assert line["why"].startswith("2:")
        assert list(line["troubles"].values()) == [1]
        await until(lambda: rig.recorded(picture(2)) is not None and not lane.failures)
        line = await turns.line("stats")
        assert (line["state"], line["why"], line["troubles"]) == ("open", None, {})
        rig.sandbox.faults.add(Fault("190", times=1))
        rig.write("c.jpg", picture(3))
        await until(lambda: rig.rows("SELECT 1 FROM pause") != [])
        line = await turns.line("stats")
        assert (line["state"], line["kind"], line["paused_until"]) == ("stopped", "stop", None)
        assert "190" in line["why"]
        rig.write("d.jpg", b"no picture")
        await until(lambda: rig.rows("SELECT 1 FROM replica WHERE rejected IS NOT NULL") != [])
        line = await turns.line("stats")
        assert line["rejected"] == sum(line["rejections"].values()) == 1


async def test_the_budget_used_is_a_percentage_of_what_syncd_may_spend(rig: Rig) -> None:
    rig.per_account = 'tier = "standard"\nreserve = 0.5\nbudget = { points = 60, window = "1d" }'
    async with living(rig) as turns:
        assert (await turns.line("stats"))["budget_used"] == 10.0  # a write of 3 points, of 30


async def test_the_process_measures_itself(rig: Rig) -> None:
    async with living(rig) as turns:
        line = await turns.line("stats.process")
        assert 10 < line["memory_mb"] < 2000
        assert abs(line["descriptors"] - len(os.listdir("/proc/self/fd"))) < 5
        assert abs(line["ledger_mb"] - rig.ledger.stat().st_size / 1e6) < 0.1
        wal = rig.ledger.with_name("ledger.db-wal").stat().st_size
        assert wal > 0
        assert abs(line["wal_mb"] - wal / 1e6) < 0.1
        assert (line["reading"], line["lines_dropped"], line["uptime"]) == (0, 0, 0)


async def test_a_folder_that_goes_is_doubted_as_soon_as_the_watch_misses_it(rig: Rig) -> None:
    async with living(rig) as turns:
        rig.folder.rename(rig.path / "aside")
        await until(lambda: rig.rows("SELECT 1 FROM folder WHERE doubt IS NOT NULL") != [])
        await until(lambda: next(iter(turns.house.disk.keepers.values())).watch == "missing")
        folder = await turns.line("stats.folder")
        assert (folder["watch"], folder["doubt"], folder["files"]) == ("missing", "not there", 1)
