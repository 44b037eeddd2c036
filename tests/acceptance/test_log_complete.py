"""The log is complete: the output of `syncd status` can be reconstructed from it.

A real process handles changed files, faults, folders, reloads and restarts. Whenever it is at rest,
and at its end, the state from the log is compared with the state in the ledger.
"""

import os
import random
import signal
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from support.from_log import State, from_log
from support.process import syncd
from support.rig import Rig, until
from support.scenario import Scenario

from syncd.sandbox.faults import Fault
from syncd.sandbox.server import Sandbox

SEED = random.SystemRandom().randrange(2**32) if "EXPLORE" in os.environ else 5


def scenario_of(
    path: Path, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch, every: str
) -> Scenario:
    print(f"seed {SEED}")
    rig = Rig(
        path,
        sandbox,
        accounts={"main": "1", "eu": "2"},
        per_account='tier = "standard"\nbudget = { window = "5s" }',
        per_folder='deletions = "propagate"',
        watch='rescan = "2s"',
    )
    monkeypatch.setenv("SYNCD_TEST_TOKEN", sandbox.token)
    return Scenario(rig, SEED, every)


async def test_the_status_can_be_reconstructed_from_the_log(
    tmp_path: Path, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    scenario = scenario_of(tmp_path, sandbox, monkeypatch, "1s")
    situations: list[Callable[[], Awaitable[None]]] = [
        scenario.reject_token,
        scenario.remove_folder_for_a_while,
        scenario.decide_about_deletions,
        scenario.make_unreadable,
        scenario.reload_configuration,
    ]
    scenario.random.shuffle(situations)
    scenario.change_files(12)
    runs = [
        (situations[:2], signal.SIGTERM),
        (situations[2:4], signal.SIGKILL),
        (situations[4:], signal.SIGTERM),
    ]
    for some, ending in runs:
        async with scenario.running() as daemon:
            await until(lambda: scenario.logged("daemon.started"))
            for situation in some:
                scenario.add_faults()
                scenario.change_files(6)
                await situation()
            if ending is signal.SIGTERM:
                sandbox.faults.add(Fault("613", times=1, account="2"))  # pauses for an hour
            await scenario.compare()
            scenario.change_files(6)
            await daemon.end(ending)
        if ending is signal.SIGTERM:  # its last stats are the final state
            assert from_log(scenario.lines, time.time()) == scenario.status()


async def test_the_log_of_a_backfill_ends_with_the_state_of_the_ledger(
    tmp_path: Path, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    scenario = scenario_of(tmp_path, sandbox, monkeypatch, "1d")
    scenario.change_files(20)
    ended = await syncd(scenario.rig, "backfill", "--config", scenario.config)
    logged = from_log(ended.err.splitlines(), time.time())
    assert logged == scenario.status()
    assert sum(account["held"] for account in logged["accounts"].values()) > 0


async def test_events_report_changes_of_state_between_the_stats_records(
    tmp_path: Path, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    scenario = scenario_of(tmp_path, sandbox, monkeypatch, "1d")
    scenario.change_files(12)
    async with scenario.running() as daemon:
        await until(lambda: scenario.logged('"stats.process"'))
        await scenario.wait_for_rest(states)
        sandbox.faults.add(Fault("80004", times=1, account="1"))
        (scenario.rig.folder / "paused.jpg").write_bytes(scenario.picture())
        await until(lambda: scenario.logged("account.paused", '"main"'))
        assert states(from_log(scenario.lines, time.time()))["accounts"]["main"] is not None
        await until(lambda: scenario.logged("account.resumed", '"main"'))
        await scenario.wait_for_rest(states)
        for situation in (
            scenario.reject_token,
            scenario.remove_folder_for_a_while,
            scenario.make_unreadable,
            scenario.replace_folder,
        ):
            await situation(states)
            await scenario.wait_for_rest(states)
        await scenario.hold_deletions(with_deletions)
        assert daemon.count('"stats.process"') == 1
        await daemon.end()
    assert from_log(scenario.lines, time.time()) == scenario.status()


def states(state: State) -> State:
    """Return the parts of a state that begin and end, without the numbers."""
    folders = {
        name: {field: folder[field] for field in ("path", "doubt", "trouble", "scanned_at")}
        for name, folder in state["folders"].items()
    }
    accounts = {name: account["pause"] for name, account in state["accounts"].items()}
    # Unreadable files are only in the stats.
    needs = [need for need in state["needs"] if need[0] != "file.unreadable"]
    return {"needs": needs, "accounts": accounts, "folders": folders}


def with_deletions(state: State) -> State:
    """Return the same with the number of held deletions."""
    held = {name: folder["deletions_held"] for name, folder in state["folders"].items()}
    return {**states(state), "held": held}
