"""The facts of the ledger about accounts and folders, as `syncd status` shows them.

The daemon writes it to the status file, and `syncd status` reads it there, or from the ledger.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Collection, Mapping

import msgspec

from syncd.daemon.status_file import DaemonStatus
from syncd.ledger import alerts, limitations, operator_pauses, queries
from syncd.ledger.accounts import Pause
from syncd.ledger.alerts import Alert, account_subject, folder_subject
from syncd.ledger.limitations import LearnedLimitation
from syncd.ledger.queries import Count, FolderState
from syncd.ledger.statements import read
from syncd.model import AccountId, printable
from syncd.rules.sync import Sync

LONG_COUNT = 0.05
"""Seconds of counting the ledger, as the daemon measured it, above which its figures are shown,
which can be some seconds old."""


class FolderStatus(msgspec.Struct, frozen=True, kw_only=True):
    """A folder; times in unix seconds."""

    path: str
    files: int
    scanned_at: float | None
    doubt: str | None  # why none of its missing files counts as deleted
    trouble: str | None
    unreadable: list[Count]
    unfinished: list[Count]  # files that are not finished; the reasons are codes
    skipped: list[Count]  # files that are not taken; the reasons are codes, or extensions
    deletions_held: int  # images that wait for the operator's decision


class AccountStatus(msgspec.Struct, frozen=True, kw_only=True):
    """An account; times in unix seconds."""

    id: str
    wanted: int
    held: int
    missing: int
    rejected: int
    missing_since: float | None = None  # when the oldest missing image became so
    sync: Sync
    pause: Pause | None = None
    failing_since: float | None = None  # None: its calls do not fail
    rejections: list[Count]
    troubles: list[Count]
    limitations: list[LearnedLimitation]  # what the account does not take


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """The accounts and folders of a configuration by name, and what needs the operator."""

    needs_you: list[Alert]
    accounts: dict[str, AccountStatus]
    folders: dict[str, FolderStatus]


class States(msgspec.Struct, frozen=True):
    """The results of calls to the accounts, and what needs the operator."""

    needs_you: list[Alert]
    pauses: Mapping[AccountId, Pause]  # those that have not ended
    failing_since: Mapping[str, float]  # by the subject of the account, unix seconds


@read
def states(db: sqlite3.Connection, names: Mapping[AccountId, str], now: float) -> States:
    """Return the states of the configured accounts at `now`; it counts no images that are held."""
    failing = alerts.ongoing("account.failing")(db)
    return States(
        alerts.all_alerts(names, now)(db),
        operator_pauses.effective(now)(db),
        {incident.subject: incident.since for incident in failing},
    )


@read
def account_status(db: sqlite3.Connection, account: AccountId) -> AccountStatus:
    """Return an account without its state: see `with_states`."""
    tally = queries.tally(account)(db)
    return AccountStatus(
        id=account,
        wanted=tally.wanted,
        held=tally.held,
        missing=tally.missing,
        rejected=tally.rejected,
        missing_since=tally.waiting_since,
        sync=tally.sync,
        rejections=queries.rejections(account)(db),
        troubles=queries.troubles(account)(db),
        limitations=limitations.learned(account)(db),
    )


@read
def folder_status(db: sqlite3.Connection, folder: FolderState) -> FolderStatus:
    """Return a folder."""
    found = queries.summary_of(folder)(db)
    return FolderStatus(
        path=printable(folder.path),
        files=folder.files,
        scanned_at=folder.scanned_at,
        doubt=folder.doubt,
        trouble=folder.trouble,
        unreadable=found.unreadable,
        unfinished=found.unfinished,
        skipped=found.skipped,
        deletions_held=found.deletions_held,
    )


@read
def whole_report(db: sqlite3.Connection, names: Mapping[AccountId, str], now: float) -> Report:
    """Return the report of these accounts and every folder that feeds one, at `now`."""
    report = Report(
        needs_you=[],
        accounts={name: account_status(id_)(db) for id_, name in names.items()},
        folders={one.name: folder_status(one)(db) for one in queries.folder_states()(db)},
    )
    return with_states(report, states(names, now)(db))


def from_ledger(
    db: sqlite3.Connection, names: Mapping[AccountId, str], written: DaemonStatus | None
) -> tuple[Report, float]:
    """Return the report, and when it was counted; `written` is the status of a running daemon.

    If counting takes long, the counts are the daemon's. States are always the ledger's: only there
    is a pause that the operator has just begun.
    """
    now = time.time()
    known = counted(written)
    if known is not None and written is not None and written.count_took > LONG_COUNT:
        found, counted_at = known
        if {AccountId(one.id): name for name, one in found.accounts.items()} == names:
            return with_states(found, states(names, now)(db)), counted_at
    return whole_report(names, now)(db), now


def counted(written: DaemonStatus | None) -> tuple[Report, float] | None:
    """Return the report in a status file, and when it was counted; None if it has none."""
    if written is None or written.counted_at is None:
        return None
    try:
        return msgspec.json.decode(written.report, type=Report), written.counted_at
    except msgspec.MsgspecError:  # of another version of syncd
        return None


def with_states(report: Report, now: States) -> Report:
    """Return the report with other states of its accounts."""
    accounts = {
        name: msgspec.structs.replace(
            account,
            pause=now.pauses.get(AccountId(account.id)),
            failing_since=now.failing_since.get(account_subject(name)),
        )
        for name, account in report.accounts.items()
    }
    return Report(needs_you=now.needs_you, accounts=accounts, folders=report.folders)


def without_ended_pauses(report: Report, now: float) -> Report:
    """Return the report without the pauses that have ended since it was made."""
    accounts = {
        name: msgspec.structs.replace(account, pause=None) if _has_ended(account, now) else account
        for name, account in report.accounts.items()
    }
    return msgspec.structs.replace(report, accounts=accounts)


def _has_ended(account: AccountStatus, now: float) -> bool:
    pause = account.pause
    return pause is not None and pause.until is not None and pause.until <= now


def selected(report: Report, accounts: Collection[str], folders: Collection[str]) -> Report:
    """Return only these accounts and folders, and the alerts that are not about others alone."""
    left_out = {
        *(account_subject(name) for name in report.accounts if name not in accounts),
        *(folder_subject(name) for name in report.folders if name not in folders),
    }
    return Report(
        needs_you=[
            alert
            for alert in report.needs_you
            if alert.subject not in left_out or not set(accounts).isdisjoint(alert.accounts)
        ],
        accounts={name: one for name, one in report.accounts.items() if name in accounts},
        folders={name: one for name, one in report.folders.items() if name in folders},
    )
