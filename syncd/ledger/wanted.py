"""Which replicas are wanted: `replica.wanted` made what the view `wanted` says.

The view derives from the files on disk and the routes of their folders which image each account is
to hold. A statement that changes files or routes names the images that may be affected; `refresh`
then updates the replicas of exactly these images. It is idempotent, and its result depends on the
files and routes alone, so the replicas cannot drift away from them.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable

from syncd.ledger.kept import keep_former
from syncd.ledger.statements import write, write_rows

FILES_PER_STEP = 1000
"""Files of one step of `refresh_next`: up to 70 ms at a million replicas, for which other writes
wait (tests/bench, row `facts`)."""


def touch(db: sqlite3.Connection, image_ids: Iterable[int]) -> None:
    """Name images whose files or routes have changed, for the next `refresh`."""
    open_touched(db)
    write_rows(db, "INSERT OR IGNORE INTO touched VALUES {rows}", [(i,) for i in image_ids])


def open_touched(db: sqlite3.Connection) -> None:
    """Open the temporary table of image ids that `refresh` reads and empties."""
    db.execute("CREATE TEMP TABLE IF NOT EXISTS touched (image_id INTEGER PRIMARY KEY)")


def refresh(db: sqlite3.Connection, *, only_new: bool = False) -> None:
    """Make `replica.wanted` of the touched images what the view says.

    only_new: they were all recorded in this transaction, so that they have no replica yet.
    """
    db.execute(
        """
        INSERT INTO replica (account_id, image_id, wanted, wanted_at, rejected)
        SELECT DISTINCT account_id, image_id, 1, CAST(strftime('%s', 'now') AS INTEGER), unsupported
        FROM touched CROSS JOIN wanted USING (image_id)
        WHERE true
        ON CONFLICT DO UPDATE SET
            wanted = 1,
            wanted_at = excluded.wanted_at,
            delete_failed = 0,
            check_at = NULL
        WHERE wanted = 0
        """
    )
    if not only_new:
        _withdraw(db)
    db.execute("DELETE FROM touched")


def _withdraw(db: sqlite3.Connection) -> None:
    """Record which replicas of the touched images are no longer wanted, and which are again."""
    db.execute(
        """
        UPDATE replica
        SET wanted = 0
        WHERE wanted = 1
            AND image_id IN (SELECT image_id FROM touched)
            AND NOT EXISTS (
                SELECT 1
                FROM wanted AS needed
                WHERE needed.image_id = replica.image_id
                    AND needed.account_id = replica.account_id
            )
        """
    )
    # An image that was sent may become held although its last file is gone: its time is kept. So
    # is a DELETE that may yet have an effect, until `delete_calls.forget_absent`.
    db.execute(
        """
        DELETE FROM replica
        WHERE image_id IN (SELECT image_id FROM touched)
            AND wanted = 0 AND hash IS NULL AND rejected IS NULL AND sent_at IS NULL
            AND delete_sent_at IS NULL
        """
    )
    # At once: a file that returns and is lost again without proof must not leave a deletion due.
    db.execute(
        """
        UPDATE deletion
        SET state = 'withdrawn'
        WHERE state IN ('waiting', 'held', 'approved')
            AND image_id IN (SELECT image_id FROM touched)
            AND EXISTS (
                SELECT 1
                FROM replica
                WHERE replica.image_id = deletion.image_id
                    AND replica.account_id = deletion.account_id
                    AND replica.wanted = 1
            )
        """
    )


def request_refresh(db: sqlite3.Connection) -> None:
    """Let `refresh_next` begin with the first file, after a change of routes."""
    db.execute("DELETE FROM refresh")
    db.execute("INSERT INTO refresh (directory_id, name) VALUES (-1, x'')")


@write
def refresh_next(db: sqlite3.Connection, files: int = FILES_PER_STEP) -> bool:
    """Refresh the images of the next `files` files, and return whether there may be more.

    A crash loses nothing: the next process continues after the last step.
    """
    row = db.execute("SELECT directory_id, name FROM refresh").fetchone()
    if row is None:
        return False
    found = db.execute(
        """
        SELECT directory_id, name, image_id
        FROM file
        WHERE (directory_id, name) > (?, ?)
        ORDER BY directory_id, name
        LIMIT ?
        """,
        (*row, files),
    ).fetchall()
    touch(db, (image_id for _, _, image_id in found if image_id is not None))
    keep_former(db, ((directory_id, name) for directory_id, name, _ in found))
    refresh(db)
    if len(found) == files:
        db.execute("UPDATE refresh SET directory_id = ?, name = ?", found[-1][:2])
        return True
    db.execute("DELETE FROM refresh")
    db.execute("DELETE FROM former_route")
    return False
