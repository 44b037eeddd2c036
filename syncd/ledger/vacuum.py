"""Vacuuming the ledger, also while a daemon works on it."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator

from syncd.ledger.errors import LedgerError
from syncd.ledger.integrity import IMAGES_PER_READ, parts
from syncd.ledger.statements import read, write

ONLINE_LIMIT = 1.0
"""Seconds within which a vacuum next to a daemon must have read the ledger. Writing it takes more
than twice as long again and cannot be interrupted, and the daemon's writes wait at most 10 s."""

_STEPS = 10_000  # instructions of SQLite's virtual machine, about 1 ms, between two clock checks


class VacuumAbortedError(LedgerError):
    """Vacuuming was aborted, because it would have blocked the running daemon for too long."""


@write
def drop_unreferenced(db: sqlite3.Connection, first: int) -> int:
    """Forget the images that no other row refers to; return their number.

    It looks at the images of one part of the ids, from `first` on. The history refers to them, too.
    A file that contains such an image again is read again, which records the image again.
    """
    return db.execute(
        """
        DELETE FROM image
        WHERE id >= ?1 AND id < ?2
            AND NOT EXISTS (SELECT 1 FROM file WHERE file.image_id = image.id)
            AND NOT EXISTS (SELECT 1 FROM replica WHERE replica.image_id = image.id)
            AND NOT EXISTS (SELECT 1 FROM history WHERE history.image_id = image.id)
            AND id NOT IN (SELECT image_id FROM deletion)
            AND id NOT IN (SELECT image_id FROM unanswered)
            AND id NOT IN (SELECT image_id FROM former_hash)
            AND id NOT IN (SELECT image_id FROM kept)
        """,
        (first, first + IMAGES_PER_READ),
    ).rowcount


def drop_all_unreferenced(db: sqlite3.Connection) -> Iterator[int]:
    """Run `drop_unreferenced` for each part in a transaction of its own."""
    for first in parts(db):
        db.execute("BEGIN IMMEDIATE")
        dropped = drop_unreferenced(first)(db)
        db.execute("COMMIT")
        yield dropped


@read
def file_size(db: sqlite3.Connection) -> int:
    """Return the bytes of a ledger, of which a part may still be in the WAL."""
    return int(
        db.execute(
            """
            SELECT page_count * page_size
            FROM pragma_page_count, pragma_page_size
            """
        ).fetchone()[0]
    )


def vacuum(db: sqlite3.Connection) -> None:
    """Rewrite the ledger without its free pages; no other process must work on it."""
    db.execute("VACUUM")
    db.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def vacuum_online(db: sqlite3.Connection, limit: float = ONLINE_LIMIT) -> None:
    """Rewrite the ledger while a daemon works on it, or leave it as it is.

    Raises VacuumAbortedError when reading the ledger takes more than `limit` seconds.
    """
    until = time.monotonic() + limit
    db.set_progress_handler(lambda: time.monotonic() > until, _STEPS)
    try:
        db.execute("VACUUM")
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode & 0xFF not in {sqlite3.SQLITE_INTERRUPT, sqlite3.SQLITE_BUSY}:
            raise
        raise VacuumAbortedError(
            "nothing was vacuumed, because that would block the running daemon for too long;"
            " stop the daemon, and try again"
        ) from None
    finally:
        db.set_progress_handler(None, 0)
    # The first blocks no writer. The second, which truncates the WAL, then has little to do.
    db.execute("PRAGMA wal_checkpoint(PASSIVE)")
    db.execute("PRAGMA busy_timeout = 1000")
    db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
