"""What a service manager hears of the real process: ready, reloading, stopping, alive."""

import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.notify_socket import Manager, service_manager
from support.pictures import picture
from support.process import running, syncd
from support.rig import Rig, until

from syncd.sandbox.faults import Fault


@pytest.fixture
def manager(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Manager]:
    with service_manager(tmp_path / "notify") as manager:
        monkeypatch.setenv("NOTIFY_SOCKET", manager.address)
        monkeypatch.delenv("WATCHDOG_PID", raising=False)
        yield manager


async def test_ready_comes_once_watches_and_token_are_known(rig: Rig, manager: Manager) -> None:
    for i in range(3):
        rig.write(f"{i}.jpg", picture(i))
    rig.sandbox.faults.add(Fault("slow", seconds=3.0, on="upload"))
    async with running(rig) as daemon:
        await until(lambda: manager.told("READY=1") == 1)
        assert rig.recorded(picture(0)) is None, "it does not wait for the backlog"
        await until(lambda: daemon.said("watch.ready"))
        await until(lambda: daemon.said("token.accepted", "account=main"))
        assert manager.messages[0] == ["EXTEND_TIMEOUT_USEC=60000000"]
        assert await daemon.end() == 0
    assert manager.order() == ["READY", "STOPPING"]
    assert rig.sandbox.counts.calls(None, "me") == 1


async def test_without_a_manager_the_api_is_asked_nothing(rig: Rig) -> None:
    async with running(rig) as daemon:
        await until(lambda: daemon.said("scan.done"))
        assert await daemon.end() == 0
    assert rig.sandbox.counts.calls() == 0


async def test_a_folder_that_is_missing_holds_nothing_back(rig: Rig, manager: Manager) -> None:
    rig.toml = '[folders.more]\npath = "/nowhere/at/all"\naccount = "main"'
    async with running(rig) as daemon:
        await until(lambda: manager.told("READY=1") == 1)
        await until(lambda: daemon.said("folder.missing", "/nowhere/at/all"))


async def test_a_token_that_is_refused_is_said_and_ready_comes(rig: Rig, manager: Manager) -> None:
    rig.sandbox.faults.add(Fault("190"))
    async with running(rig) as daemon:
        await until(lambda: manager.told("READY=1") == 1)
        await until(lambda: daemon.said("error", "account.stopped", "remedy"))
    assert "main stopped (190" in manager.statuses()[-1]


async def test_while_nobody_answers_the_manager_hears_why(rig: Rig, manager: Manager) -> None:
    rig.sandbox.faults.add(Fault("html503", times=2))
    async with running(rig) as daemon:
        await until(lambda: manager.told("READY=1") == 1)
        await until(lambda: daemon.said("warning", "token.unchecked", "503"))
        assert sum("token.unchecked" in line for line in daemon.lines) == 1
        await until(lambda: daemon.said("notice", "token.accepted", "account=main", "duration="))
    assert any("no answer about the token yet (HTTP 503" in s for s in manager.statuses())


async def test_an_answer_that_was_waited_for_and_is_a_refusal_is_told(
    rig: Rig, manager: Manager
) -> None:
    rig.sandbox.faults.add(Fault("html503", times=1))
    rig.sandbox.faults.add(Fault("190"))
    async with running(rig) as daemon:
        await until(lambda: manager.told("READY=1") == 1)
        await until(lambda: daemon.said("notice", "token.checked", "account=main", "duration="))
        assert daemon.said("error", "account.stopped")
        assert not daemon.said("token.accepted")


async def test_several_accounts_of_one_token_ask_once(rig: Rig, manager: Manager) -> None:
    rig.accounts = {"main": "1", "eu": "2", "us": "3"}
    async with running(rig):
        await until(lambda: manager.told("READY=1") == 1)
    assert rig.sandbox.counts.calls() == 1


async def test_status_is_a_sentence_that_goes_with_the_stats(rig: Rig, manager: Manager) -> None:
    contents = [picture(i) for i in range(3)]
    rig.toml = '[log]\nstats_every = "1s"'
    async with running(rig):
        await until(lambda: manager.told("READY=1") == 1)
        for i, content in enumerate(contents):
            rig.write(f"{i}.jpg", content)
        await until(lambda: manager.told("STATUS=3 of 3 images") == 1)
        rig.sandbox.faults.add(Fault("80004", seconds=600.0, on="upload"))
        rig.write("more.jpg", picture(9))
        await until(lambda: manager.told("STATUS=3 of 4 images; main paused ") > 0)
    assert "(80004" in manager.statuses()[-1]


async def test_a_reload_is_told_and_ends_in_ready(rig: Rig, manager: Manager) -> None:
    async with running(rig) as daemon:
        await until(lambda: manager.told("READY=1") == 1)
        rig.workers = 9
        rig.write_config()
        daemon.process.send_signal(signal.SIGHUP)
        await until(lambda: manager.told("READY=1") == 2)
        (told,) = [m for m in manager.messages if "RELOADING=1" in m]
        assert told[1].startswith("MONOTONIC_USEC=")
        await until(lambda: daemon.said("daemon.reloaded", "workers: 4 → 9"))
        assert await daemon.end() == 0
    assert manager.order() == ["READY", "RELOADING", "READY", "STOPPING"]


async def test_the_loop_says_that_it_lives(
    rig: Rig, manager: Manager, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WATCHDOG_USEC", "400000")
    async with running(rig) as daemon:
        await until(lambda: manager.told("WATCHDOG=1") >= 3)
        assert await daemon.end() == 0
    assert not daemon.said("watchdog.stuck")


async def test_a_ledger_that_is_stuck_is_named_and_the_watchdog_hears_nothing(
    rig: Rig, manager: Manager, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WATCHDOG_USEC", "1000000")
    async with running(rig) as daemon:
        await until(lambda: manager.told("WATCHDOG=1") >= 1)
        with rig.holding_the_ledger():
            await until(lambda: daemon.said("error", "watchdog.stuck", "ledger writer"))
            before, at = manager.told("WATCHDOG=1"), time.monotonic()
            await until(lambda: time.monotonic() > at + 1.0)  # twice as long as it is silent
            assert manager.told("WATCHDOG=1") == before
        await until(lambda: daemon.said("watchdog.recovered", "ledger writer"))
        await until(lambda: manager.told("WATCHDOG=1") > before)
        assert await daemon.end() == 0


async def test_the_watchdogs_abort_shows_where_the_process_stood(rig: Rig) -> None:
    async with running(rig) as daemon:
        await until(lambda: daemon.said("scan.done"))
        assert await daemon.end(signal.SIGABRT) == -signal.SIGABRT
    assert daemon.said("Fatal Python error: Aborted")
    assert daemon.said("File", "in run_forever")


async def test_a_backfill_shows_how_it_gets_on(rig: Rig, manager: Manager) -> None:
    for i in range(3):
        rig.write(f"{i}.jpg", picture(i))
    rig.write("bad.jpg", b"no picture")
    ended = await syncd(rig, "backfill", "--config", str(rig.write_config()))
    assert ended.code == 1
    assert manager.statuses()[-1] == "3 of 4 images; 1 rejected"
    assert manager.told("READY=1") == 0
