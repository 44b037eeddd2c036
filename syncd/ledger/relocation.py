"""Statements about a folder whose name or path has changed in the configuration.

The directory decides: a folder keeps its files and its pending deletions under another name, and
below or above its former path. Its root is then a directory that was never trusted: the next whole
scan is trusted as it is.
"""

from __future__ import annotations

import sqlite3

from syncd.ledger import missed
from syncd.ledger.directories import ensure_directory
from syncd.ledger.kept import KeepReason, keep_condemned
from syncd.model import FolderName

_TABLES = ("deletion", "kept", "history")
"""The tables with paths relative to a folder."""

_NO_SCAN = -1
"""The scan of marks that no scan has made."""


def recognize(db: sqlite3.Connection, name: FolderName, path: bytes) -> None:
    """Give a known folder its new name, or a path above or below its former one."""
    own = db.execute("SELECT id, path FROM folder WHERE name = ?", (name,)).fetchone()
    at_path = db.execute(
        """
        SELECT id, name, EXISTS (SELECT 1 FROM route WHERE route.folder_id = folder.id) AS has_route
        FROM folder
        WHERE path = ?1 AND (?2 OR has_route)
        ORDER BY has_route DESC, id DESC
        LIMIT 1
        """,
        (path, own is None),
    ).fetchone()
    if at_path is not None and at_path[1] != name:
        _rename(db, at_path[:2], own, name)
    elif own is not None:
        folder_id, before = own
        if prefix := _below(path, before):
            _widen(db, folder_id, prefix)
        elif prefix := _below(before, path):
            _narrow(db, folder_id, prefix)


def _below(above: bytes, path: bytes) -> bytes:
    """Return the path relative to one above it; empty if it is not below it."""
    above = above.rstrip(b"/") + b"/"
    return path.removeprefix(above) if path.startswith(above) else b""


def _rename(
    db: sqlite3.Connection,
    found: tuple[int, str],
    own: tuple[int, bytes] | None,
    name: FolderName,
) -> None:
    """Give a folder the name; the one that had it until now gets the former name."""
    folder_id, former = found
    # Until then it has a name that no configuration can have.
    db.execute("UPDATE folder SET name = '' WHERE id = ?", (folder_id,))
    if own is not None:
        db.execute("UPDATE folder SET name = ? WHERE id = ?", (former, own[0]))
    db.execute("UPDATE folder SET name = ? WHERE id = ?", (name, folder_id))


def _widen(db: sqlite3.Connection, folder_id: int, prefix: bytes) -> None:
    """Put a folder's directories and images below the path `prefix` in it."""
    _move(db, folder_id, prefix, "?2 || iif(path = x'', '', '/' || path)")
    parent = ensure_directory(db, folder_id, prefix.rpartition(b"/")[0])
    db.execute(
        "UPDATE directory SET parent_id = ? WHERE folder_id = ? AND path = ?",
        (parent, folder_id, prefix),
    )
    for table in _TABLES:
        db.execute(
            f"UPDATE {table} SET path = CAST(?2 || '/' || path AS BLOB) WHERE folder_id = ?1",
            (folder_id, prefix),
        )
    _distrust(db, folder_id)


def _narrow(db: sqlite3.Connection, folder_id: int, prefix: bytes) -> None:
    """Make the directory at the path `prefix` of a folder its root, and keep the other images."""
    parts = prefix.split(b"/")
    above = [b"/".join(parts[:depth]) for depth in range(len(parts))]
    for path, way in zip(above, [*above[1:], prefix], strict=True):
        db.execute(
            """
            INSERT OR REPLACE INTO missed (directory_id, name, scan)
            SELECT directory.id, file.name, ?4
            FROM directory
            JOIN file ON file.directory_id = directory.id
            WHERE directory.folder_id = ?1 AND directory.path = ?2
            UNION
            SELECT other.id, x'', ?4
            FROM directory
            JOIN directory AS other ON other.parent_id = directory.id
            WHERE directory.folder_id = ?1 AND directory.path = ?2 AND other.path <> ?3
            """,
            (folder_id, path, way, _NO_SCAN),
        )
    missed.forget(_NO_SCAN, KeepReason.EXCLUDED)(db)
    inside = "substr(path, 1, length(?2) + 1) = CAST(?2 || '/' AS BLOB)"
    keep_condemned(
        db,
        f"folder_id = ?1 AND state <> 'requested' AND NOT {inside}",
        f"'{KeepReason.EXCLUDED}'",
        (folder_id, prefix),
    )
    db.execute(
        "UPDATE directory SET parent_id = NULL WHERE folder_id = ? AND path = ?",
        (folder_id, prefix),
    )
    for path in reversed(above):
        db.execute("DELETE FROM directory WHERE folder_id = ? AND path = ?", (folder_id, path))
    for table in _TABLES:
        db.execute(
            f"""
            UPDATE {table}
            SET path = substr(path, length(?2) + 2)
            WHERE folder_id = ?1 AND {inside}
            """,
            (folder_id, prefix),
        )
    _move(db, folder_id, prefix, "substr(path, length(?2) + 2)")
    _distrust(db, folder_id)


def _move(db: sqlite3.Connection, folder_id: int, prefix: bytes, path: str) -> None:
    """Give each directory of a folder the path of an SQL expression, in which ?2 is `prefix`."""
    # The first of the two steps ends with paths that no directory has.
    db.execute(
        f"UPDATE directory SET path = CAST('/' || {path} AS BLOB) WHERE folder_id = ?1",
        (folder_id, prefix),
    )
    db.execute("UPDATE directory SET path = substr(path, 2) WHERE folder_id = ?", (folder_id,))


def _distrust(db: sqlite3.Connection, folder_id: int) -> None:
    """Let the next whole scan be trusted as it is."""
    db.execute("UPDATE baseline SET device = NULL, inode = NULL WHERE folder_id = ?", (folder_id,))
