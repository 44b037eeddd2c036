"""Statements about concerns: trouble that was said, and is not over."""

from __future__ import annotations

import sqlite3
from collections.abc import Collection

import msgspec

from syncd.ledger.statements import read, write
from syncd.log import elapsed

CONFIG = "config"
"""The subject of what concerns the configuration as a whole."""

_OWN = ("config.refused", "watchdog.stuck")
"""What ends with the process that told of it, or a reload: the next begins with what is good."""


class Concern(msgspec.Struct, frozen=True):
    """Trouble of a subject, or of a part of it; unix seconds."""

    event: str
    subject: str
    part: str
    since: float
    why: str
    remedy: str | None


def account(name: str) -> str:
    """Return how an account is called as the subject of a concern."""
    return f"accounts.{name}"


def folder(name: str) -> str:
    """Return how a folder is called as the subject of a concern."""
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
    """Note that trouble has begun, unless it had already; answers whether that is news.

    What is newly known of it is kept. No remedy where nobody has to do anything.
    """
    known = db.execute(
        "SELECT 1 FROM concern WHERE event = ? AND subject = ? AND part = ?",
        (event, subject, part),
    ).fetchone()
    db.execute(
        "INSERT INTO concern (event, subject, part, since, why, remedy)"
        " VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (event, subject, part)"
        " DO UPDATE SET why = excluded.why, remedy = excluded.remedy",
        (event, subject, part, at, why, remedy),
    )
    return known is None


@write
def end(
    db: sqlite3.Connection, event: str, subject: str, at: float, part: str = ""
) -> float | None:
    """Note that trouble is over; answers for how many seconds it lasted, None if there was none."""
    row = db.execute(
        "DELETE FROM concern WHERE event = ? AND subject = ? AND part = ? RETURNING since",
        (event, subject, part),
    ).fetchone()
    return None if row is None else elapsed(row[0], at)


@write
def found(db: sqlite3.Connection, event: str, subject: str, why: str) -> None:
    """Note what is known of trouble by now, if there is any."""
    db.execute("UPDATE concern SET why = ? WHERE event = ? AND subject = ?", (why, event, subject))


@read
def standing(db: sqlite3.Connection, event: str, subject: str | None = None) -> list[Concern]:
    """Return what an event has told of and is not over: of a subject, or of all."""
    rows = db.execute(
        "SELECT event, subject, part, since, why, remedy FROM concern"
        " WHERE event = ?1 AND (?2 IS NULL OR subject = ?2) ORDER BY subject, part",
        (event, subject),
    )
    return [Concern(*row) for row in rows]


@read
def for_a_person(
    db: sqlite3.Connection,
) -> list[Concern]:
    """Return what somebody has to see to, each subject's parts together."""
    rows = db.execute(
        "SELECT event, subject, part, since, why, remedy FROM concern"
        " WHERE remedy IS NOT NULL ORDER BY event, subject, part"
    )
    return [Concern(*row) for row in rows]


@write
def begin_anew(db: sqlite3.Connection, subjects: Collection[str]) -> None:
    """Forget what was a former process's own, and all but these subjects."""
    db.executemany("DELETE FROM concern WHERE event = ?", [(event,) for event in _OWN])
    known = {subject for (subject,) in db.execute("SELECT DISTINCT subject FROM concern")}
    db.executemany(
        "DELETE FROM concern WHERE subject = ?",
        [(subject,) for subject in known.difference(subjects)],
    )
