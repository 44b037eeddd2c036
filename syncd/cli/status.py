"""`syncd status`."""

from __future__ import annotations

import os
import sqlite3
import sys
import time
from collections.abc import Mapping
from pathlib import Path

import msgspec

from syncd.cli.console import (
    format_duration,
    format_time,
    print_json,
    print_line,
    print_paragraph,
    print_row,
)
from syncd.cli.daemon_line import DaemonReport, read_daemon, sentence
from syncd.cli.errors import Exit, ledger_required
from syncd.cli.options import load_config
from syncd.config import AccountConfig, Config
from syncd.daemon.status_file import AccountActivity
from syncd.folders import skipped
from syncd.images.unfinished import Unfinished
from syncd.ledger import alerts, condemned, folders, queries
from syncd.ledger.accounts import OPERATOR, Pause
from syncd.ledger.alerts import Alert
from syncd.ledger.file import reading
from syncd.ledger.limitations import LearnedLimitation
from syncd.ledger.queries import Count, FolderState, account_summary
from syncd.model import printable
from syncd.rules.forecast import amount
from syncd.rules.limitation import What
from syncd.rules.sync import Sync


class FolderStatus(msgspec.Struct, kw_only=True):
    """A folder in the output of --json; times in unix seconds."""

    path: str
    files: int
    scanned_at: float | None
    doubt: str | None  # why none of its missing files counts as deleted
    trouble: str | None
    unreadable: list[Count]
    unfinished: list[Count]  # files that are not finished; the reasons are codes
    skipped: list[Count]  # files that are not taken; the reasons are codes, or extensions
    deletions_held: int  # images that wait for the operator's decision


class AccountStatus(msgspec.Struct, kw_only=True):
    """An account in the output of --json."""

    id: str
    wanted: int
    held: int
    missing: int
    rejected: int
    sync: Sync
    pause: Pause | None
    failing_since: float | None  # unix seconds; None: its calls do not fail
    rejections: list[Count]
    troubles: list[Count]
    limitations: list[LearnedLimitation]  # what the account does not take


class Status(msgspec.Struct):
    """The output of `syncd status --json`."""

    daemon: DaemonReport
    needs_you: list[Alert]
    accounts: dict[str, AccountStatus]
    folders: dict[str, FolderStatus]


def status(config: Path, *, json: bool, check: bool) -> None:
    """Print whether the daemon runs, what needs the operator, and each account and folder."""
    settings = load_config(config)
    daemon = read_daemon(os.environ, settings.ledger.path)
    if check and not daemon.is_running:
        print_line(sentence(daemon, config))
        sys.exit(Exit.NOT_RUNNING)
    with ledger_required(), reading(settings.ledger.path) as db:
        found = _read(settings, daemon, db)
    if check:
        sys.exit(_check(found))
    if json:
        print_json(found)
    else:
        print_paragraph(sentence(daemon, config))
        _print(found)


def _check(found: Status) -> Exit:
    """Print the state of a running daemon in one line; return the exit code."""
    if found.needs_you:
        first, *others = found.needs_you
        more = f" (and {amount(len(others), 'other alert')})" if others else ""
        print_line(f"needs you: {first.subject}: {first.why}{more}")
        return Exit.NOT_ALL
    missing = sum(account.missing for account in found.accounts.values())
    print_line(f"running, {amount(missing, 'image')} missing" if missing else "running, in sync")
    return Exit.DONE


def _read(config: Config, daemon: DaemonReport, db: sqlite3.Connection) -> Status:
    names = {account.id: str(name) for name, account in config.accounts.items()}
    return Status(
        daemon,
        alerts.all_alerts(names, time.time())(db),
        {str(name): _account(str(name), account, db) for name, account in config.accounts.items()},
        {folder.name: _folder(folder, db) for folder in queries.folder_states()(db)},
    )


def _account(name: str, account: AccountConfig, db: sqlite3.Connection) -> AccountStatus:
    found = account_summary(account.id, time.time())(db)
    tally, pause = found.tally, found.pause
    ended = pause is not None and pause.until is not None and pause.until < time.time()
    failing = alerts.ongoing("account.failing", alerts.account_subject(name))(db)
    return AccountStatus(
        id=account.id,
        wanted=tally.wanted,
        held=tally.held,
        missing=tally.missing,
        rejected=tally.rejected,
        sync=tally.sync,
        pause=None if ended else pause,
        failing_since=failing[0].since if failing else None,
        rejections=found.rejections,
        troubles=found.troubles,
        limitations=found.limitations,
    )


def _folder(folder: FolderState, db: sqlite3.Connection) -> FolderStatus:
    return FolderStatus(
        path=printable(folder.path),
        files=folder.files,
        scanned_at=folder.scanned_at,
        doubt=folder.doubt,
        trouble=folder.trouble,
        unreadable=queries.unreadable_files(folder.name)(db),
        unfinished=queries.unfinished_files(folder.name)(db),
        skipped=queries.skipped_files(folder.name)(db),
        deletions_held=condemned.count_held(folder.name)(db),
    )


def _print(found: Status) -> None:
    for need in found.needs_you:
        _print_need(need)
    if found.needs_you:
        print_line()
    _print_accounts(found.accounts, found.daemon)
    for name, account in found.accounts.items():
        for count in account.rejections:
            print_row(f"{name}: rejected {amount(count.count, 'image')}: {count.reason}")
        for count in account.troubles:
            print_row(f"{name}: {amount(count.count, 'image')} failed so far: {count.reason}")
        for learned in account.limitations:
            _print_limitation(name, learned)
        if queries.MOST_REASONS in (len(account.rejections), len(account.troubles)):
            print_row(f"{name}: `syncd export` has the reason of every image")
    for name, folder in found.folders.items():
        _print_folder(name, folder)


def _print_limitation(name: str, learned: LearnedLimitation) -> None:
    source = "" if learned.source is None else f" from {learned.source}"
    times = f"since {format_time(learned.since)}, tried again {format_time(learned.retry_at)}"
    print_row(f"{name}: {learned.what}{source}: {What(learned.what).why}; {times}")


def _print_folder(name: str, folder: FolderStatus) -> None:
    when = format_time(folder.scanned_at) if folder.scanned_at else "never completely"
    print_row(f"folder {name}: {amount(folder.files, 'file')}, scanned {when} ({folder.path})")
    if folder.doubt:
        is_missing = folder.doubt == folders.MISSING
        advice = folders.REMEDY_OF_MISSING if is_missing else "see `syncd deletions`"
        print_row(f"folder {name}: {folder.doubt}: {advice}")
    if folder.trouble:
        print_row(f"folder {name}: {folder.trouble}")
    for count in folder.unreadable:
        print_row(f"folder {name}: cannot read {amount(count.count, 'file')}: {count.reason}")
    for count in folder.unfinished:
        reason = Unfinished(count.reason).reason
        print_row(f"folder {name}: {amount(count.count, 'file')} not finished: {reason}")
    if folder.skipped:
        counts = {count.reason: count.count for count in folder.skipped}
        print_paragraph(f"folder {name}: skipped {skipped.sentence(counts)}")
    if folder.deletions_held:
        images = amount(folder.deletions_held, "image")
        print_row(f"folder {name}: {images} held for you to decide: see `syncd deletions`")


def _print_accounts(accounts: Mapping[str, AccountStatus], daemon: DaemonReport) -> None:
    """Print one line for each account: its name, figures in columns, and its state."""
    rows: list[tuple[str, ...]] = [("account", "wanted", "held", "missing", "rejected", "state")]
    for name, account in accounts.items():
        figures = (account.wanted, account.held, account.missing, account.rejected)
        state = _state(account, daemon.accounts.get(name))
        rows.append((name, *(f"{figure:,}" for figure in figures), state))
    longest, *widths, _ = (max(map(len, column)) for column in zip(*rows, strict=True))
    for name, *texts, state in rows:
        columns = (text.rjust(width) for text, width in zip(texts, widths, strict=True))
        print_row("  ".join((name.ljust(longest), *columns, state)))


def _print_need(need: Alert) -> None:
    since = format_time(need.since)
    print_paragraph(f"needs you: {need.subject}: {need.why} ({need.event}, since {since})")
    if len(need.accounts) > 1:
        print_paragraph(f"accounts: {', '.join(need.accounts)}", first="    ")
    print_paragraph(f"do: {need.remedy}", first="    ")


_SYNC_STATES = {
    Sync.IN_SYNC: "in sync",
    Sync.REJECTED: "in sync except for rejected images",
    Sync.MISSING: "open",
}


def _state(account: AccountStatus, activity: AccountActivity | None) -> str:
    pause = account.pause
    if pause is None and account.failing_since is not None:
        return _failing(account.failing_since, activity)
    if pause is None and activity is not None and activity.in_flight and account.missing:
        return _uploading(account, activity)
    if pause is None:
        return _SYNC_STATES[account.sync]
    if pause.kind == OPERATOR:
        end = f"until {format_time(pause.until)}" if pause.until else "until `syncd resume`"
        return f"paused {end} {pause.why}"
    if pause.until is None:
        return f"stopped since {format_time(pause.since)}"  # the reason is among the needs above
    left = format_duration(pause.until - time.time())
    return f"paused until {format_time(pause.until)} ({left}): {pause.kind}: {pause.why}"


def _failing(since: float, activity: AccountActivity | None) -> str:
    text = f"failing since {format_time(since)}"
    if activity is None or activity.why is None:
        return text
    if activity.retry_at is not None:
        text += f", retrying in {format_duration(activity.retry_at - time.time())}"
    return f"{text}: {activity.why}"


def _uploading(account: AccountStatus, activity: AccountActivity) -> str:
    text = f"uploading {activity.in_flight:,} of {account.missing:,}"
    if activity.images_per_second:
        text += f", {activity.images_per_second:g} images/s"
    if activity.in_step_in not in (None, "now", "unknown"):
        text += f", about {activity.in_step_in}"
    return text
