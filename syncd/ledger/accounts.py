"""Statements about accounts: their pauses and stops, and what was learned about them."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence

import msgspec

from syncd.ledger.statements import as_structs, read, write
from syncd.model import AccountId


class Pause(msgspec.Struct, frozen=True, kw_only=True):
    """A pause or a stop: nothing is sent to the account; times in unix seconds."""

    kind: str
    why: str
    since: float
    until: float | None  # None: a stop, which does not end by itself
    consecutive: int = msgspec.field(name="row")  # the n-th pause without a success in between
    remedy: str | None = None  # what the operator has to do; None: it ends by itself


class SpentCall(msgspec.Struct, frozen=True):
    """A call that was sent to an account: when, in unix seconds, and its highest possible cost."""

    at: float
    points: int
    images: int


@read
def pauses(db: sqlite3.Connection) -> dict[AccountId, Pause]:
    """Return every pause and stop."""
    rows = db.execute(
        """
        SELECT account, kind, why, since, until, "row", remedy
        FROM pause
        """
    )
    return {
        AccountId(account): Pause(
            kind=kind, why=why, since=since, until=until, consecutive=consecutive, remedy=remedy
        )
        for account, kind, why, since, until, consecutive, remedy in rows
    }


@write
def pause(db: sqlite3.Connection, accounts: Sequence[AccountId], pause: Pause) -> None:
    """Record that accounts are paused or stopped."""
    db.executemany(
        """
        INSERT OR REPLACE INTO pause (account, kind, why, since, until, "row", remedy)
        VALUES (?, ?, ?, ?, ?, ?, ?)
        """,
        [
            (
                account,
                pause.kind,
                pause.why,
                pause.since,
                pause.until,
                pause.consecutive,
                pause.remedy,
            )
            for account in accounts
        ],
    )


@write
def resume(db: sqlite3.Connection, account: AccountId) -> None:
    """End the pause or stop of an account."""
    db.execute("DELETE FROM pause WHERE account = ?", (account,))


@write
def lift_stops(db: sqlite3.Connection) -> list[AccountId]:
    """End every stop, but no pause, and return the accounts that were stopped."""
    rows = db.execute("DELETE FROM pause WHERE until IS NULL RETURNING account")
    return [AccountId(account) for (account,) in rows.fetchall()]


@read
def batching_off_until(db: sqlite3.Connection, account: AccountId) -> float:
    """Return until when each POST to an account carries one image, in unix seconds; 0: never."""
    row = db.execute("SELECT alone_until FROM account WHERE account = ?", (account,)).fetchone()
    return 0.0 if row is None or row[0] is None else float(row[0])


@write
def set_batching_off_until(db: sqlite3.Connection, account: AccountId, until: float | None) -> None:
    """Record until when an account rejects POSTs of several images; None: it accepts them."""
    db.execute(
        """
        INSERT INTO account (account, alone_until)
        VALUES (?, ?)
        ON CONFLICT (account) DO UPDATE SET alone_until = excluded.alone_until
        """,
        (account, until),
    )


@read
def tier(db: sqlite3.Connection, account: AccountId) -> str | None:
    """Return the tier that the account's response headers reported last."""
    row = db.execute("SELECT tier FROM account WHERE account = ?", (account,)).fetchone()
    return None if row is None else row[0]


@write
def record_tier(db: sqlite3.Connection, account: AccountId, tier: str) -> None:
    """Record the tier that the account's response headers report."""
    db.execute(
        """
        INSERT INTO account (account, tier)
        VALUES (?, ?)
        ON CONFLICT (account) DO UPDATE SET tier = excluded.tier
        """,
        (account, tier),
    )


@read
def recent_calls(db: sqlite3.Connection, account: AccountId, since: float) -> list[SpentCall]:
    """Return the calls to an account since a time in unix seconds, the oldest first."""
    rows = db.execute(
        """
        SELECT at, points, images
        FROM call
        WHERE account = ? AND at >= ?
        ORDER BY at
        """,
        (account, since),
    )
    return as_structs(rows, SpentCall)


@write
def record_call(
    db: sqlite3.Connection, account: AccountId, call: SpentCall, forget_before: float
) -> None:
    """Record a call to an account, and forget its calls before a time in unix seconds."""
    db.execute(
        """
        INSERT INTO call (account, at, points, images)
        VALUES (?, ?, ?, ?)
        """,
        (account, call.at, call.points, call.images),
    )
    db.execute("DELETE FROM call WHERE account = ? AND at < ?", (account, forget_before))
