"""What monitoring sees of a process: its readiness, and figures of accounts and folders."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from support.exposition import Samples
from support.pictures import picture
from support.rig import DEADLINE, Rig, until

from syncd.daemon.process_view import ProcessView
from syncd.daemon.report_source import ReportSource
from syncd.daemon.runtime import Runtime, continue_counters
from syncd.daemon.status_writer import StatusWriter
from syncd.engine.counters import Counters, Outcome, outcome_of
from syncd.engine.stats import state_of
from syncd.ledger import accounts
from syncd.ledger.accounts import OPERATOR, Pause
from syncd.model import AccountId
from syncd.monitoring.exposition import metrics_page
from syncd.monitoring.figures import ACCOUNT_STATES
from syncd.rules.errors import ApiError
from syncd.sandbox.faults import Fault
from syncd.sandbox.server import Sandbox


@dataclass
class Viewed:
    """A runtime as monitoring sees it, counted again at each scrape."""

    runtime: Runtime
    view: ProcessView
    writer: StatusWriter
    later: float = 0.0  # seconds that the clock of the counts is ahead

    async def scrape(self) -> Samples:
        self.later += 1e6  # no count is too recent
        if self.writer.source is None:
            self.writer.source = ReportSource(self.runtime, lambda: time.monotonic() + self.later)
        await self.writer.source.refresh()
        return Samples(metrics_page(self.view.figures(), "").content.decode())

    async def value(self, name: str, **labels: str) -> float | None:
        return (await self.scrape()).value(name, **labels)

    async def wait_for(self, expected: float, name: str, **labels: str) -> None:
        """Wait until a series has a value."""
        async with asyncio.timeout(DEADLINE):
            while await self.value(name, **labels) != expected:  # noqa: ASYNC110
                await asyncio.sleep(0.01)

    async def states(self, account: str = "main") -> list[str]:
        series = (await self.scrape()).series("syncd_account_state")
        return [
            labels["state"] for labels, value in series if labels["account"] == account and value
        ]


@asynccontextmanager
async def viewed(rig: Rig) -> AsyncIterator[Viewed]:
    async with rig.running() as runtime:
        view = ProcessView(asyncio.Event(), lambda: 3)
        writer = StatusWriter({}, "run", rig.ledger)
        with view.observing(runtime, writer):
            yield Viewed(runtime, view, writer)


async def test_the_images_and_calls_of_each_account_are_shown(
    tmp_path: Path, sandbox: Sandbox
) -> None:
    rig = Rig(tmp_path, sandbox, accounts={"main": "1", "eu": "2"}, mirrors=("eu",))
    rig.per_folder = 'copy = "copy"'
    content = picture(1)
    rig.write("a.jpg", content)
    rig.write("bad.jpg", b"not an image")
    async with viewed(rig) as seen:
        for account in ("main", "eu"):
            await seen.wait_for(1, "syncd_images", account=account, state="held")
            await seen.wait_for(1, "syncd_images", account=account, state="rejected")
            await seen.wait_for(0, "syncd_images", account=account, state="in_flight")
        found = await seen.scrape()
        assert found.value("syncd_images", account="main", state="missing") == 0
        calls = {
            (labels["account"], labels["kind"], labels["outcome"]): value
            for labels, value in found.series("syncd_calls_total")
            if value
        }
        assert calls == {("main", "upload", "ok"): 1, ("eu", "copy", "ok"): 1}
        assert found.value("syncd_uploaded_bytes_total", account="main") == len(content)
        assert found.value("syncd_uploaded_bytes_total", account="eu") == 0
        assert found.value("syncd_upload_duration_seconds_count", account="main") == 1
        assert (found.value("syncd_upload_duration_seconds_sum", account="main") or 0) > 0
        assert found.value("syncd_upload_duration_seconds_count", account="eu") == 0
        assert found.value("syncd_budget_used_ratio", account="main", window="points") == 3 / 8100
        assert found.value("syncd_budget_used_ratio", account="main", window="calls") == 1 / 90_000
        assert found.value("syncd_oldest_missing_seconds", account="main") == 0
        assert found.value("syncd_forecast_seconds", account="main") == 0
        assert found.value("syncd_log_dropped_total") == 3
        counted = found.value("syncd_counted_timestamp_seconds")
        assert counted is not None
        assert 0 <= time.time() - counted < DEADLINE
        assert found.value("syncd_images", account="x", state="held") is None


async def test_a_missing_image_has_an_age_and_a_throttled_account_is_paused(rig: Rig) -> None:
    rig.sandbox.faults.add(Fault("80004", seconds=600.0, on="upload"))
    rig.write("a.jpg", picture(1))
    async with viewed(rig) as seen:
        await seen.wait_for(1, "syncd_account_state", account="main", state="paused")
        found = await seen.scrape()
        assert await seen.states() == ["paused"]
        outcome = {"account": "main", "kind": "upload"}
        assert found.value("syncd_calls_total", outcome="throttled", **outcome) == 1
        assert found.value("syncd_images", account="main", state="missing") == 1
        account = AccountId("1")
        hour = Pause(
            kind="throttled", why="", since=time.time() - 3600, until=time.time() + 9, consecutive=1
        )
        await seen.runtime.ledger.write(accounts.pause([account], hour))
        assert 3600 <= (await seen.value("syncd_paused_seconds", account="main") or 0) < 3700
        age = await seen.value("syncd_oldest_missing_seconds", account="main")
        assert age is not None
        assert 0 <= age < DEADLINE + 2
        assert await seen.value("syncd_alerts", event="account.stopped") == 0


async def test_a_stopped_account_has_an_alert_and_no_forecast(rig: Rig) -> None:
    rig.sandbox.faults.add(Fault("190", on="upload"))
    rig.write("a.jpg", picture(1))
    async with viewed(rig) as seen:
        await seen.wait_for(1, "syncd_account_state", account="main", state="stopped")
        found = await seen.scrape()
        assert found.value("syncd_alerts", event="account.stopped") == 1
        assert found.value("syncd_alerts", event="account.paused") == 0
        assert found.value("syncd_forecast_seconds", account="main") is None
        assert found.value("syncd_images", account="main", state="missing") == 1


async def test_a_connection_without_a_response_is_counted_as_such(rig: Rig) -> None:
    rig.sandbox.faults.add(Fault("reset_before", times=1, on="upload"))
    rig.write("a.jpg", picture(1))
    async with viewed(rig) as seen:
        kind = {"account": "main", "kind": "upload"}
        await seen.wait_for(1, "syncd_calls_total", outcome="ok", **kind)
        found = await seen.scrape()
        assert found.value("syncd_calls_total", outcome="no_response", **kind) == 1
        assert found.value("syncd_upload_duration_seconds_count", account="main") == 2


async def test_the_reasons_of_skipped_files_are_a_small_set(rig: Rig) -> None:
    for number in range(30):
        rig.write(f"a.x{number}", b"x")
    rig.write(".hidden.jpg", picture(1))
    rig.write("no extension", b"x")
    async with viewed(rig) as seen:
        await seen.wait_for(30, "syncd_skipped_files", folder="spring", reason="extension")
        found = await seen.scrape()
        values = {one["reason"]: n for one, n in found.series("syncd_skipped_files")}
        assert values == {
            "extension": 30, "hidden": 1, "no_extension": 1,
            "excluded": 0, "link": 0, "odd_name": 0,
        }  # fmt: skip
        age = found.value("syncd_scan_age_seconds", folder="spring")
        assert age is not None
        assert 0 <= age < DEADLINE


async def test_the_expiry_of_a_token_is_shown_once_it_is_known(rig: Rig) -> None:
    rig.write("a.jpg", picture(1))
    async with viewed(rig) as seen:
        await seen.wait_for(1, "syncd_images", account="main", state="held")
        name = "syncd_token_expiry_timestamp_seconds"
        assert await seen.value(name, account="main") is None
        (lane,) = seen.runtime.engine.lanes.values()
        lane.health.token_expires_at = 2e9
        assert await seen.value(name, account="main") == 2e9


async def test_counters_continue_and_figures_stay_through_a_reload(rig: Rig) -> None:
    counters: dict[AccountId, Counters] = {}
    rig.write("a.jpg", picture(1))
    async with rig.running() as runtime:
        continue_counters(runtime, counters)
        view = ProcessView(asyncio.Event(), lambda: 0)
        writer = StatusWriter({}, "run", rig.ledger)
        with view.observing(runtime, writer):
            before = Viewed(runtime, view, writer)
            await before.wait_for(1, "syncd_images", account="main", state="held")
            await before.wait_for(0, "syncd_images", account="main", state="in_flight")
            (lane,) = runtime.engine.lanes.values()
            lane.counters.bytes += 1  # of a call that ends after the last scrape
        assert view.health().reasons == ["syncd is reloading its configuration"]
    kind = {"account": "main", "kind": "upload", "outcome": "ok"}
    shown = Samples(metrics_page(view.figures(), "").content.decode())
    assert shown.value("syncd_images", account="main", state="held") == 1
    assert shown.value("syncd_calls_total", **kind) == 1
    assert shown.value("syncd_uploaded_bytes_total", account="main") == len(picture(1)) + 1
    assert shown.value("syncd_ready") == 0
    async with rig.running() as runtime:
        continue_counters(runtime, counters)
        writer.source = None
        with view.observing(runtime, writer):
            after = Viewed(runtime, view, writer)
            rig.write("b.jpg", picture(2))
            await after.wait_for(2, "syncd_images", account="main", state="held")
            await after.wait_for(0, "syncd_images", account="main", state="in_flight")
            assert await after.value("syncd_calls_total", **kind) == 2
            assert await after.value("syncd_upload_duration_seconds_count", account="main") == 2
            await after.wait_for(1, "syncd_ready")


async def test_a_folder_that_is_not_watched_yet_delays_readiness(rig: Rig) -> None:
    stop = asyncio.Event()
    view = ProcessView(stop, lambda: 0)
    assert view.health().reasons == ["syncd is starting: the ledger has not been read yet"]
    async with rig.running() as runtime:
        with view.observing(runtime, StatusWriter({}, "run", rig.ledger)):
            await until(lambda: view.health().reasons == [])
            (monitor,) = runtime.disk.monitors.values()
            monitor.watch._known.clear()
            assert view.health().reasons == [
                "syncd is starting: the folder spring is not watched yet"
            ]
            stop.set()
            assert view.health().reasons == ["syncd is stopping"]


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (None, Outcome.OK),
        (ApiError(message="connection reset"), Outcome.NO_RESPONSE),
        (ApiError(status=400, code=80004), Outcome.THROTTLED),
        (ApiError(status=400, code=4), Outcome.THROTTLED),
        (ApiError(status=413), Outcome.REJECTED),
        (ApiError(status=400, code=190), Outcome.ERROR),
        (ApiError(status=500, code=2), Outcome.ERROR),
        (ApiError(status=200, message="without `images`"), Outcome.ERROR),
    ],
    ids=str,
)
def test_an_error_has_an_outcome(error: ApiError | None, expected: Outcome) -> None:
    assert outcome_of(error) is expected


def test_each_state_of_an_account_has_a_series() -> None:
    stopped = Pause(kind="stop", why="", since=0.0, until=None, consecutive=1)
    paused = Pause(kind="throttled", why="", since=0.0, until=9.0, consecutive=1)
    by_operator = Pause(kind=OPERATOR, why="", since=0.0, until=None, consecutive=1)
    states = {
        state_of(pause, is_failing=is_failing)
        for pause in (None, stopped, paused, by_operator)
        for is_failing in (False, True)
    }
    assert states == set(ACCOUNT_STATES)
