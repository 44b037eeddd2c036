"""Statements about incidents, which the log reported and which have not ended, and about alerts.

An alert is what `syncd status` shows as needing the operator: a stopped or long-paused account,
deletions that wait for a decision, unreadable files, and each incident that has a remedy.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Iterator, Mapping
from itertools import groupby

import msgspec

from syncd.ledger import accounts
from syncd.ledger.statements import as_structs, read, write
from syncd.ledger.unread import UNFINISHED
from syncd.log import elapsed
from syncd.model import AccountId

CONFIG = "config"
"""The subject of incidents that concern the configuration as a whole."""

UNREADABLE_FILE = (
    "correct the reason (`syncd status --files unreadable` shows it; if permission is denied, `sudo"
    " syncd check` prints the command), or move the file out of the folder; the next scan notices"
    " either"
)
"""The remedy for a file that cannot be read."""

_OF_ONE_PROCESS = ("config.refused", "watchdog.stuck")
"""Events whose incidents end with the process or with a reload: both begin with a good state."""


class Incident(msgspec.Struct, frozen=True, kw_only=True):
    """Trouble of a subject, or of one part of it, that has not ended; `since` in unix seconds."""

    event: str
    subject: str
    part: str
    since: float
    why: str
    remedy: str | None  # None: the operator does not have to do anything


class Alert(msgspec.Struct, frozen=True, kw_only=True):
    """Trouble that needs the operator; `since` in unix seconds."""

    since: float
    event: str
    subject: str  # as the configuration names it: accounts.NAME, folders.NAME
    why: str
    remedy: str
    accounts: tuple[str, ...] = ()  # all that are stopped together, for account.stopped


def account_subject(name: str) -> str:
    """Return the subject of an account's incidents."""
    return f"accounts.{name}"


def folder_subject(name: str) -> str:
    """Return the subject of a folder's incidents."""
    return f"folders.{name}"


@write
def begin(
    db: sqlite3.Connection,
    event: str,
    subject: str,
    why: str,
    at: float,
    *,
    remedy: str | None = None,
    part: str = "",
) -> bool:
    """Record that an incident began, and return whether it was unknown before.

    A known one keeps its beginning, and takes the new `why` and `remedy`.
    """
    known = db.execute(
        """
        SELECT 1
        FROM alert
        WHERE event = ? AND subject = ? AND part = ?
        """,
        (event, subject, part),
    ).fetchone()
    db.execute(
        """
        INSERT INTO alert (event, subject, part, since, why, remedy)
        VALUES (?, ?, ?, ?, ?, ?)
        ON CONFLICT (event, subject, part) DO UPDATE SET
            why = excluded.why,
            remedy = excluded.remedy
        """,
        (event, subject, part, at, why, remedy),
    )
    return known is None


@write
def end(
    db: sqlite3.Connection, event: str, subject: str, at: float, part: str = ""
) -> float | None:
    """Record that an incident ended, and return its duration in seconds; None: it was unknown."""
    row = db.execute(
        """
        DELETE FROM alert
        WHERE event = ? AND subject = ? AND part = ?
        RETURNING since
        """,
        (event, subject, part),
    ).fetchone()
    return None if row is None else elapsed(row[0], at)


@write
def update(db: sqlite3.Connection, event: str, subject: str, why: str) -> None:
    """Record a new reason for the incidents of a subject, if there are any."""
    db.execute(
        """
        UPDATE alert
        SET why = ?
        WHERE event = ? AND subject = ?
        """,
        (why, event, subject),
    )


@read
def ongoing(db: sqlite3.Connection, event: str, subject: str | None = None) -> list[Incident]:
    """Return the incidents of an event: those of one subject, or all."""
    rows = db.execute(
        """
        SELECT event, subject, part, since, why, remedy
        FROM alert
        WHERE event = ?1 AND (?2 IS NULL OR subject = ?2)
        ORDER BY subject, part
        """,
        (event, subject),
    )
    return as_structs(rows, Incident)


@read
def ongoing_with_remedy(db: sqlite3.Connection) -> list[Incident]:
    """Return the incidents that need the operator, the parts of a subject next to each other."""
    rows = db.execute(
        """
        SELECT event, subject, part, since, why, remedy
        FROM alert
        WHERE remedy IS NOT NULL
        ORDER BY event, subject, part
        """
    )
    return as_structs(rows, Incident)


@write
def discard_stale(db: sqlite3.Connection, subjects: Collection[str]) -> None:
    """Forget the incidents of the process that ended, and those of all but these subjects."""
    db.executemany("DELETE FROM alert WHERE event = ?", [(event,) for event in _OF_ONE_PROCESS])
    known = {subject for (subject,) in db.execute("SELECT DISTINCT subject FROM alert")}
    db.executemany(
        "DELETE FROM alert WHERE subject = ?",
        [(subject,) for subject in known.difference(subjects)],
    )


@read
def all_alerts(db: sqlite3.Connection, names: Mapping[AccountId, str], now: float) -> list[Alert]:
    """Return what needs the operator, the oldest first; `names` are the configured accounts."""
    found = [
        *_of_pauses(db, names, now),
        *_of_held_deletions(db),
        *_of_unreadable_files(db),
        *_of_incidents(db),
    ]
    return sorted(found, key=lambda alert: (alert.since, alert.event, alert.subject))


def _of_pauses(
    db: sqlite3.Connection, names: Mapping[AccountId, str], now: float
) -> Iterator[Alert]:
    pauses = {id_: pause for id_, pause in accounts.pauses()(db).items() if id_ in names}
    for account, pause in pauses.items():
        ended = pause.until is not None and pause.until <= now
        if pause.remedy is None or ended:
            continue
        key = (pause.until, pause.since, pause.why)
        together = [
            id_ for id_, other in pauses.items() if (other.until, other.since, other.why) == key
        ]
        yield Alert(
            since=pause.since,
            event="account.stopped" if pause.until is None else "account.paused",
            subject=account_subject(names[account]),
            why=pause.why,
            remedy=pause.remedy,
            accounts=tuple(names[id_] for id_ in together),
        )


def _of_held_deletions(db: sqlite3.Connection) -> Iterator[Alert]:
    rows = db.execute(
        """
        SELECT folder.name, count(DISTINCT image_id), min(found_at)
        FROM deletion
        JOIN folder ON folder.id = deletion.folder_id
        WHERE deletion.state = 'held'
        GROUP BY folder.id
        """
    )
    for folder, images, condemned_since in rows:
        subject = folder_subject(folder)
        incidents = ongoing("deletions.held", subject)(db)
        yield Alert(
            since=incidents[0].since if incidents else condemned_since,
            event="deletions.held",
            subject=subject,
            why=f"{images:,} images would leave the accounts at once",
            remedy=remedy_of_held(folder),
        )


def remedy_of_held(folder: str) -> str:
    """Return the remedy for deletions of a folder that wait for the operator's decision."""
    return (
        f"list them with `syncd deletions`, then run `syncd deletions approve {folder}` or"
        f" `syncd deletions dismiss {folder}`; nothing is deleted until then"
    )


def _of_unreadable_files(db: sqlite3.Connection) -> Iterator[Alert]:
    rows = db.execute(
        f"""
        SELECT folder.name, count(*), min(error_since), min(file.error)
        FROM file INDEXED BY file_with_error
        JOIN directory ON directory.id = file.directory_id
        JOIN folder ON folder.id = directory.folder_id
        WHERE file.error IS NOT NULL AND file.error NOT IN {UNFINISHED}
            AND EXISTS (SELECT 1 FROM route WHERE route.folder_id = folder.id)
        GROUP BY folder.id
        """
    )
    for folder, files, since, reason in rows:
        yield Alert(
            since=since,
            event="file.unreadable",
            subject=folder_subject(folder),
            why=f"cannot read {files:,} {'file' if files == 1 else 'files'}: {reason}",
            remedy=UNREADABLE_FILE,
        )


def _of_incidents(db: sqlite3.Connection) -> Iterator[Alert]:
    incidents = ongoing_with_remedy()(db)
    for (event, subject), parts in groupby(incidents, key=lambda one: (one.event, one.subject)):
        first, *others = parts
        part = f"{first.part}: " if first.part else ""
        more = f", and {len(others)} more" if others else ""
        yield Alert(
            since=min(one.since for one in (first, *others)),
            event=event,
            subject=subject,
            why=f"{part}{first.why}{more}",
            remedy=first.remedy or "",
        )
