"""Statements about pauses by the operator, which only `syncd resume` or their own time ends."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence

import msgspec

from syncd.ledger import accounts, history
from syncd.ledger.accounts import OPERATOR, Pause
from syncd.ledger.history import What
from syncd.ledger.statements import read, write
from syncd.model import AccountId


class OperatorPause(msgspec.Struct, frozen=True, kw_only=True):
    """A pause by the operator; times in unix seconds."""

    since: float
    until: float | None  # None: until it is resumed
    why: str | None
    user: str  # who paused it

    @property
    def sentence(self) -> str:
        """Who paused it, and why."""
        return f"by {self.user}" + (f": {self.why}" if self.why else "")


@read
def in_force(db: sqlite3.Connection, now: float) -> dict[AccountId, OperatorPause]:
    """Return the pauses that have not ended at `now`, in unix seconds."""
    rows = db.execute(
        """
        SELECT act, since, until, why, user
        FROM operator_pause JOIN account ON account.id = operator_pause.account_id
        WHERE until IS NULL OR until > ?
        """,
        (now,),
    )
    return {
        AccountId(account): OperatorPause(since=since, until=until, why=why, user=user)
        for account, since, until, why, user in rows
    }


@read
def effective(db: sqlite3.Connection, now: float) -> dict[AccountId, Pause]:
    """Return the pauses that have not ended at `now`, in unix seconds.

    Of several, it is a stop, or else the operator's.
    """
    found = {
        account: pause
        for account, pause in accounts.pauses()(db).items()
        if pause.until is None or pause.until > now
    }
    for account, pause in in_force(now)(db).items():
        if account not in found or found[account].until is not None:
            found[account] = Pause(
                kind=OPERATOR,
                why=pause.sentence,
                since=pause.since,
                until=pause.until,
                consecutive=1,
            )
    return found


@write
def begin(db: sqlite3.Connection, paused: Sequence[AccountId], pause: OperatorPause) -> None:
    """Pause accounts; a pause in force keeps its begin."""
    accounts.add(db, paused)
    db.executemany(
        """
        INSERT INTO operator_pause (account_id, since, until, why, user)
        SELECT id, ?2, ?3, ?4, ?5 FROM account WHERE act = ?1
        ON CONFLICT DO UPDATE SET
            since = iif(until IS NULL OR until > excluded.since, since, excluded.since),
            until = excluded.until,
            why = excluded.why,
            user = excluded.user
        """,
        [(account, pause.since, pause.until, pause.why, pause.user) for account in paused],
    )
    for account in paused:
        history.record_account(db, What.PAUSED, account, pause.user, pause.why)


@write
def end(
    db: sqlite3.Connection, paused: Sequence[AccountId], user: str | None = None
) -> list[AccountId]:
    """End the pauses of accounts; return those that were paused."""
    ended = []
    for account in paused:
        found = db.execute(
            """
            DELETE FROM operator_pause
            WHERE account_id = (SELECT id FROM account WHERE act = ?)
            """,
            (account,),
        )
        if found.rowcount:
            ended.append(account)
            history.record_account(db, What.RESUMED, account, user, None)
    return ended
