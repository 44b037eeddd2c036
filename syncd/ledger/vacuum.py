"""Gives back the room of what a ledger has forgotten, also while a daemon works on it."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator

from syncd.ledger.errors import LedgerError
from syncd.ledger.integrity import EACH_ACCOUNT
from syncd.ledger.statements import write

PARTS = 256
"""Changes in which images are dropped, so that each is short: by the first byte of a digest."""

BESIDE = 1.0
"""Seconds in which a vacuum must have read all beside a daemon: to write it takes over twice as
long again and cannot be interrupted, and the daemon's own writes wait for ten at most."""

_STEPS = 10_000  # of SQLite's machine, a millisecond or so, from one look at the clock to the next


class NotNow(LedgerError):
    """A daemon works on the ledger, and could not be kept waiting for so long."""


@write
def drop_unnamed(db: sqlite3.Connection, part: int) -> int:
    """Forget what was known of images that no file, replica or condemned image names any more.

    Answers how many. A file that brings one back is read, and brings this back too.
    """
    begin, end = bytes([part]), bytes([part + 1]) if part + 1 < PARTS else b"\xff" * 33
    db.execute(_UNNAMED, (begin, end))
    (dropped,) = db.execute("SELECT changes()").fetchone()
    return int(dropped)


def drop_all_unnamed(db: sqlite3.Connection) -> Iterator[int]:
    """Drop them part by part, each in a transaction of its own."""
    for part in range(PARTS):
        db.execute("BEGIN IMMEDIATE")
        dropped = drop_unnamed(part)(db)
        db.execute("COMMIT")
        yield dropped


def vacuum(db: sqlite3.Connection) -> None:
    """Write the ledger anew without its gaps. Nobody else works on it: this takes its time."""
    db.execute("VACUUM")
    db.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def vacuum_beside(db: sqlite3.Connection) -> None:
    """Do the same while a daemon works, or nothing at all: raises NotNow where it takes long."""
    until = time.monotonic() + BESIDE
    db.set_progress_handler(lambda: time.monotonic() > until, _STEPS)
    try:
        db.execute("VACUUM")
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode & 0xFF not in {sqlite3.SQLITE_INTERRUPT, sqlite3.SQLITE_BUSY}:
            raise
        raise NotNow(
            "nothing was vacuumed: it would keep the running daemon waiting for too long;"
            " stop that first"
        ) from None
    finally:
        db.set_progress_handler(None, 0)
    # The first keeps nobody waiting; the second, which empties the WAL, then has little to do.
    db.execute("PRAGMA wal_checkpoint(PASSIVE)")
    db.execute("PRAGMA busy_timeout = 1000")
    db.execute("PRAGMA wal_checkpoint(TRUNCATE)")


_UNNAMED = (
    f"{EACH_ACCOUNT} DELETE FROM image WHERE digest >= ?1 AND digest < ?2"
    " AND NOT EXISTS (SELECT 1 FROM file WHERE file.digest = image.digest)"
    " AND NOT EXISTS (SELECT 1 FROM each_account CROSS JOIN replica"
    " ON replica.account = each_account.account AND replica.digest = image.digest)"
    " AND digest NOT IN (SELECT digest FROM condemned)"
)
