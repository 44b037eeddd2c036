"""Statements about directories, their inodes, and the mounts below a folder."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence

import msgspec

from syncd.ledger.stat_columns import from_root, signed, to_root, unsigned
from syncd.ledger.statements import read, write
from syncd.model import RootIdentity


class Renumbered(msgspec.Struct, frozen=True):
    """A directory with another inode than the recorded one, or with none recorded."""

    path: bytes
    inode: int
    same: bool  # a known file is unchanged in it: it is the directory from before


class Moved(msgspec.Struct, frozen=True):
    """A directory that another one replaced, and the path at which it seems to be now."""

    path: bytes
    inode: int
    to: bytes


def ensure_directory(db: sqlite3.Connection, folder_id: int, path: bytes) -> int:
    """Return the id of a directory; record it, and those above it, if it is new."""
    new: list[bytes] = []
    while (found := _id_of(db, folder_id, path)) is None and path:
        new.append(path)
        path = path.rpartition(b"/")[0]
    directory = _insert(db, folder_id, None, b"") if found is None else found
    for below in reversed(new):
        directory = _insert(db, folder_id, directory, below)
    return directory


def _insert(db: sqlite3.Connection, folder_id: int, parent: int | None, path: bytes) -> int:
    (directory,) = db.execute(
        "INSERT INTO directory (folder_id, parent_id, path) VALUES (?, ?, ?) RETURNING id",
        (folder_id, parent, path),
    ).fetchone()
    return int(directory)


def _id_of(db: sqlite3.Connection, folder_id: int, path: bytes) -> int | None:
    row = db.execute(
        "SELECT id FROM directory WHERE folder_id = ? AND path = ?", (folder_id, path)
    ).fetchone()
    return None if row is None else int(row[0])


@write
def note_renumbered(
    db: sqlite3.Connection, folder_id: int, scan: int, found: Sequence[Renumbered]
) -> None:
    """Note directories that a scan under way found with another inode.

    A directory that was found to be another one remains so: files that have been recorded in it
    since do not prove that it is the directory from before.
    """
    db.executemany(
        """
        UPDATE directory
        SET other_inode = ?3
        WHERE folder_id = ?1 AND path = ?2 AND inode IS NOT NULL
        """,
        [(folder_id, one.path, signed(one.inode)) for one in found if not one.same],
    )
    db.executemany(
        """
        INSERT OR REPLACE INTO renumbered (scan, path, inode, same)
        VALUES (
            ?2, ?3, ?4,
            ?5 AND NOT EXISTS (
                SELECT 1
                FROM directory
                WHERE folder_id = ?1 AND path = ?3 AND other_inode = ?4
            )
        )
        """,
        [(folder_id, scan, one.path, signed(one.inode), one.same) for one in found],
    )


@write
def record_same(db: sqlite3.Connection, folder_id: int, scan: int) -> None:
    """Record the inodes of directories that have none yet, or that are those from before."""
    _record(db, folder_id, scan, "renumbered.same OR directory.inode IS NULL")


@read
def is_recorded(db: sqlite3.Connection, inode: int) -> bool:
    """Return whether a directory had this inode: it may have been moved."""
    (found,) = db.execute(
        "SELECT EXISTS (SELECT 1 FROM directory WHERE inode = ?)", (signed(inode),)
    ).fetchone()
    return bool(found)


@read
def moved(db: sqlite3.Connection, folder_id: int, scan: int) -> list[Moved]:
    """Return the directories that a scan found replaced, and whose inode is at another path.

    An inode number can be given to a new directory. A known file is therefore unchanged in it, or
    below it, at the same relative path.
    """
    rows = db.execute(
        """
        SELECT directory.path, directory.inode, elsewhere.path
        FROM renumbered
        JOIN directory
            ON directory.folder_id = ?1 AND directory.path = renumbered.path
            AND directory.inode <> renumbered.inode
        JOIN directory AS elsewhere
            ON elsewhere.inode = directory.inode OR elsewhere.other_inode = directory.inode
        WHERE renumbered.scan = ?2 AND elsewhere.folder_id = ?1 AND elsewhere.id <> directory.id
            AND EXISTS (
                WITH RECURSIVE branch (id, path) AS (
                    SELECT directory.id, directory.path
                    UNION
                    SELECT below.id, below.path
                    FROM branch
                    JOIN directory AS below ON below.parent_id = branch.id
                )
                SELECT 1
                FROM branch
                JOIN directory AS now
                    ON now.folder_id = ?1 AND now.path = CAST(
                        elsewhere.path || substr(branch.path, length(directory.path) + 1) AS BLOB
                    )
                JOIN file AS known ON known.directory_id = branch.id
                JOIN file
                    ON file.directory_id = now.id AND file.name = known.name
                    AND file.device = known.device AND file.inode = known.inode
                    AND file.size = known.size AND file.mtime_ns = known.mtime_ns
                    AND file.ctime_ns = known.ctime_ns
            )
        """,
        (folder_id, scan),
    )
    return [Moved(path, unsigned(inode), to) for path, inode, to in rows]


@write
def record_moved(db: sqlite3.Connection, folder_id: int, scan: int, found: Sequence[Moved]) -> None:
    """Record the inodes of the directories that a scan found in place of these."""
    for one in found:
        _record(db, folder_id, scan, "directory.path = ?3", one.path)


@write
def record_replaced(db: sqlite3.Connection, folder_id: int, scan: int) -> None:
    """Record the inodes of all directories that a scan found with another one."""
    _record(db, folder_id, scan, "true")


def _record(
    db: sqlite3.Connection, folder_id: int, scan: int, condition: str, *values: bytes
) -> None:
    db.execute(
        f"""
        UPDATE directory
        SET inode = renumbered.inode, other_inode = NULL
        FROM renumbered
        WHERE renumbered.scan = ?1 AND directory.folder_id = ?2
            AND directory.path = renumbered.path AND ({condition})
        """,
        (scan, folder_id, *values),
    )


@write
def forget_renumbered(db: sqlite3.Connection, scan: int) -> None:
    """Forget what a scan noted, which has been recorded or proves nothing."""
    db.execute("DELETE FROM renumbered WHERE scan = ?", (scan,))


@read
def mounts(db: sqlite3.Connection, folder_id: int) -> dict[bytes, RootIdentity]:
    """Return the mounts below a folder at its last trusted whole scan, by their relative paths."""
    rows = db.execute(
        """
        SELECT path, device, inode, filesystem, born_ns
        FROM mount
        WHERE folder_id = ?
        """,
        (folder_id,),
    )
    return {path: to_root(*columns) for path, *columns in rows}


@write
def record_mounts(
    db: sqlite3.Connection, folder_id: int, found: Mapping[bytes, RootIdentity]
) -> None:
    """Record the mounts below a folder, by their relative paths."""
    db.execute("DELETE FROM mount WHERE folder_id = ?", (folder_id,))
    db.executemany(
        """
        INSERT INTO mount (folder_id, path, device, inode, filesystem, born_ns)
        VALUES (?, ?, ?, ?, ?, ?)
        """,
        [(folder_id, path, *from_root(root)) for path, root in found.items()],
    )
