"""The log is complete: its JSON lines alone say all that `syncd status` shows.

A real process lives through files, faults, folders, reloads and restarts. Whenever it is at rest,
and at its end, what the log tells is compared with what the ledger has.
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
from support.scenario import Life

from syncd.sandbox.faults import Fault
from syncd.sandbox.server import Sandbox

SEED = random.SystemRandom().randrange(2**32) if "EXPLORE" in os.environ else 5


def live(path: Path, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch, every: str) -> Life:
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
    return Life(rig, SEED, every)


async def test_from_the_log_alone_the_status_can_be_told(
    tmp_path: Path, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    life = live(tmp_path, sandbox, monkeypatch, "1s")
    stories: list[Callable[[], Awaitable[None]]] = [
        life.a_token_is_refused,
        life.a_folder_goes_and_comes_back,
        life.a_person_decides_about_deletions,
        life.something_cannot_be_read,
        life.another_configuration_is_taken_up,
    ]
    life.dice.shuffle(stories)
    life.something_happens(12)
    chapters = [
        (stories[:2], signal.SIGTERM),
        (stories[2:4], signal.SIGKILL),
        (stories[4:], signal.SIGTERM),
    ]
    for chapter, ending in chapters:
        async with life.alive() as daemon:
            await until(lambda: life.said("daemon.started"))
            for story in chapter:
                life.something_goes_wrong()
                life.something_happens(6)
                await story()
            if ending is signal.SIGTERM:
                sandbox.faults.add(Fault("613", times=1, account="2"))  # for an hour
            await life.compare()
            life.something_happens(6)
            await daemon.end(ending)
        if ending is signal.SIGTERM:  # its last lines are what the ledger has
            assert from_log(life.lines, time.time()) == life.status()


async def test_the_log_of_a_backfill_ends_with_what_the_ledger_has(
    tmp_path: Path, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    life = live(tmp_path, sandbox, monkeypatch, "1d")
    life.something_happens(20)
    ended = await syncd(life.rig, "backfill", "--config", life.config)
    told = from_log(ended.err.splitlines(), time.time())
    assert told == life.status()
    assert sum(account["held"] for account in told["accounts"].values()) > 0


async def test_between_the_stats_lines_events_say_which_states_begin_and_end(
    tmp_path: Path, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    life = live(tmp_path, sandbox, monkeypatch, "1d")
    life.something_happens(12)
    async with life.alive() as daemon:
        await until(lambda: life.said('"stats.process"'))
        await life.rests(of=states)
        sandbox.faults.add(Fault("80004", times=1, account="1"))
        (life.rig.folder / "paused.jpg").write_bytes(life.picture())
        await until(lambda: life.said("account.paused", '"main"'))
        assert states(from_log(life.lines, time.time()))["accounts"]["main"] is not None
        await until(lambda: life.said("account.resumed", '"main"'))
        await life.rests(of=states)
        for story in (
            life.a_token_is_refused,
            life.a_folder_goes_and_comes_back,
            life.something_cannot_be_read,
            life.another_directory_comes,
        ):
            await story(states)
            await life.rests(of=states)
        await life.deletions_are_held(with_deletions)
        assert daemon.count('"stats.process"') == 1
        await daemon.end()
    assert from_log(life.lines, time.time()) == life.status()


def states(state: State) -> State:
    """Return what begins and ends: all but the numbers."""
    folders = {
        name: {field: folder[field] for field in ("path", "doubt", "trouble", "scanned_at")}
        for name, folder in state["folders"].items()
    }
    accounts = {name: account["pause"] for name, account in state["accounts"].items()}
    # Of files that cannot be read the figures tell.
    needs = [need for need in state["needs"] if need[0] != "file.unreadable"]
    return {"needs": needs, "accounts": accounts, "folders": folders}


def with_deletions(state: State) -> State:
    """Return the same, and how many deletions are held."""
    held = {name: folder["deletions_held"] for name, folder in state["folders"].items()}
    return {**states(state), "held": held}
