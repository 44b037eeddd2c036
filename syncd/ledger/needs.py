"""What waits for a person: each state that the log has told of as an error, until it is over."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping
from itertools import groupby

import msgspec

from syncd.ledger import accounts, alerts
from syncd.ledger.statements import read
from syncd.model import AccountId
from syncd.rules import remedies


class Need(msgspec.Struct, frozen=True):
    """Something that a person has to see to: since when (unix seconds), the event that told of it,
    what it is about as the configuration calls it, why, and what to do."""

    since: float
    event: str
    subject: str
    why: str
    remedy: str


@read
def needs(db: sqlite3.Connection, names: Mapping[AccountId, str], now: float) -> list[Need]:
    """Return what waits for a person, the oldest first; names are those of the accounts."""
    found = [*_accounts(db, names, now), *_held(db), *_unreadable(db), *_said(db)]
    return sorted(found, key=lambda need: (need.since, need.event, need.subject))


def _accounts(db: sqlite3.Connection, names: Mapping[AccountId, str], now: float) -> Iterator[Need]:
    for account, pause in accounts.pauses()(db).items():
        over = pause.until is not None and pause.until <= now
        if account not in names or pause.remedy is None or over:
            continue
        event = "account.stopped" if pause.until is None else "account.paused"
        subject = alerts.account(names[account])
        yield Need(pause.since, event, subject, pause.why, pause.remedy)


def _held(db: sqlite3.Connection) -> Iterator[Need]:
    rows = db.execute(
        "SELECT folder.name, count(DISTINCT digest), min(since) FROM condemned"
        " JOIN folder ON folder.id = folder_id WHERE standing = 'held' GROUP BY folder_id"
    )
    for folder, images, condemned_since in rows:
        subject = alerts.folder(folder)
        said = alerts.standing("deletions.held", subject)(db)
        since = said[0].since if said else condemned_since
        why = f"{images:,} images would leave the accounts at once"
        yield Need(since, "deletions.held", subject, why, remedies.of_held(folder))


def _unreadable(db: sqlite3.Connection) -> Iterator[Need]:
    rows = db.execute(
        "SELECT folder.name, count(*), min(trouble_since), min(file.trouble)"
        " FROM file INDEXED BY file_in_trouble"
        " JOIN directory ON directory.id = file.directory_id"
        " JOIN folder ON folder.id = directory.folder_id"
        " WHERE file.trouble IS NOT NULL"
        " AND EXISTS (SELECT 1 FROM route WHERE route.folder_id = folder.id)"
        " GROUP BY folder.id"
    )
    for folder, files, since, reason in rows:
        why = f"cannot read {files:,} {'file' if files == 1 else 'files'}: {reason}"
        yield Need(since, "file.unreadable", alerts.folder(folder), why, remedies.FILE)


def _said(db: sqlite3.Connection) -> Iterator[Need]:
    said = alerts.for_a_person()(db)
    for (event, subject), parts in groupby(said, key=lambda one: (one.event, one.subject)):
        first, *others = parts
        part = f"{first.part}: " if first.part else ""
        more = f", and {len(others)} more" if others else ""
        since = min(one.since for one in (first, *others))
        yield Need(since, event, subject, f"{part}{first.why}{more}", first.remedy or "")
