"""Statements about what a scan did not find.

A scan marks the files and directories that it does not find as missed. They are forgotten once the
scan is trusted, or unmarked if it is not.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence

from syncd.ledger.kept import KeepReason, keep_condemned, keep_gone
from syncd.ledger.stat_columns import signed
from syncd.ledger.statements import read, write
from syncd.ledger.wanted import open_touched, refresh

_BRANCH = """WITH RECURSIVE branch (id) AS (
            SELECT directory_id FROM missed WHERE scan = ?1 AND name = x''
            UNION
            SELECT directory.id FROM directory JOIN branch ON directory.parent_id = branch.id
        )"""
"""The directories that the scan ?1 has missed, with all that are below them."""

_MISSED_FILES = """SELECT file.directory_id, file.name, file.device, file.image_id
        FROM missed CROSS JOIN file USING (directory_id, name)
        WHERE missed.scan = ?1
        UNION
        SELECT file.directory_id, file.name, file.device, file.image_id
        FROM branch CROSS JOIN file ON file.directory_id = branch.id"""
"""The files that the scan ?1 has missed, with those below missed directories."""


@write
def mark(
    db: sqlite3.Connection,
    scan: int,
    directory_id: int,
    names: Sequence[bytes],
    directories: Sequence[int],
) -> None:
    """Mark files and sub-directories that a scan did not find; they are not forgotten yet."""
    db.executemany(
        """
        INSERT INTO missed (directory_id, name, scan)
        VALUES (?, ?, ?)
        ON CONFLICT DO UPDATE SET scan = excluded.scan
        """,
        [(directory_id, name, scan) for name in names] + [(i, b"", scan) for i in directories],
    )


@write
def forget(db: sqlite3.Connection, scan: int, reason: KeepReason) -> int:
    """Forget what a trusted scan missed, keep its images, and return the number of files."""
    files = forget_rows(db, scan)
    keep_gone(db, reason)
    # Also what these files contained before they were rewritten.
    rewritten = "state <> 'requested' AND (folder_id, path) IN (SELECT folder_id, path FROM gone)"
    keep_condemned(db, rewritten, "?", (reason,))
    return files


def forget_rows(db: sqlite3.Connection, scan: int) -> int:
    """Forget what a scan missed, and return the number of files.

    They remain in the temporary table `gone` until the next call.
    """
    db.execute(
        """
        CREATE TEMP TABLE IF NOT EXISTS gone (
            directory_id INTEGER, name BLOB, image_id INTEGER, folder_id INTEGER, path BLOB
        )
        """
    )
    db.execute("DELETE FROM gone")
    db.execute(
        f"""
        {_BRANCH}
        INSERT INTO gone (directory_id, name, image_id, folder_id, path)
        SELECT directory.id, missed_file.name, missed_file.image_id, directory.folder_id,
            CASE directory.path
                WHEN x'' THEN missed_file.name
                ELSE CAST(directory.path || '/' || missed_file.name AS BLOB)
            END
        FROM ({_MISSED_FILES}) AS missed_file
        JOIN directory ON directory.id = missed_file.directory_id
        """,
        (scan,),
    )
    db.execute(
        "DELETE FROM file WHERE (directory_id, name) IN (SELECT directory_id, name FROM gone)"
    )
    db.execute(
        f"{_BRANCH} DELETE FROM missed WHERE directory_id IN branch AND name <> x''", (scan,)
    )
    db.execute(f"{_BRANCH} DELETE FROM directory WHERE id IN branch", (scan,))
    db.execute("DELETE FROM missed WHERE scan = ?", (scan,))
    open_touched(db)
    db.execute("INSERT OR IGNORE INTO touched SELECT image_id FROM gone WHERE image_id IS NOT NULL")
    refresh(db)
    (files,) = db.execute("SELECT count(*) FROM gone").fetchone()
    return int(files)


@read
def has_lost_device(db: sqlite3.Connection, scan: int, folder_id: int, device: int) -> bool:
    """Return whether a scan missed every file of a file system other than the root's, `device`."""
    row = db.execute(
        f"""
        {_BRANCH}, missed_file AS ({_MISSED_FILES})
        SELECT 1
        FROM (SELECT DISTINCT device FROM missed_file WHERE device <> ?3) AS other
        WHERE NOT EXISTS (
            SELECT 1
            FROM directory
            JOIN file ON file.directory_id = directory.id
            WHERE directory.folder_id = ?2
                AND file.device = other.device
                AND directory.id NOT IN branch
                AND NOT EXISTS (
                    SELECT 1
                    FROM missed
                    WHERE missed.directory_id = file.directory_id
                        AND missed.name = file.name AND missed.scan = ?1
                )
        )
        """,
        (scan, folder_id, signed(device)),
    ).fetchone()
    return row is not None


@write
def unmark(db: sqlite3.Connection, scan: int) -> None:
    """Remove the marks of a scan that met an error: what it missed proves nothing."""
    db.execute("DELETE FROM missed WHERE scan = ?", (scan,))


@write
def unmark_all(db: sqlite3.Connection) -> None:
    """Remove the marks of all scans: those of an earlier process never ended."""
    db.execute("DELETE FROM missed")
