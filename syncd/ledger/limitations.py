"""Statements about what was learned of an account: its limitations, and its largest body."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence

import msgspec

from syncd.ledger import accounts
from syncd.ledger.statements import as_structs, read, write
from syncd.log import elapsed
from syncd.model import AccountId
from syncd.rules.limitation import Limitation, What


class LearnedLimitation(msgspec.Struct, frozen=True, kw_only=True):
    """A limitation as the operator sees it; times in unix seconds."""

    what: str
    source: str | None  # the account that copies come from
    since: float
    retry_at: float


@read
def learned(db: sqlite3.Connection, account: AccountId) -> list[LearnedLimitation]:
    """Return the limitations of an account, the oldest first."""
    rows = db.execute(
        """
        SELECT learned.what, 'act_' || source.act AS source, learned.since, learned.retry_at
        FROM learned
        LEFT JOIN account AS source ON source.id = learned.source_id
        WHERE learned.account_id = (SELECT id FROM account WHERE act = ?)
        ORDER BY learned.since, learned.what
        """,
        (account,),
    )
    return as_structs(rows, LearnedLimitation)


@write
def retry(db: sqlite3.Connection, now: float) -> int:
    """Let every limitation be tried again now, in unix seconds; return how many that changes."""
    return db.execute("UPDATE learned SET retry_at = ?1 WHERE retry_at > ?1", (now,)).rowcount


@read
def known(db: sqlite3.Connection, account: AccountId) -> list[Limitation]:
    """Return the limitations of an account."""
    rows = db.execute(
        """
        SELECT learned.what, source.act, learned.value, learned.retry_at
        FROM learned
        LEFT JOIN account AS source ON source.id = learned.source_id
        WHERE learned.account_id = (SELECT id FROM account WHERE act = ?)
        """,
        (account,),
    )
    return [
        Limitation(
            what=What(what),
            source=None if source is None else AccountId(source),
            value=value,
            retry_at=retry_at,
        )
        for what, source, value, retry_at in rows
    ]


@write
def record(
    db: sqlite3.Connection,
    account: AccountId,
    learned: Sequence[Limitation],
    ended: Sequence[Limitation],
    largest_body: int,
    now: float,
) -> list[float]:
    """Record what was learned of an account, and for how many seconds each of `ended` was known.

    A limitation that was known before keeps its beginning. `largest_body` is the size in bytes of
    the largest body that the account accepted, `now` is in unix seconds.
    """
    accounts.add(db, [account, *(one.source for one in learned if one.source is not None)])
    db.execute(
        "UPDATE account SET largest_body = ?2 WHERE act = ?1 AND largest_body <> ?2",
        (account, largest_body),
    )
    db.executemany(
        """
        INSERT INTO learned (account_id, source_id, what, value, since, retry_at)
        SELECT id, coalesce((SELECT id FROM account WHERE act = ?2), 0), ?3, ?4, ?5, ?6
        FROM account
        WHERE act = ?1
        ON CONFLICT DO UPDATE SET
            value = excluded.value,
            retry_at = excluded.retry_at
        """,
        [(account, one.source, one.what.value, one.value, now, one.retry_at) for one in learned],
    )
    return [_forget(db, account, one, now) for one in ended]


def _forget(db: sqlite3.Connection, account: AccountId, ended: Limitation, now: float) -> float:
    row = db.execute(
        """
        DELETE FROM learned
        WHERE account_id = (SELECT id FROM account WHERE act = ?1)
            AND source_id = coalesce((SELECT id FROM account WHERE act = ?2), 0)
            AND what = ?3
        RETURNING since
        """,
        (account, ended.source, ended.what.value),
    ).fetchone()
    return elapsed(now if row is None else row[0], now)


@read
def largest_body(db: sqlite3.Connection, account: AccountId) -> int:
    """Return the size in bytes of the largest body that an account accepted; 0: none is known."""
    row = db.execute("SELECT largest_body FROM account WHERE act = ?", (account,)).fetchone()
    return 0 if row is None else row[0]
