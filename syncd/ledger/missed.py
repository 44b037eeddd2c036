"""Statements about what a scan did not find.

A scan marks the files and directories that it does not find as missed. They are forgotten once the
scan is trusted, or unmarked if it is not.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence

import msgspec

from syncd.ledger import history
from syncd.ledger.kept import KeepReason, keep_condemned, keep_gone
from syncd.ledger.stat_columns import unsigned
from syncd.ledger.statements import as_structs, read, write
from syncd.ledger.wanted import open_touched, refresh

BEFORE = (-1, b"")
"""The key before that of every mark."""


class Mark(msgspec.Struct, frozen=True, kw_only=True):
    """A file that a scan missed or, without a name, a directory with all below it."""

    directory_id: int
    name: bytes
    path: bytes  # of the directory

    @property
    def place(self) -> tuple[bytes, bytes]:
        """The directory in which it was missed, and its name there."""
        if self.name:
            return self.path, self.name
        above, _, name = self.path.rpartition(b"/")
        return above, name


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
    """Mark files and sub-directories that a scan did not find; they are not forgotten yet.

    Each of two scans at once has its own marks: one may prove a deletion, and the other not.
    """
    db.executemany(
        """
        INSERT INTO missed (directory_id, name, scan)
        VALUES (?, ?, ?)
        ON CONFLICT DO NOTHING
        """,
        [(directory_id, name, scan) for name in names] + [(i, b"", scan) for i in directories],
    )


@write
def forget(db: sqlite3.Connection, scan: int, reason: KeepReason) -> int:
    """Forget what a trusted scan missed, keep its images, and return the number of files."""
    files = forget_rows(db, scan)
    history.record_gone(db, reason)
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


def unmark_found(db: sqlite3.Connection, names: Sequence[tuple[int, bytes]]) -> None:
    """Remove the marks of files that have been found, and of the directories above them.

    A running scan may have missed them before.
    """
    if db.execute("SELECT 1 FROM missed LIMIT 1").fetchone() is None:  # the usual case
        return
    db.executemany("DELETE FROM missed WHERE directory_id = ? AND name = ?", names)
    db.executemany(
        """
        WITH RECURSIVE above (id) AS (
            VALUES (?)
            UNION
            SELECT directory.parent_id
            FROM directory JOIN above USING (id)
            WHERE directory.parent_id IS NOT NULL
        )
        DELETE FROM missed
        WHERE name = x'' AND directory_id IN above
        """,
        [(directory_id,) for directory_id in {directory_id for directory_id, _ in names}],
    )


@read
def page(db: sqlite3.Connection, scan: int, after: tuple[int, bytes], limit: int) -> list[Mark]:
    """Return the next `limit` marks of a scan after the key of the last one; begin with BEFORE."""
    rows = db.execute(
        """
        SELECT missed.directory_id, missed.name, directory.path
        FROM missed
        CROSS JOIN directory ON directory.id = missed.directory_id
        WHERE missed.scan = ?1 AND (missed.directory_id, missed.name) > (?2, ?3)
        ORDER BY missed.directory_id, missed.name
        LIMIT ?4
        """,
        (scan, *after, limit),
    )
    return as_structs(rows, Mark)


@read
def inodes(db: sqlite3.Connection, marks: Sequence[Mark]) -> dict[bytes, int]:
    """Return the recorded inodes of the directories on the way to these marks, by their paths."""
    found: dict[int, tuple[bytes, int | None]] = {}
    for start in {mark.directory_id for mark in marks}:
        directory_id: int | None = start
        while directory_id is not None and directory_id not in found:
            parent_id, path, inode = db.execute(
                "SELECT parent_id, path, inode FROM directory WHERE id = ?", (directory_id,)
            ).fetchone()
            found[directory_id] = (path, inode)
            directory_id = parent_id
    return {path: unsigned(inode) for path, inode in found.values() if inode is not None}


@write
def drop(db: sqlite3.Connection, scan: int, marks: Sequence[Mark]) -> None:
    """Remove marks of a scan: these names were not deleted."""
    db.executemany(
        "DELETE FROM missed WHERE directory_id = ? AND name = ? AND scan = ?",
        [(mark.directory_id, mark.name, scan) for mark in marks],
    )


@write
def unmark(db: sqlite3.Connection, scan: int) -> None:
    """Remove the marks of a scan that met an error: what it missed proves nothing."""
    db.execute("DELETE FROM missed WHERE scan = ?", (scan,))


@write
def unmark_all(db: sqlite3.Connection) -> None:
    """Remove the marks of all scans: those of an earlier process never ended."""
    db.execute("DELETE FROM missed")
    db.execute("DELETE FROM renumbered")
