"""The report for the status file is counted when the ledger has changed, and not too often."""

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import msgspec
from support.pictures import picture
from support.rig import Rig, until

from syncd.daemon.credentials import opener
from syncd.daemon.report import Report
from syncd.daemon.report_source import ReportSource
from syncd.daemon.runtime import Runtime, open_runtime
from syncd.daemon.status_file import INTERVAL, NO_REPORT
from syncd.ledger import accounts, operator_pauses
from syncd.ledger.accounts import Pause
from syncd.ledger.operator_pauses import OperatorPause
from syncd.model import AccountId

ONE = AccountId("1")


class Clock:
    """A clock that a test moves, and each reading moves by `step`."""

    def __init__(self, step: float = 0.0) -> None:
        self.now, self.step = 0.0, step

    def __call__(self) -> float:
        self.now += self.step
        return self.now


@asynccontextmanager
async def at_rest(rig: Rig) -> AsyncIterator[Runtime]:
    """Yield a runtime whose loops do not run, so that only the test writes to its ledger."""
    await rig.backfill()
    config = rig.config()
    async with open_runtime(config, opener(config, rig.environ, lambda _: None)) as runtime:
        await runtime.engine.restore()
        yield runtime


async def pause(runtime: Runtime, seconds: float) -> None:
    now = time.time()
    by_operator = OperatorPause(since=now, until=now + seconds, why="frozen", user="anna")
    await runtime.ledger.write(operator_pauses.begin([ONE], by_operator))


def decoded(source: ReportSource) -> Report:
    return msgspec.json.decode(source.encoded, type=Report)


async def test_nothing_is_counted_before_the_engine_has_read_the_ledger(rig: Rig) -> None:
    async with at_rest(rig) as runtime:
        runtime.engine.restored.clear()
        source = ReportSource(runtime)
        await source.refresh()
        assert (source.encoded, source.counted_at) == (NO_REPORT, None)


async def test_the_report_has_the_accounts_and_folders_of_the_configuration(rig: Rig) -> None:
    rig.write("a.jpg", picture(1))
    rig.write("b.webp", picture(2))
    async with at_rest(rig) as runtime:
        source = ReportSource(runtime)
        await source.refresh()
        found = decoded(source)
        assert (found.accounts["main"].held, found.accounts["main"].missing) == (1, 0)
        assert [one.reason for one in found.folders["spring"].skipped] == [".webp"]


async def test_an_unchanged_ledger_is_not_counted_again_and_its_report_counts_as_current(
    rig: Rig,
) -> None:
    async with at_rest(rig) as runtime:
        clock = Clock()
        source = ReportSource(runtime, clock)
        await source.refresh()
        before, counted_at = source.encoded, source.counted_at
        clock.now += INTERVAL
        await source.refresh()
        assert source.encoded is before
        assert source.counted_at is not None
        assert counted_at is not None
        assert source.counted_at > counted_at


async def test_a_change_is_counted_once_the_interval_has_passed(rig: Rig) -> None:
    async with at_rest(rig) as runtime:
        clock = Clock()
        source = ReportSource(runtime, clock)
        await source.refresh()
        await pause(runtime, 3600)
        clock.now += INTERVAL - 0.1
        await source.refresh()
        assert decoded(source).accounts["main"].pause is None
        clock.now += 0.2
        await source.refresh()
        found = decoded(source).accounts["main"].pause
        assert found is not None
        assert "frozen" in found.why


async def test_a_long_count_makes_the_next_one_later(rig: Rig) -> None:
    async with at_rest(rig) as runtime:
        clock = Clock(step=1.0)
        source = ReportSource(runtime, clock)
        await source.refresh()
        assert source.count_took == 1.0
        await pause(runtime, 3600)
        clock.now += 15
        await source.refresh()
        assert decoded(source).accounts["main"].pause is None
        clock.now += 5
        await source.refresh()
        assert decoded(source).accounts["main"].pause is not None


async def test_the_end_of_a_pause_is_a_change(rig: Rig) -> None:
    async with at_rest(rig) as runtime:
        clock = Clock()
        source = ReportSource(runtime, clock)
        end = time.time() + 0.5
        limit = Pause(kind="throttled", why="17", since=end, until=end, consecutive=1)
        await runtime.ledger.write(accounts.pause([ONE], limit))  # nothing is written at its end
        await source.refresh()
        assert decoded(source).accounts["main"].pause == limit
        await until(lambda: time.time() > end)
        clock.now += INTERVAL
        await source.refresh()
        assert decoded(source).accounts["main"].pause is None
