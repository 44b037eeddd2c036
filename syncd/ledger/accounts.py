"""Statements about accounts: what pauses or stops them, and what was learnt of them."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence

import msgspec

from syncd.ledger.database import Change, Question
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


def pauses() -> Question[dict[AccountId, Pause]]:
    """Return every pause and stop."""

    def question(db: sqlite3.Connection) -> dict[AccountId, Pause]:
        rows = db.execute('SELECT account, kind, why, since, until, "row", remedy FROM pause')
        return {AccountId(account): Pause(*rest) for account, *rest in rows}

    return question


def pause(accounts: Sequence[AccountId], pause: Pause) -> Change[None]:
    """Pause or stop accounts."""

    def change(db: sqlite3.Connection) -> None:
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

    return change


def resume(account: AccountId) -> Change[None]:
    """End an account's pause."""

    def change(db: sqlite3.Connection) -> None:
        db.execute("DELETE FROM pause WHERE account = ?", (account,))

    return change


def lift_stops() -> Change[list[AccountId]]:
    """End every stop, but no pause: a person has done something; answers whose."""

    def change(db: sqlite3.Connection) -> list[AccountId]:
        rows = db.execute("DELETE FROM pause WHERE until IS NULL RETURNING account")
        return [AccountId(account) for (account,) in rows.fetchall()]

    return change


def alone_until(account: AccountId) -> Question[float]:
    """Return until when an account gets one image a POST, in unix seconds; 0 for never."""

    def question(db: sqlite3.Connection) -> float:
        row = db.execute("SELECT alone_until FROM account WHERE account = ?", (account,)).fetchone()
        return 0.0 if row is None or row[0] is None else float(row[0])

    return question


def send_alone_until(account: AccountId, until: float | None) -> Change[None]:
    """Remember that an account refuses shared POSTs, or that it takes them (None)."""

    def change(db: sqlite3.Connection) -> None:
        db.execute(
            "INSERT INTO account (account, alone_until) VALUES (?, ?)"
            " ON CONFLICT (account) DO UPDATE SET alone_until = excluded.alone_until",
            (account, until),
        )

    return change


def tier(account: AccountId) -> Question[str | None]:
    """Return the tier that an account's headers said last."""

    def question(db: sqlite3.Connection) -> str | None:
        row = db.execute("SELECT tier FROM account WHERE account = ?", (account,)).fetchone()
        return None if row is None else row[0]

    return question


def learn_tier(account: AccountId, tier: str) -> Change[None]:
    """Remember the tier that an account's headers say."""

    def change(db: sqlite3.Connection) -> None:
        db.execute(
            "INSERT INTO account (account, tier) VALUES (?, ?)"
            " ON CONFLICT (account) DO UPDATE SET tier = excluded.tier",
            (account, tier),
        )

    return change


def recent_calls(account: AccountId, since: float) -> Question[list[SpentCall]]:
    """Return the calls to an account since then, in unix seconds, the oldest first."""

    def question(db: sqlite3.Connection) -> list[SpentCall]:
        rows = db.execute(
            "SELECT at, points, images FROM call WHERE account = ? AND at >= ? ORDER BY at",
            (account, since),
        )
        return [SpentCall(*row) for row in rows]

    return question


def spend(account: AccountId, call: SpentCall, forget_before: float) -> Change[None]:
    """Write down a call to an account, and forget those before a time; unix seconds."""

    def change(db: sqlite3.Connection) -> None:
        db.execute(
            "INSERT INTO call (account, at, points, images) VALUES (?, ?, ?, ?)",
            (account, call.at, call.points, call.images),
        )
        db.execute("DELETE FROM call WHERE account = ? AND at < ?", (account, forget_before))

    return change
