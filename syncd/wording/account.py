"""The state of an account in words."""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Mapping
from enum import Enum

from syncd.config import Config
from syncd.daemon import status_file
from syncd.daemon.report import AccountStatus
from syncd.daemon.status_file import AccountActivity
from syncd.ledger import operator_pauses
from syncd.ledger.accounts import OPERATOR, Pause
from syncd.model import AccountId
from syncd.rules.forecast import amount, duration
from syncd.rules.sync import Sync
from syncd.wording.daemon import read_daemon
from syncd.wording.figures import format_duration, format_time


class Level(Enum):
    """How much attention a state needs."""

    GOOD = "good"
    PLAIN = "plain"
    WARNING = "warning"
    ALERT = "alert"


_SYNC_STATES = {
    Sync.IN_SYNC: ("in sync", Level.GOOD),
    Sync.REJECTED: ("in sync except for rejected images", Level.GOOD),
}


def state(account: AccountStatus, activity: AccountActivity | None) -> tuple[str, Level]:
    """Return the state of an account, and how much attention it needs."""
    if account.pause is not None:
        return paused(account.pause), _level(account.pause)
    if account.failing_since is not None:
        return failing(account.failing_since, activity), Level.WARNING
    if activity is not None and activity.in_flight and account.missing:
        return _uploading(account, activity), Level.PLAIN
    if account.sync is Sync.MISSING:
        missing = f"{amount(account.missing, 'image')} missing"
        text = missing if account.missing else "files of its folders are not read"
        return text, Level.PLAIN
    return _SYNC_STATES[account.sync]


def _level(pause: Pause) -> Level:
    is_stop = pause.until is None and pause.kind != OPERATOR
    return Level.ALERT if is_stop else Level.WARNING


def _uploading(account: AccountStatus, activity: AccountActivity) -> str:
    text = f"uploading {activity.in_flight:,} of {account.missing:,}"
    if activity.images_per_second:
        text += f", {activity.images_per_second:g} images/s"
    ahead = activity.in_step_in
    if ahead is not None and ahead not in ("now", "unknown"):
        text += f", {ahead}" if ahead.startswith("at most") else f", about {ahead}"
    return text


def ahead(account: AccountStatus, activity: AccountActivity, now: float) -> str | None:
    """Return when the missing images will be in the account; None if none is missing.

    `now` is in unix seconds.
    """
    if not activity.missing or activity.seconds_to_send is None:
        return None
    images = amount(activity.missing, "missing image")
    takes = f"{'at most' if activity.is_at_most else 'about'} {duration(activity.seconds_to_send)}"
    wait = f"{images} wait{'s' if activity.missing == 1 else ''} until"
    pause = account.pause
    if pause is not None and pause.until is not None:
        begin = max(now, pause.until)
        ready = _minute(begin + activity.seconds_to_send)
        return f"{wait} {_minute(begin)}, then {takes} ({ready})"
    if pause is not None:
        end = "`syncd resume`" if pause.kind == OPERATOR else "the cause of the stop is removed"
        return f"{wait} {end}, then {takes}"
    if account.failing_since is not None:
        return f"{wait} calls succeed, then {takes}"
    return f"{images}: {takes} ({_minute(now + activity.seconds_to_send)})"


def _minute(at: float) -> str:
    return clock(at).rpartition(":")[0]


def paused(pause: Pause) -> str:
    """Return a pause or a stop in words."""
    if pause.kind == OPERATOR:
        end = f"until {clock(pause.until)}" if pause.until else "until `syncd resume`"
        return f"paused {end} {pause.why}"
    if pause.until is None:
        return f"stopped since {clock(pause.since)}: {pause.why}"
    left = format_duration(pause.until - time.time())
    return f"paused until {clock(pause.until)} ({left}, {pause.kind}): {pause.why}"


def failing(since: float, activity: AccountActivity | None) -> str:
    """Return in words since when calls fail, and when the next one is made."""
    text = f"failing since {clock(since)}"
    if activity is None or activity.why is None:
        return text
    if activity.retry_at is not None:
        text += f", retrying in {format_duration(activity.retry_at - time.time())}"
    return f"{text}: {activity.why}"


def clock(at: float) -> str:
    """Return a time in unix seconds as local time, with the date unless it is today's."""
    date, time_of_day = format_time(at).split()
    is_today = format_time(time.time()).startswith(date)
    return time_of_day if is_today else f"{date} {time_of_day}"


def why_waiting(config: Config, db: sqlite3.Connection) -> Mapping[AccountId, str]:
    """Return why nothing is sent to an account now, for those to which nothing is."""
    path, now = config.ledger.path, time.time()
    daemon = read_daemon(path, status_file.find(os.environ, path))
    why: dict[AccountId, str] = {}
    for name, account in config.accounts.items():
        activity = daemon.accounts.get(name)
        if daemon.state is status_file.Liveness.STOPPED:
            why[account.id] = "syncd is not running"
        elif activity is not None and activity.retry_at is not None and activity.why is not None:
            left = format_duration(activity.retry_at - now)
            why[account.id] = f"retrying in {left}: {activity.why}"
    for id_, pause in operator_pauses.effective(now)(db).items():
        why[id_] = f"the account is {paused(pause)}"
    return why
