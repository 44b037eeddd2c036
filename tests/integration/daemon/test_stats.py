"""The stats lines: when each is written, and what it contains."""

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
from syncd.daemon.stats import ALIVE, HOURLY, StatsLog
from syncd.daemon.totals import ProcessMeter
from syncd.engine.stats import in_step_in
from syncd.ledger import condemned, limitations
from syncd.log import moment
from syncd.model import AccountId
from syncd.rules.limitation import Limitation, What
from syncd.sandbox.faults import Fault

ALL = ["stats", "stats.folder", "stats.process"]


class Turns:
    """A runtime and its stats lines, which are written when a test calls `next`."""

    def __init__(self, runtime: Runtime) -> None:
        self.runtime = runtime
        self.dropped = 0
        self.later = 0.0  # seconds that the clock of the lines is ahead
        meter = ProcessMeter(runtime.ledger.path, lambda: self.dropped)
        self.stats = StatsLog(runtime, meter, lambda: time.monotonic() + self.later)
        self.lines: list[Any] = []

    async def next(
        self, write: Callable[[StatsLog], Awaitable[object]] = StatsLog.write_due
    ) -> list[str]:
        """Write the lines, and return the events of those that were written."""
        with capture_logs() as logs:
            await write(self.stats)
        self.lines = [log for log in logs if log["event"].startswith("stats")]
        return [log["event"] for log in self.lines]

    async def line(self, event: str) -> dict[str, Any]:
        """Return a line as it is now."""
        await self.next(StatsLog.write_all)
        (found,) = [log for log in self.lines if log["event"] == event]
        return dict(found)


@asynccontextmanager
async def in_sync(rig: Rig) -> AsyncIterator[Turns]:
    """Run the daemon's loops until one file is held and its folder is scanned."""
    rig.write("a.jpg", picture(1))
    async with rig.running() as runtime:
        await until(lambda: rig.recorded(picture(1)) is not None)
        await until(lambda: rig.rows("SELECT 1 FROM baseline WHERE files = 1") != [])
        (lane,) = runtime.engine.lanes.values()
        await until(lambda: lane.queue.is_idle)  # it has been counted, too
        yield Turns(runtime)


async def test_unchanged_lines_are_written_hourly_and_the_process_every_four_minutes(
    rig: Rig,
) -> None:
    async with in_sync(rig) as turns:
        assert await turns.next(StatsLog.write_all) == ALL
        await turns.next()  # its rate is 0, after the rate of the first image
        assert await turns.next() == []
        turns.later += ALIVE
        assert await turns.next() == ["stats.process"]
        turns.later += HOURLY
        assert await turns.next() == ALL
        turns.dropped = 3
        assert await turns.next() == ["stats.process"]
        assert turns.lines[0]["lines_dropped"] == 3
        assert await turns.next() == []
        assert await turns.next(StatsLog.write_all) == ALL


async def test_the_sentence_is_passed_on_each_period_even_when_no_line_is_written(rig: Rig) -> None:
    rig.toml = '[log]\nstats_every = "1s"'
    sentences: list[str] = []
    async with in_sync(rig) as turns:
        with capture_logs() as logs:
            running = asyncio.create_task(turns.stats.run(sentences.append))
            await until(lambda: len(sentences) == 3)
            running.cancel()
    assert sentences == ["1 of 1 images"] * 3
    assert sum(log["event"] == "stats.process" for log in logs) <= 2


async def test_a_changed_line_is_written_in_its_period_together_with_the_process(rig: Rig) -> None:
    async with in_sync(rig) as turns:
        await turns.next()
        await turns.next()
        before = time.time()
        rig.write("b.jpg", picture(1))  # known content: no call, and no change in an account's line
        await until(lambda: rig.rows("SELECT count(*) FROM file") == [(2,)])
        await until(lambda: turns.runtime.disk.intake.pending == 0)
        assert await turns.next() == ["stats.folder", "stats.process"]
        (folder, _) = turns.lines
        assert folder["files"] == 2
        assert folder["watch"] == "watched"
        assert folder["last_event_at"].timestamp() >= before - 1
        rig.write("c.jpg", picture(2))
        await until(lambda: rig.recorded(picture(2)) is not None)
        assert await turns.next() == ALL
        assert turns.lines[0]["images_per_second"] > 0


async def test_a_folder_without_an_event_has_no_time_of_one(rig: Rig) -> None:
    async with in_sync(rig) as turns:
        folder = await turns.line("stats.folder")
        assert folder["last_event_at"] is None
        assert isinstance(folder["scanned_at"], datetime)


async def test_a_folders_line_counts_deletions_that_wait_for_the_operator(rig: Rig) -> None:
    rig.per_folder = 'deletions = "propagate"'
    rig.toml = "[deletions]\nhold_above = { images = 0, share = 0 }"
    rig.write("stays.jpg", picture(2))
    rig.write("gone.jpg", picture(3))
    async with rig.running() as runtime:
        turns = Turns(runtime)
        await until(lambda: all(rig.recorded(picture(n)) for n in (2, 3)))
        await until(lambda: rig.rows("SELECT 1 FROM baseline WHERE files = 2") != [])
        (rig.folder / "gone.jpg").unlink()
        await until(lambda: rig.rows("SELECT 1 FROM deletion") != [])
        above, age = runtime.config.deletions.hold_above, runtime.ledger.now().age
        await runtime.ledger.write(condemned.hold_excess(above, age))
        assert (await turns.line("stats.folder"))["deletions_held"] == 1


async def test_an_accounts_line_has_the_reason_and_the_length_of_its_pause(rig: Rig) -> None:
    async with in_sync(rig) as turns:
        rig.sandbox.faults.add(Fault("80004", times=1))
        rig.write("b.jpg", picture(2))
        lane = next(iter(turns.runtime.engine.lanes.values()))
        await until(lambda: lane.gate.is_shut)
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
        assert line["calls"] == lane.counters.calls == 2


async def test_a_forecast_is_at_most_that_long_until_the_tier_is_known(rig: Rig) -> None:
    rig.per_account = ""
    async with rig.running() as runtime:
        (lane,) = runtime.engine.lanes.values()
        assert in_step_in(lane, 1000, 1).startswith("at most ")
        rig.write("a.jpg", picture(1))  # the headers of the response report the tier
        await until(lambda: lane.pacer.pace.quota.is_tier_known)
        assert not in_step_in(lane, 1000, 1).startswith("at most ")


async def test_the_line_of_a_stopped_or_failing_account_has_the_reason(rig: Rig) -> None:
    async with in_sync(rig) as turns:
        line = await turns.line("stats")
        assert (line["state"], line["why"], line["paused_for"]) == ("open", None, None)
        assert (line["oldest_waiting"], line["in_step_in"]) == (None, "now")
        rig.sandbox.faults.add(Fault("2", times=5))
        rig.write("b.jpg", picture(2))
        lane = next(iter(turns.runtime.engine.lanes.values()))

        def is_failing() -> bool:
            lane.delayed.retry_now()
            return lane.health.failing.since is not None

        await until(is_failing)
        line = await turns.line("stats")
        assert (line["state"], line["paused_for"]) == ("failing", None)
        assert line["in_step_in"] == "unknown"
        assert line["failing_since"] is not None
        assert line["why"].startswith("2:")
        assert list(line["troubles"].values()) == [1]
        lane.delayed.retry_now()
        await until(lambda: rig.recorded(picture(2)) is not None)
        await until(lambda: lane.health.failing.since is None)
        line = await turns.line("stats")
        assert (line["state"], line["why"], line["troubles"]) == ("open", None, {})
        rig.sandbox.faults.add(Fault("190", times=1))
        rig.write("c.jpg", picture(3))
        await until(lambda: rig.rows("SELECT 1 FROM pause") != [])
        line = await turns.line("stats")
        assert (line["state"], line["kind"], line["paused_until"]) == ("stopped", "stop", None)
        assert "190" in line["why"]
        rig.write("d.jpg", b"not an image")
        await until(lambda: rig.rows("SELECT 1 FROM replica WHERE rejected IS NOT NULL") != [])
        line = await turns.line("stats")
        assert line["rejected"] == sum(line["rejections"].values()) == 1


async def test_the_line_of_an_account_lists_its_limitations(rig: Rig) -> None:
    async with in_sync(rig) as turns:
        assert (await turns.line("stats"))["limitations"] == []
        one = Limitation(what=What.NO_COPY, source=AccountId("2"), retry_at=90.0)
        await turns.runtime.ledger.write(limitations.record(AccountId("1"), [one], [], 0, 30.0))
        (listed,) = (await turns.line("stats"))["limitations"]
        assert listed == {
            "what": "no_copy",
            "source": "act_2",
            "since": moment(30.0),
            "retry_at": moment(90.0),
        }


async def test_the_budget_used_is_a_percentage_of_the_budget_without_the_reserve(rig: Rig) -> None:
    rig.per_account = 'tier = "standard"\nreserve = 0.5\nbudget = { points = 60, window = "1d" }'
    async with in_sync(rig) as turns:
        assert (await turns.line("stats"))["budget_used"] == 10.0  # a write of 3 points, of 30


async def test_the_line_of_the_process_has_its_measurements(rig: Rig) -> None:
    async with in_sync(rig) as turns:
        line = await turns.line("stats.process")
        assert 10 < line["memory_mb"] < 2000
        assert abs(line["descriptors"] - len(os.listdir("/proc/self/fd"))) < 5
        assert abs(line["ledger_mb"] - rig.ledger.stat().st_size / 1e6) < 0.1
        wal = rig.ledger.with_name("ledger.db-wal").stat().st_size
        assert wal > 0
        assert abs(line["wal_mb"] - wal / 1e6) < 0.1
        assert (line["reading"], line["lines_dropped"], line["uptime"]) == (0, 0, 0)


async def test_a_folder_that_is_moved_away_becomes_suspect_at_once(
    rig: Rig,
) -> None:
    async with in_sync(rig) as turns:
        rig.folder.rename(rig.path / "aside")
        await until(lambda: rig.rows("SELECT 1 FROM baseline WHERE suspect IS NOT NULL") != [])
        await until(
            lambda: next(iter(turns.runtime.disk.monitors.values())).watch.label == "missing"
        )
        folder = await turns.line("stats.folder")
        assert (folder["watch"], folder["doubt"], folder["files"]) == ("missing", "not there", 1)
