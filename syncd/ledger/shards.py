"""Statements about the shard that the ledger was last used as."""

from __future__ import annotations

import sqlite3

from syncd.config.shard import Shard, parse
from syncd.ledger.statements import read, write


@read
def last(db: sqlite3.Connection) -> Shard | None:
    """Return the shard of the last start; None if it had all accounts, or before the first."""
    (name,) = db.execute("SELECT name FROM shard").fetchone()
    return None if name is None else parse(name)


@write
def record(db: sqlite3.Connection, shard: Shard | None) -> None:
    """Record the shard of this start."""
    db.execute("UPDATE shard SET name = ?", (None if shard is None else str(shard),))
