"""Statements about accounts: what pauses or stops them, and what was learnt of them."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence

import msgspec

from syncd.ledger.statements import read, write
from syncd.model import AccountId


class Pause(msgspec.Struct, frozen=True):
    """Nothing goes to an account; times in unix seconds, no end for a stop."""

    kind: str
    why: str
    since: float
    until: float | None
    row: int  # the how-manieth pause in a row
    remedy: str | None = None  # what a person is to do; None where it passes by itself


class SpentCall(msgspec.Struct, frozen=True):
    """A call that an account was sent: when, in unix seconds, and what it may have cost."""

    at: float
    points: int
    images: int


@read
def pauses(
    db: sqlite3.Connection,
) -> dict[AccountId, Pause]:
    """Return every pause and stop."""
    rows = db.execute('SELECT account, kind, why, since, until, "row", remedy FROM pause')
    return {AccountId(account): Pause(*rest) for account, *rest in rows}


@write
def pause(db: sqlite3.Connection, accounts: Sequence[AccountId], pause: Pause) -> None:
    """Pause or stop accounts."""
    db.executemany(
        'INSERT OR REPLACE INTO pause (account, kind, why, since, until, "row", remedy)'
        " VALUES (?, ?, ?, ?, ?, ?, ?)",
        [
            (
                account,
                pause.kind,
                pause.why,
                pause.since,
                pause.until,
                pause.row,
                pause.remedy,
            )
            for account in accounts
        ],
    )


@write
def resume(db: sqlite3.Connection, account: AccountId) -> None:
    """End an account's pause."""
    db.execute("DELETE FROM pause WHERE account = ?", (account,))


@write
def lift_stops(
    db: sqlite3.Connection,
) -> list[AccountId]:
    """End every stop, but no pause: a person has done something; answers whose."""
    rows = db.execute("DELETE FROM pause WHERE until IS NULL RETURNING account")
    return [AccountId(account) for (account,) in rows.fetchall()]


@read
def alone_until(db: sqlite3.Connection, account: AccountId) -> float:
    """Return until when an account gets one image a POST, in unix seconds; 0 for never."""
    row = db.execute("SELECT alone_until FROM account WHERE account = ?", (account,)).fetchone()
    return 0.0 if row is None or row[0] is None else float(row[0])


@write
def send_alone_until(db: sqlite3.Connection, account: AccountId, until: float | None) -> None:
    """Remember that an account refuses shared POSTs, or that it takes them (None)."""
    db.execute(
        "INSERT INTO account (account, alone_until) VALUES (?, ?)"
        " ON CONFLICT (account) DO UPDATE SET alone_until = excluded.alone_until",
        (account, until),
    )


@read
def tier(db: sqlite3.Connection, account: AccountId) -> str | None:
    """Return the tier that an account's headers said last."""
    row = db.execute("SELECT tier FROM account WHERE account = ?", (account,)).fetchone()
    return None if row is None else row[0]


@write
def learn_tier(db: sqlite3.Connection, account: AccountId, tier: str) -> None:
    """Remember the tier that an account's headers say."""
    db.execute(
        "INSERT INTO account (account, tier) VALUES (?, ?)"
        " ON CONFLICT (account) DO UPDATE SET tier = excluded.tier",
        (account, tier),
    )


@read
def recent_calls(db: sqlite3.Connection, account: AccountId, since: float) -> list[SpentCall]:
    """Return the calls to an account since then, in unix seconds, the oldest first."""
    rows = db.execute(
        "SELECT at, points, images FROM call WHERE account = ? AND at >= ? ORDER BY at",
        (account, since),
    )
    return [SpentCall(*row) for row in rows]


@write
def spend(
    db: sqlite3.Connection, account: AccountId, call: SpentCall, forget_before: float
) -> None:
    """Write down a call to an account, and forget those before a time; unix seconds."""
    db.execute(
        "INSERT INTO call (account, at, points, images) VALUES (?, ?, ?, ?)",
        (account, call.at, call.points, call.images),
    )
    db.execute("DELETE FROM call WHERE account = ? AND at < ?", (account, forget_before))
