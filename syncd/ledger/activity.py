"""Statements about the activity of each account in each hour of the last 30 days.

The work of an account is counted in the commit that records it, so that a killed process loses none
of it. The hour is that of the wall clock: what happens after the clock was set back is added to the
hours that it passes again.
"""

from __future__ import annotations

import sqlite3
from enum import StrEnum

import msgspec

from syncd.ledger.statements import as_structs, read, write
from syncd.model import AccountId

HOUR = 3600  # seconds

KEPT = 30 * 24
"""Hours. With 200 accounts these are at most 144,000 rows, which take 4.4 MB."""


class Count(StrEnum):
    """The columns that count images."""

    UPLOADED = "uploaded"
    COPIED = "copied"
    DELETED = "deleted"


class Figures(msgspec.Struct, frozen=True, kw_only=True):
    """The figures of an hour, of one account or of all."""

    hour: int  # unix seconds / HOUR
    calls: int = 0
    throttled: int = 0  # of the calls
    uploaded: int = 0  # images
    copied: int = 0  # images
    deleted: int = 0  # images
    budget: int = 0  # the largest share that was in use, in thousandths
    blocked: int = 0  # seconds; of all accounts together


@read
def hours(
    db: sqlite3.Connection, first: int, last: int, account: AccountId | None = None
) -> list[Figures]:
    """Return the figures from the hour `first` to `last`, of one account or of all together.

    An hour without figures is left out.
    """
    if account is None:
        rows = db.execute(
            """
            SELECT hour, sum(calls) AS calls, sum(throttled) AS throttled,
                sum(uploaded) AS uploaded, sum(copied) AS copied, sum(deleted) AS deleted,
                max(budget) AS budget, sum(blocked) AS blocked
            FROM activity
            WHERE hour BETWEEN ? AND ?
            GROUP BY hour
            """,
            (first, last),
        )
        return as_structs(rows, Figures)
    rows = db.execute(
        """
        SELECT hour, calls, throttled, uploaded, copied, deleted, budget, blocked
        FROM activity
        WHERE hour BETWEEN ? AND ? AND account_id = (SELECT id FROM account WHERE act = ?)
        """,
        (first, last, account),
    )
    return as_structs(rows, Figures)


@read
def hours_of_daemon(db: sqlite3.Connection, first: int, last: int) -> frozenset[int]:
    """Return the hours from `first` to `last` in which a daemon ran."""
    rows = db.execute("SELECT hour FROM daemon_hour WHERE hour BETWEEN ? AND ?", (first, last))
    return frozenset(hour for (hour,) in rows)


@read
def busiest(db: sqlite3.Connection, first: int, last: int, limit: int) -> list[AccountId]:
    """Return the accounts with the most calls from the hour `first` to `last`."""
    rows = db.execute(
        """
        SELECT act
        FROM activity JOIN account ON account.id = account_id
        WHERE hour BETWEEN ? AND ?
        GROUP BY account_id
        HAVING sum(calls) > 0
        ORDER BY sum(calls) DESC, account_id
        LIMIT ?
        """,
        (first, last, limit),
    )
    return [AccountId(act) for (act,) in rows]


def add(db: sqlite3.Connection, account_id: int, count: Count, images: int, at: float) -> None:
    """Count images of an account; `at` is in unix seconds."""
    if images:
        db.execute(
            f"""
            INSERT INTO activity (hour, account_id, {count})
            VALUES (?, ?, ?)
            ON CONFLICT DO UPDATE SET
                {count} = {count} + excluded.{count}
            """,
            (int(at) // HOUR, account_id, images),
        )


@write
def record_call(
    db: sqlite3.Connection, account: AccountId, at: float, share: float, *, is_throttled: bool
) -> None:
    """Count a call that ended at `at`, in unix seconds, with `share` of the budget in use: 0 to 1.

    Its account is in the ledger.
    """
    db.execute(
        """
        INSERT INTO activity (hour, account_id, calls, throttled, budget)
        SELECT ?2, id, 1, ?3, ?4 FROM account WHERE act = ?1
        ON CONFLICT DO UPDATE SET
            calls = calls + 1,
            throttled = throttled + excluded.throttled,
            budget = max(budget, excluded.budget)
        """,
        (account, int(at) // HOUR, is_throttled, round(1000 * share)),
    )


@write
def record_running(db: sqlite3.Connection, now: float, seconds: int) -> None:
    """Record that a daemon runs, and that the accounts which take no calls did not for `seconds`.

    `now` is in unix seconds. Once an hour, the hours further than 30 days from now are removed.
    """
    hour = int(now) // HOUR
    db.execute(
        """
        INSERT INTO activity (hour, account_id, blocked)
        SELECT ?1, account_id, ?2
        FROM (
            SELECT account_id FROM pause WHERE until IS NULL OR until > ?3
            UNION
            SELECT account_id FROM operator_pause WHERE until IS NULL OR until > ?3
        )
        WHERE ?2 > 0 AND account_id IN (SELECT account_id FROM route)
        ON CONFLICT DO UPDATE SET
            blocked = blocked + excluded.blocked
        """,
        (hour, min(seconds, HOUR), now),
    )
    if db.execute("INSERT OR IGNORE INTO daemon_hour VALUES (?)", (hour,)).rowcount:
        for table in ("activity", "daemon_hour"):
            for outside, bound in (("hour <= ?", hour - KEPT), ("hour >= ?", hour + KEPT)):
                db.execute(f"DELETE FROM {table} WHERE {outside}", (bound,))
