"""The lines of `syncd status`: what they say of an account in each state, and their colours."""

import re
import time
from pathlib import Path
from typing import Any

import msgspec
import pytest

from syncd.cli.console import Colour, Line
from syncd.cli.status_view import Status, view
from syncd.daemon.report import AccountStatus
from syncd.daemon.status_file import AccountActivity, Liveness
from syncd.ledger.accounts import OPERATOR, Pause
from syncd.ledger.alerts import Alert
from syncd.rules.sync import Sync
from syncd.wording.daemon import DaemonReport

ACCOUNT = AccountStatus(
    id="1", wanted=1000, held=833, missing=167, rejected=0, sync=Sync.MISSING,
    rejections=[], troubles=[], limitations=[],
)  # fmt: skip
IDLE = AccountActivity(
    missing=167, in_flight=0, images_per_second=0.0, in_step_in=None, retry_at=None, why=None
)


def found(account: AccountStatus, activity: AccountActivity | None = None, **more: Any) -> Status:
    daemon = DaemonReport(
        state=Liveness.RUNNING, command="run", version="0.1.0", pid=7, started_at=time.time(),
        last_activity_at=None, reported_at=time.time(), stopped=False,
        accounts={} if activity is None else {"main": activity},
    )  # fmt: skip
    return Status(
        daemon=daemon, counted_at=time.time(), needs_you=more.pop("needs_you", []),
        accounts={"main": account}, folders={},
    )  # fmt: skip


def pause(kind: str = "throttled", *, lasts: float | None = 120.4, days: int = 0) -> Pause:
    until = None if lasts is None else time.time() + lasts + days * 86400
    return Pause(kind=kind, why="why", since=time.time(), until=until, consecutive=1)


def changed(**fields: object) -> AccountStatus:
    return msgspec.structs.replace(ACCOUNT, **fields)


def active(**fields: object) -> AccountActivity:
    return msgspec.structs.replace(IDLE, **fields)


STATES: dict[str, tuple[AccountStatus, AccountActivity | None, str, Colour | None]] = {
    "uploading": (
        ACCOUNT,
        active(in_flight=4, images_per_second=0.8, in_step_in="4 min"),
        r"uploading 4 of 167, 0.8 images/s, about 4 min",
        None,
    ),
    "uploading on an unknown tier": (
        ACCOUNT,
        active(in_flight=4, images_per_second=0.8, in_step_in="at most 4 min"),
        r"uploading 4 of 167, 0.8 images/s, at most 4 min",
        None,
    ),
    "retrying": (
        changed(failing_since=time.time()),
        active(retry_at=time.time() + 3600, why="cannot reach graph"),
        r"failing since [-0-9 :]+, retrying in \d+ min: cannot reach graph",
        Colour.YELLOW,
    ),
    "failing, without a daemon": (
        changed(failing_since=time.time()), None, r"failing since [-0-9 :]+", Colour.YELLOW,
    ),
    "paused by a limit": (
        changed(pause=pause()), None, r"paused until [-0-9 :]+ \([0-9a-z ]+, throttled\): why",
        Colour.YELLOW,
    ),
    "paused until another day": (
        changed(pause=pause(days=3)), None,
        r"paused until \d{4}-\d\d-\d\d [0-9:]+ \(\d+ h \d+ min, throttled\): why", Colour.YELLOW,
    ),
    "paused by the operator": (
        changed(pause=pause(OPERATOR, lasts=None)), None, "paused until `syncd resume` why",
        Colour.YELLOW,
    ),
    "stopped": (
        changed(pause=pause("token", lasts=None)), None, r"stopped since [-0-9 :]+: why",
        Colour.RED,
    ),
    "missing": (ACCOUNT, IDLE, "167 images missing", None),
    "unread": (changed(missing=0), IDLE, "files of its folders are not read", None),
    "in sync": (changed(sync=Sync.IN_SYNC), IDLE, "in sync", Colour.GREEN),
}  # fmt: skip


def state_of(lines: list[Line]) -> tuple[str, Colour | None]:
    """Return the state of the only account and its colour, from the table without a terminal."""
    line = lines[2]
    assert line.text.startswith("main ")
    state = line.text.split("  ")[-1].strip()
    assert line.colour is None or line.text[line.first : line.end] == state
    return state, line.colour


@pytest.mark.parametrize("name", STATES)
def test_the_state_of_an_account_has_its_words_and_its_colour(name: str) -> None:
    account, activity, words, colour = STATES[name]
    state, seen = state_of(list(view(found(account, activity), Path("c.toml"), None)))
    assert re.fullmatch(words, state), state
    assert seen is colour


def test_alerts_with_remedies_come_between_the_daemon_and_the_accounts() -> None:
    alert = Alert(
        since=0.0, event="account.stopped", subject="accounts.main", why="no token",
        remedy="give it one", accounts=("main", "eu"),
    )  # fmt: skip
    lines = list(view(found(ACCOUNT, needs_you=[alert]), Path("c.toml"), 200))
    texts = [line.text for line in lines]
    assert texts[0].startswith("syncd is running since ")
    assert texts[1].startswith("needs you: accounts.main: no token (account.stopped, since ")
    assert texts[2:5] == ["    accounts: main, eu", "    do: give it one", ""]
    assert texts[5].startswith("account ")
    assert (lines[1].colour, lines[1].text[: lines[1].end]) == (Colour.RED, "needs you:")


@pytest.mark.parametrize("width", [20, 40, 60, 69])
def test_a_narrow_terminal_shows_a_card_for_each_account(width: int) -> None:
    account = changed(pause=pause("token", lasts=None))
    lines = list(view(found(account), Path("c.toml"), width))
    assert all(len(line.text) <= width for line in lines if " " in line.text.strip())
    whole = " ".join(" ".join(line.text for line in lines).split())
    assert "main: stopped since" in whole
    assert "wanted 1,000 · held 833 · missing 167 · rejected 0" in whole


def test_a_long_state_is_wrapped_in_its_own_column() -> None:
    why = "the token of this account has expired, and its user has to log in again"
    account = changed(pause=msgspec.structs.replace(pause(lasts=None), why=why))
    lines = [line.text for line in view(found(account), Path("c.toml"), 80)]
    begin = next(line for line in lines if line.startswith("main "))
    column = begin.index("stopped since")
    wrapped = lines[lines.index(begin) + 1 :]
    assert wrapped
    assert all(line[:column].isspace() and line[column] != " " for line in wrapped)
    assert max(map(len, lines)) <= 80
