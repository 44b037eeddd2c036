"""Notifications of the real process: ready, reloading, stopping, alive."""

import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.ledgers import fixture
from support.notify_socket import Manager, service_manager
from support.pictures import picture
from support.process import running, syncd
from support.rig import Rig, until

from syncd.ledger import schema
from syncd.sandbox.faults import Fault


@pytest.fixture
def manager(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Manager]:
    with service_manager(tmp_path / "notify") as manager:
        monkeypatch.setenv("NOTIFY_SOCKET", manager.address)
        monkeypatch.delenv("WATCHDOG_PID", raising=False)
        yield manager


async def test_ready_is_sent_once_the_folders_are_watched_and_the_token_is_checked(
    rig: Rig, manager: Manager
) -> None:
    for i in range(3):
        rig.write(f"{i}.jpg", picture(i))
    rig.sandbox.faults.add(Fault("slow", seconds=3.0, on="upload"))
    async with running(rig) as daemon:
        await until(lambda: manager.count("READY=1") == 1)
        assert rig.recorded(picture(0)) is None, "it does not wait for the backlog"
        await until(lambda: daemon.logged("watch.ready"))
        await until(lambda: daemon.logged("token.accepted", "account=main"))
        assert manager.messages[0] == ["EXTEND_TIMEOUT_USEC=60000000"]
        assert await daemon.end() == 0
    assert manager.states() == ["READY", "STOPPING"]
    assert rig.sandbox.counts.calls(None, "me") == 1


async def test_a_start_migrates_an_older_ledger_and_then_is_ready(
    rig: Rig, manager: Manager
) -> None:
    fixture.write(schema.OLDEST, rig.ledger)
    async with running(rig) as daemon:
        await until(lambda: manager.count("READY=1") == 1)
        assert manager.messages[0] == ["EXTEND_TIMEOUT_USEC=60000000"]
        assert daemon.logged("ledger.migrating", "step=backup")
        assert daemon.logged(
            "ledger.migrated", f"before={schema.OLDEST}", f"v{schema.OLDEST}.backup"
        )
        assert (await syncd(rig, "status", "--config", str(rig.write_config()))).code == 0
        assert await daemon.end() == 0


async def test_without_a_manager_no_call_is_made_to_check_the_token(rig: Rig) -> None:
    async with running(rig) as daemon:
        await until(lambda: daemon.logged("scan.done"))
        assert await daemon.end() == 0
    assert rig.sandbox.counts.calls() == 0


async def test_a_missing_folder_does_not_delay_ready(rig: Rig, manager: Manager) -> None:
    rig.toml = '[folders.more]\npath = "/nowhere/at/all"\naccount = "main"'
    async with running(rig) as daemon:
        await until(lambda: manager.count("READY=1") == 1)
        await until(lambda: daemon.logged("folder.missing", "/nowhere/at/all"))


async def test_a_rejected_token_is_logged_and_ready_is_sent(rig: Rig, manager: Manager) -> None:
    rig.sandbox.faults.add(Fault("190"))
    async with running(rig) as daemon:
        await until(lambda: manager.count("READY=1") == 1)
        await until(lambda: daemon.logged("error", "account.stopped", "remedy"))
    assert "main stopped (190" in manager.statuses()[-1]


async def test_the_status_has_the_reason_for_a_failed_check(rig: Rig, manager: Manager) -> None:
    rig.sandbox.faults.add(Fault("html503", times=2))
    async with running(rig) as daemon:
        await until(lambda: manager.count("READY=1") == 1)
        await until(lambda: daemon.logged("warning", "token.unchecked", "503"))
        assert sum("token.unchecked" in line for line in daemon.lines) == 1
        await until(lambda: daemon.logged("notice", "token.accepted", "account=main", "duration="))
    assert any("the token could not be checked yet (HTTP 503" in s for s in manager.statuses())


async def test_a_rejection_after_a_failed_check_is_logged(rig: Rig, manager: Manager) -> None:
    rig.sandbox.faults.add(Fault("html503", times=1))
    rig.sandbox.faults.add(Fault("190"))
    async with running(rig) as daemon:
        await until(lambda: manager.count("READY=1") == 1)
        await until(lambda: daemon.logged("notice", "token.checked", "account=main", "duration="))
        assert daemon.logged("error", "account.stopped")
        assert not daemon.logged("token.accepted")


async def test_a_token_of_several_accounts_is_checked_once(rig: Rig, manager: Manager) -> None:
    rig.accounts = {"main": "1", "eu": "2", "us": "3"}
    async with running(rig):
        await until(lambda: manager.count("READY=1") == 1)
    assert rig.sandbox.counts.calls() == 1


async def test_the_status_is_updated_together_with_the_stats(rig: Rig, manager: Manager) -> None:
    contents = [picture(i) for i in range(3)]
    rig.toml = '[log]\nstats_every = "1s"'
    async with running(rig):
        await until(lambda: manager.count("READY=1") == 1)
        for i, content in enumerate(contents):
            rig.write(f"{i}.jpg", content)
        await until(lambda: manager.count("STATUS=3 of 3 images") == 1)
        rig.sandbox.faults.add(Fault("80004", seconds=600.0, on="upload"))
        rig.write("more.jpg", picture(9))
        await until(lambda: manager.count("STATUS=3 of 4 images; main paused ") > 0)
    assert "(80004" in manager.statuses()[-1]


async def test_a_reload_is_sent_and_ends_with_ready(rig: Rig, manager: Manager) -> None:
    async with running(rig) as daemon:
        await until(lambda: manager.count("READY=1") == 1)
        rig.workers = 9
        rig.write_config()
        daemon.process.send_signal(signal.SIGHUP)
        await until(lambda: manager.count("READY=1") == 2)
        (reloading,) = [m for m in manager.messages if "RELOADING=1" in m]
        assert reloading[1].startswith("MONOTONIC_USEC=")
        await until(lambda: daemon.logged("daemon.reloaded", "workers: 4 → 9"))
        assert await daemon.end() == 0
    assert manager.states() == ["READY", "RELOADING", "READY", "STOPPING"]


async def test_the_watchdog_is_notified_while_everything_works(
    rig: Rig, manager: Manager, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WATCHDOG_USEC", "400000")
    async with running(rig) as daemon:
        await until(lambda: manager.count("WATCHDOG=1") >= 3)
        assert await daemon.end() == 0
    assert not daemon.logged("watchdog.stuck")


async def test_a_stuck_ledger_is_logged_and_the_watchdog_is_not_notified(
    rig: Rig, manager: Manager, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WATCHDOG_USEC", "1000000")
    async with running(rig) as daemon:
        await until(lambda: manager.count("WATCHDOG=1") >= 1)
        with rig.locked_ledger():
            await until(lambda: daemon.logged("error", "watchdog.stuck", "ledger writer"))
            before, at = manager.count("WATCHDOG=1"), time.monotonic()
            await until(lambda: time.monotonic() > at + 1.0)  # twice the interval
            assert manager.count("WATCHDOG=1") == before
        await until(lambda: daemon.logged("watchdog.recovered", "ledger writer"))
        await until(lambda: manager.count("WATCHDOG=1") > before)
        assert await daemon.end() == 0


async def test_the_watchdogs_abort_logs_where_the_process_was(rig: Rig) -> None:
    async with running(rig) as daemon:
        await until(lambda: daemon.logged("scan.done"))
        assert await daemon.end(signal.SIGABRT) == -signal.SIGABRT
    assert daemon.logged("Fatal Python error: Aborted")
    assert daemon.logged("File", "in run_forever")


async def test_a_backfill_shows_its_progress_in_the_status(rig: Rig, manager: Manager) -> None:
    for i in range(3):
        rig.write(f"{i}.jpg", picture(i))
    rig.write("bad.jpg", b"not an image")
    ended = await syncd(rig, "backfill", "--config", str(rig.write_config()))
    assert ended.code == 3
    assert manager.statuses()[-1] == "3 of 4 images; 1 rejected"
    assert manager.count("READY=1") == 0
