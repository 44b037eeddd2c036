"""Statements about accounts: their pauses and stops, tiers and recent calls."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence

import msgspec

from syncd.ledger.statements import as_structs, read, write
from syncd.model import AccountId

LONGEST_PAUSE = 24 * 3600.0
"""Seconds; a pause in the ledger that ends later was written while the clock was wrong."""

USAGE = "usage"
"""The kind of a pause that response headers ask for, before any call was throttled."""


OPERATOR = "operator"
"""The kind of a pause by the operator."""


class Pause(msgspec.Struct, frozen=True, kw_only=True):
    """A pause or a stop: nothing is sent to the account; times in unix seconds."""

    kind: str
    why: str
    since: float
    until: float | None  # None: a stop, or the operator's, which do not end by themselves
    consecutive: int  # the n-th pause without a success in between
    remedy: str | None = None  # what the operator has to do; None: it ends by itself


class Learned(msgspec.Struct, frozen=True):
    """The facts that responses have shown about an account's budget."""

    tier: str | None = None
    """As reported by headers."""
    images_charged_until: float | None = None
    """In unix seconds; None: a POST costs one call, however many images it uploads."""


class SpentCall(msgspec.Struct, frozen=True):
    """A call that was sent to an account: when, in unix seconds, and its highest possible cost."""

    at: float
    points: int
    images: int


class OthersCall(msgspec.Struct, frozen=True):
    """A call that another process has sent to an account, and its id in the ledger."""

    id: int
    account: AccountId
    spent: SpentCall


def add(db: sqlite3.Connection, accounts: Iterable[AccountId]) -> None:
    """Give accounts an id where they have none yet."""
    db.executemany(
        "INSERT INTO account (act) VALUES (?) ON CONFLICT DO NOTHING", [(act,) for act in accounts]
    )


@read
def pauses(db: sqlite3.Connection) -> dict[AccountId, Pause]:
    """Return every pause and stop."""
    rows = db.execute(
        """
        SELECT act, kind, why, since, until, consecutive, remedy
        FROM pause JOIN account ON account.id = pause.account_id
        """
    )
    return {
        AccountId(account): Pause(
            kind=kind, why=why, since=since, until=until, consecutive=consecutive, remedy=remedy
        )
        for account, kind, why, since, until, consecutive, remedy in rows
    }


@read
def holding(db: sqlite3.Connection) -> frozenset[AccountId]:
    """Return the accounts that hold an image of the ledger."""
    rows = db.execute(
        """
        SELECT act
        FROM account
        WHERE EXISTS (
            SELECT 1
            FROM replica INDEXED BY replica_by_hash
            WHERE replica.account_id = account.id
                AND hash IS NOT NULL
        )
        """
    )
    return frozenset(AccountId(account) for (account,) in rows)


@write
def pause(db: sqlite3.Connection, accounts: Sequence[AccountId], pause: Pause) -> None:
    """Record that accounts are paused or stopped."""
    add(db, accounts)
    db.executemany(
        """
        INSERT OR REPLACE INTO pause
            (account_id, kind, why, since, until, consecutive, remedy)
        SELECT id, ?2, ?3, ?4, ?5, ?6, ?7 FROM account WHERE act = ?1
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
def pause_longer(db: sqlite3.Connection, paused: Sequence[AccountId], longer: Pause) -> None:
    """Record that accounts are paused, where no stop and no longer pause is recorded."""
    until = longer.until or 0.0
    known = pauses()(db)
    shorter = [
        account
        for account in paused
        if account not in known
        or (known[account].until is not None and (known[account].until or 0.0) < until)
    ]
    pause(shorter, longer)(db)


@write
def resume_ended(db: sqlite3.Connection, account: AccountId, now: float) -> None:
    """Forget the pause of an account that ended before `now`: a call has shown that it has."""
    db.execute(
        """
        DELETE FROM pause
        WHERE account_id = (SELECT id FROM account WHERE act = ?) AND until <= ?
        """,
        (account, now),
    )


@write
def resume(db: sqlite3.Connection, account: AccountId) -> None:
    """End the pause or stop of an account."""
    db.execute(
        "DELETE FROM pause WHERE account_id = (SELECT id FROM account WHERE act = ?)", (account,)
    )


@write
def lift(db: sqlite3.Connection) -> list[AccountId]:
    """End every stop, and every pause that no error has asked for; return their accounts."""
    lifted = db.execute(
        """
        SELECT act
        FROM pause JOIN account ON account.id = account_id
        WHERE until IS NULL OR kind = ?
        """,
        (USAGE,),
    ).fetchall()
    db.execute("DELETE FROM pause WHERE until IS NULL OR kind = ?", (USAGE,))
    return [AccountId(account) for (account,) in lifted]


@read
def learned(db: sqlite3.Connection, account: AccountId) -> Learned:
    """Return what responses have shown about an account's budget."""
    row = db.execute(
        "SELECT tier, images_charged_until FROM account WHERE act = ?", (account,)
    ).fetchone()
    return Learned() if row is None else Learned(*row)


@write
def record_tier(db: sqlite3.Connection, account: AccountId, tier: str) -> None:
    """Record the tier that the account's response headers report."""
    db.execute(
        """
        INSERT INTO account (act, tier)
        VALUES (?, ?)
        ON CONFLICT (act) DO UPDATE SET tier = excluded.tier
        """,
        (account, tier),
    )


@write
def record_charge(db: sqlite3.Connection, account: AccountId, until: float | None) -> None:
    """Record until when each image of a POST is assumed to cost a call; None: a POST costs one."""
    db.execute(
        """
        INSERT INTO account (act, images_charged_until)
        VALUES (?, ?)
        ON CONFLICT (act) DO UPDATE SET images_charged_until = excluded.images_charged_until
        """,
        (account, until),
    )


@read
def recent_calls(
    db: sqlite3.Connection, account: AccountId, now: float, window: float
) -> list[SpentCall]:
    """Return the calls to an account in the last `window` seconds, the oldest first.

    A time that is further ahead than this was recorded while the clock was wrong.
    """
    rows = db.execute(
        """
        SELECT at, points, images
        FROM api_call
        WHERE account_id = (SELECT id FROM account WHERE act = ?) AND at BETWEEN ? AND ?
        ORDER BY at
        """,
        (account, now - window, now + window),
    )
    return as_structs(rows, SpentCall)


@read
def last_call(db: sqlite3.Connection) -> int:
    """Return the id of the newest call of any account and process; 0 before the first call."""
    (newest,) = db.execute("SELECT coalesce(max(id), 0) FROM api_call").fetchone()
    return int(newest)


@read
def calls_of_others(db: sqlite3.Connection, after: int, process: int) -> list[OthersCall]:
    """Return the calls of other processes that were recorded after the id `after`, in order."""
    rows = db.execute(
        """
        SELECT api_call.id, act AS account, at, points, images
        FROM api_call JOIN account ON account.id = account_id
        WHERE api_call.id > ? AND process <> ?
        ORDER BY api_call.id
        """,
        (after, process),
    )
    return [
        OthersCall(id_, AccountId(act), SpentCall(at, points, images))
        for id_, act, at, points, images in rows
    ]


@write
def record_call(
    db: sqlite3.Connection, account: AccountId, call: SpentCall, window: float, process: int = 0
) -> int:
    """Record a call, and return its id; forget those that `recent_calls` no longer returns.

    `process` is 0 for the process that holds the lock. It records a call that has ended. Others
    record it before it is sent, so that no two processes use what is left of a budget.
    """
    add(db, [account])
    recorded = db.execute(
        """
        INSERT INTO api_call (account_id, at, points, images, process)
        SELECT id, ?2, ?3, ?4, ?5 FROM account WHERE act = ?1
        """,
        (account, call.at, call.points, call.images, process),
    ).lastrowid
    for outside, bound in (("at < ?", call.at - window), ("at > ?", call.at + window)):
        db.execute(  # each is a range of the index
            f"""
            DELETE FROM api_call
            WHERE account_id = (SELECT id FROM account WHERE act = ?) AND {outside}
            """,
            (account, bound),
        )
    return recorded or 0


@write
def record_call_ended(db: sqlite3.Connection, call: int, at: float) -> None:
    """Record that the call with this id, recorded before it was sent, has ended at `at`."""
    db.execute("UPDATE api_call SET at = ? WHERE id = ?", (at, call))
