"""Statements about concerns: trouble that was said, and is not over."""

from __future__ import annotations

import sqlite3
from collections.abc import Collection

import msgspec

from syncd.ledger.database import Change, Question
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


def begin(
    event: str, subject: str, why: str, at: float, *, remedy: str | None = None, part: str = ""
) -> Change[bool]:
    """Note that trouble has begun, unless it had already; answers whether that is news.

    What is newly known of it is kept. No remedy where nobody has to do anything.
    """

    def change(db: sqlite3.Connection) -> bool:
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

    return change


def end(event: str, subject: str, at: float, part: str = "") -> Change[float | None]:
    """Note that trouble is over; answers for how many seconds it lasted, None if there was none."""

    def change(db: sqlite3.Connection) -> float | None:
        row = db.execute(
            "DELETE FROM concern WHERE event = ? AND subject = ? AND part = ? RETURNING since",
            (event, subject, part),
        ).fetchone()
        return None if row is None else elapsed(row[0], at)

    return change


def found(event: str, subject: str, why: str) -> Change[None]:
    """Note what is known of trouble by now, if there is any."""

    def change(db: sqlite3.Connection) -> None:
        db.execute(
            "UPDATE concern SET why = ? WHERE event = ? AND subject = ?", (why, event, subject)
        )

    return change


def standing(event: str, subject: str | None = None) -> Question[list[Concern]]:
    """Return what an event has told of and is not over: of a subject, or of all."""

    def question(db: sqlite3.Connection) -> list[Concern]:
        rows = db.execute(
            "SELECT event, subject, part, since, why, remedy FROM concern"
            " WHERE event = ?1 AND (?2 IS NULL OR subject = ?2) ORDER BY subject, part",
            (event, subject),
        )
        return [Concern(*row) for row in rows]

    return question


def for_a_person() -> Question[list[Concern]]:
    """Return what somebody has to see to, each subject's parts together."""

    def question(db: sqlite3.Connection) -> list[Concern]:
        rows = db.execute(
            "SELECT event, subject, part, since, why, remedy FROM concern"
            " WHERE remedy IS NOT NULL ORDER BY event, subject, part"
        )
        return [Concern(*row) for row in rows]

    return question


def begin_anew(subjects: Collection[str]) -> Change[None]:
    """Forget what was a former process's own, and all but these subjects."""

    def change(db: sqlite3.Connection) -> None:
        db.executemany("DELETE FROM concern WHERE event = ?", [(event,) for event in _OWN])
        known = {subject for (subject,) in db.execute("SELECT DISTINCT subject FROM concern")}
        db.executemany(
            "DELETE FROM concern WHERE subject = ?",
            [(subject,) for subject in known.difference(subjects)],
        )

    return change
