"""Trouble is logged when it begins and when it ends, also if another process sees its end."""

import asyncio
import os
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

import msgspec
from aiohttp import web
from structlog.testing import capture_logs
from support.pictures import picture
from support.rig import Rig, until

from syncd.config import AccountConfig, ConfigError, Secret
from syncd.daemon.credentials import opener
from syncd.daemon.folders import declare
from syncd.daemon.reload import Settings, next_settings
from syncd.daemon.runtime import keep_in_sync, open_runtime
from syncd.daemon.signals import run_until
from syncd.folders.intake.cache import ContentCache
from syncd.folders.intake.intake import Intake
from syncd.folders.intake.record import Recorder
from syncd.folders.monitor import FolderMonitor, MonitorSettings
from syncd.folders.watching.timing import Timing
from syncd.graph.client import Credentials
from syncd.graph.shapes import Usage
from syncd.heartbeat import Heartbeat
from syncd.ledger import alerts, condemned
from syncd.ledger.database import open_ledger
from syncd.ledger.file import changing, reading
from syncd.ledger.statements import Write
from syncd.model import AccountId, FolderName
from syncd.rules import errors
from syncd.rules.errors import judge
from syncd.sandbox.faults import Fault

ONE = AccountId("1")
HOUR = 3600.0


def an_hour_passes(rig: Rig) -> None:
    """Move the beginning of every state in the ledger back by an hour."""
    with changing(rig.ledger) as db:
        db.execute("UPDATE alert SET since = since - 3600")
        db.execute("UPDATE pause SET since = since - 3600, until = until - 3600")
        db.execute("UPDATE file SET error_since = error_since - 3600")
        db.execute("UPDATE baseline SET suspect_since = suspect_since - 3600")


def logged(logs: Sequence[Any], event: str, level: str | None = None) -> list[Any]:
    return [e for e in logs if e["event"] == event and level in (None, e["log_level"])]


def lasted_an_hour(logs: Sequence[Any], event: str) -> bool:
    (entry,) = logged(logs, event, "notice")
    return HOUR <= float(entry["duration"]) < HOUR + 60


async def test_a_later_process_logs_that_a_missing_folder_is_back(rig: Rig) -> None:
    aside = rig.path / "aside"
    rig.folder.rename(aside)
    with capture_logs() as logs:
        async with rig.running():
            await until(lambda: bool(logged(logs, "folder.missing", "warning")))
    an_hour_passes(rig)
    aside.rename(rig.folder)
    with capture_logs() as logs:
        async with rig.running():
            await until(lambda: bool(logged(logs, "scan.done")))
            rig.write("a.jpg", picture(1))
            await until(lambda: rig.recorded(picture(1)) is not None)
    assert lasted_an_hour(logs, "folder.back")
    assert not logged(logs, "folder.missing")


async def test_a_later_process_logs_that_a_suspect_folder_is_trusted(rig: Rig) -> None:
    rig.watch = 'rescan = "1s"'
    rig.write("a.jpg", picture(1))
    await rig.backfill()
    (rig.folder / "a.jpg").rename(rig.path / "a.jpg")
    with capture_logs() as logs:
        async with rig.running():
            await until(lambda: bool(logged(logs, "folder.suspect", "error")))
            before = len(logged(logs, "scan.done"))
            await until(lambda: len(logged(logs, "scan.done")) > before + 1)
    assert len(logged(logs, "folder.suspect")) == 1
    an_hour_passes(rig)
    (rig.path / "a.jpg").rename(rig.folder / "a.jpg")
    with capture_logs() as logs:
        async with rig.running():
            await until(lambda: bool(logged(logs, "folder.trusted")))
    assert lasted_an_hour(logs, "folder.trusted")


async def test_a_later_process_logs_that_a_failing_account_has_recovered(rig: Rig) -> None:
    rig.sandbox.faults.add(Fault("2", times=None, on="upload"))
    rig.write("a.jpg", picture(1))
    with capture_logs() as logs:
        async with rig.running() as runtime:
            lane = runtime.engine.lanes[ONE]

            def has_begun() -> bool:
                lane.delayed.retry_now()
                return bool(logged(logs, "account.failing", "warning"))

            await until(has_begun)
            assert lane.health.failing.failures.calls == 5
    assert len(logged(logs, "account.failing", "warning")) == 1
    assert all(entry["log_level"] == "info" for entry in logged(logs, "image.retrying"))
    an_hour_passes(rig)
    rig.sandbox.faults.clear()
    with capture_logs() as logs:
        async with rig.running():
            await until(lambda: bool(logged(logs, "account.recovered")))
    assert lasted_an_hour(logs, "account.recovered")
    assert not rig.rows("SELECT * FROM alert")


async def test_a_later_process_logs_the_end_of_a_pause(rig: Rig) -> None:
    rig.sandbox.faults.add(Fault("80004", times=1, on="upload"))
    rig.write("a.jpg", picture(1))
    with capture_logs() as logs:
        async with rig.running():
            await until(lambda: bool(logged(logs, "account.paused", "warning")))
    an_hour_passes(rig)
    with capture_logs() as logs:
        async with rig.running():
            await until(lambda: bool(logged(logs, "account.resumed")))
    assert lasted_an_hour(logs, "account.resumed")


async def test_a_start_tries_a_stopped_account_once_more(rig: Rig) -> None:
    rig.sandbox.faults.add(Fault("200", times=1, on="upload"))
    rig.write("a.jpg", picture(1))
    with capture_logs() as logs:
        async with rig.running():
            await until(lambda: bool(logged(logs, "account.stopped", "error")))
    an_hour_passes(rig)
    with capture_logs() as logs:
        async with rig.running():
            await until(lambda: rig.recorded(picture(1)) is not None)
    assert lasted_an_hour(logs, "account.retried")
    assert open_alerts(rig) == []


def open_alerts(rig: Rig) -> list[str]:
    """Return the events that need the operator."""
    with reading(rig.ledger) as db:
        return [need.event for need in alerts.all_alerts({ONE: "main"}, time.time())(db)]


async def test_abuse_control_is_logged_as_an_error_once_and_then_as_info(rig: Rig) -> None:
    config = rig.config()
    async with open_runtime(config, opener(config, rig.environ, lambda _: None)) as runtime:
        await runtime.engine.restore()
        lane = runtime.engine.lanes[ONE]
        with capture_logs() as logs:
            for code in (80004, 613, 368):  # each pauses for longer
                error = errors.ApiError(status=400, code=code)
                await lane.health.pause(judge(error), error, Usage())
        assert [e["log_level"] for e in logged(logs, "account.paused")] == [
            "warning",
            "error",
            "info",
        ]
        assert [e["remedy"] is None for e in logged(logs, "account.paused")] == [True, False, False]
        assert open_alerts(rig) == ["account.paused"]


async def test_a_decision_about_held_deletions_is_logged(rig: Rig) -> None:
    rig.per_folder, rig.toml = 'deletions = "propagate"', '[deletions]\ngrace = "0s"\n'
    decisions: dict[Callable[[FolderName], Write[int]], str] = {
        condemned.approve: "approved",
        condemned.dismiss: "dismissed",  # last: these images then stay for good
    }
    for decide, decided in decisions.items():
        for i in range(30):
            rig.write(f"{i}.jpg", picture(i))
        await rig.backfill()
        for i in range(2, 30):
            (rig.folder / f"{i}.jpg").unlink()
        with capture_logs() as logs:
            async with rig.running():
                await until(lambda logs=logs: bool(logged(logs, "deletions.held", "error")))  # type: ignore[misc]  # a default has no type
            an_hour_passes(rig)
            with changing(rig.ledger) as db:
                assert decide(FolderName("spring"))(db) == 28
            assert open_alerts(rig) == []
            async with rig.running():
                await until(lambda logs=logs: bool(logged(logs, "deletions.settled")))  # type: ignore[misc]  # a default has no type
        assert lasted_an_hour(logs, "deletions.settled")
        (settled,) = logged(logs, "deletions.settled")
        assert settled["why"].startswith(decided)


async def test_a_refused_configuration_is_logged_until_one_is_accepted(rig: Rig) -> None:
    good = rig.config()
    answers: list[Settings | ConfigError] = [
        ConfigError([]),
        ConfigError([]),
        Settings(good, opener(good, rig.environ, lambda _: None)),
    ]
    hangup = asyncio.Event()

    def read() -> Settings:
        answer = answers.pop(0)
        if isinstance(answer, Settings):
            return answer
        raise answer

    async with open_ledger(rig.ledger) as ledger:
        with capture_logs() as logs:
            reloading = asyncio.create_task(next_settings(good, hangup, read, ledger))
            for number in (1, 2):
                hangup.set()
                await until(lambda n=number: len(logged(logs, "config.refused", "error")) == n)  # type: ignore[misc]  # a default has no type
                assert open_alerts(rig) == ["config.refused"]
            an_hour_passes(rig)
            hangup.set()
            assert (await reloading).config is good
        assert lasted_an_hour(logs, "config.accepted")
        assert open_alerts(rig) == []


async def test_a_watch_that_kept_ending_is_restored(rig: Rig) -> None:
    odd = os.fsencode(rig.folder) + b"/\xff"
    os.mkdir(odd)
    async with open_ledger(rig.ledger) as ledger:
        ids = await declare(rig.config(), ledger)
        ((name, folder_id),) = ids.items()
        cache = ContentCache(0)
        recorder = Recorder(ledger, cache, lambda *_: None, lambda _: [])
        intake = Intake(recorder, cache, 0.0, defaultdict(Heartbeat))
        timing = Timing(quiet=0.2, degraded=0.5, max_delay=0.5, steady=1.0)
        settings = MonitorSettings(rescan=HOUR, timing=timing)
        folder = rig.config().folders[name]
        monitor = FolderMonitor(folder_id, folder, ledger, intake, settings, changed=lambda: None)
        with capture_logs() as logs:
            watching = asyncio.create_task(monitor.run())
            await until(lambda: bool(logged(logs, "watch.degraded", "error")))
            (known,) = await ledger.read(alerts.ongoing_with_remedy())
            assert (known.event, known.subject) == ("watch.degraded", "folders.spring")
            os.rmdir(odd)
            await until(lambda: bool(logged(logs, "watch.restored", "notice")))
            watching.cancel()
            await asyncio.gather(watching, return_exceptions=True)
        assert [e["event"] for e in logs if e["event"].startswith("watch.")] == [
            "watch.ready",
            "watch.degraded",
            "watch.restored",
        ]
        assert logged(logs, "watch.restored")[0]["duration"] > 0
        assert not await ledger.read(alerts.ongoing_with_remedy())


async def test_an_error_about_a_replaced_token_does_not_stop_the_account(rig: Rig) -> None:
    changed, received = asyncio.Event(), asyncio.Event()
    token = rig.path / "token"
    token.write_text("old")

    async def respond(request: web.BaseRequest) -> web.Response:
        await request.read()
        if request.headers["Authorization"].endswith("old"):
            received.set()
            await changed.wait()
            refused = {"error": {"code": 190, "message": "expired", "type": "OAuthException"}}
            return web.json_response(refused, status=400)
        return web.json_response({"images": {"a.jpg": {"hash": "ab" * 16}}})

    rig.write("a.jpg", picture(1))
    async with serving(respond) as url:
        config = rig.config()
        config = msgspec.structs.replace(
            config, graph=msgspec.structs.replace(config.graph, base_url=url)
        )
        stop = asyncio.Event()

        def open_account(_: AccountConfig, /, *, again: bool = False) -> Credentials:
            return Credentials(Secret(token.read_text()))

        with capture_logs() as logs:
            async with open_runtime(config, open_account) as runtime:
                running = asyncio.create_task(run_until(stop, partial(keep_in_sync, runtime)))
                await received.wait()
                token.write_text("new")
                await until(lambda: bool(logged(logs, "token.changed")))
                changed.set()
                await until(lambda: rig.recorded(picture(1)) == "ab" * 16)
                stop.set()
                await running
    assert not logged(logs, "account.stopped")
    assert [e["log_level"] for e in logged(logs, "image.retrying")] == ["info"]
    assert not rig.rows("SELECT * FROM pause")


async def test_a_start_ends_alerts_of_the_last_process_and_of_subjects_that_were_removed(
    rig: Rig,
) -> None:
    config = rig.config()
    async with open_ledger(rig.ledger) as ledger:
        for event, subject in (
            ("config.refused", alerts.CONFIG),
            ("folder.suspect", alerts.folder_subject("main")),  # the name of an account
            ("folder.suspect", alerts.folder_subject("spring")),
        ):
            await ledger.write(alerts.begin(event, subject, "why", 1.0, remedy="do"))
        await declare(config, ledger)
        (left,) = await ledger.read(alerts.ongoing_with_remedy())
        assert (left.event, left.subject) == ("folder.suspect", "folders.spring")


@asynccontextmanager
async def serving(
    respond: Callable[[web.BaseRequest], Awaitable[web.StreamResponse]],
) -> AsyncIterator[str]:
    """Serve requests with `respond` on a free port; yield the URL."""
    server = web.Server(respond)
    runner = web.ServerRunner(server)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        host, port = runner.addresses[0][:2]
        yield f"http://{host}:{port}"
    finally:
        await runner.cleanup()
