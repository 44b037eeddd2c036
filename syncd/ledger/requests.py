"""Statements about requests: what a command has changed and a running daemon has to act on.

A command that only calls the API records its calls and pauses, and requests nothing.
"""

from __future__ import annotations

import sqlite3

from syncd.ledger.statements import read, write


@read
def count(db: sqlite3.Connection) -> int:
    """Return the number of requests so far."""
    (number,) = db.execute("SELECT count FROM request").fetchone()
    return int(number)


@write
def add(db: sqlite3.Connection) -> None:
    """Request that a running daemon looks at the ledger again."""
    db.execute("UPDATE request SET count = count + 1")
