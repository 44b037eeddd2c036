"""Statements about a folder's root: which directory it was when a scan of it was last believed."""

from __future__ import annotations

import sqlite3

import msgspec

from syncd.ledger.stat_columns import signed
from syncd.ledger.statements import read, write
from syncd.model import FolderName, RootIdentity


class Believed(msgspec.Struct, frozen=True):
    """How a folder was when it was last believed; None when it never was."""

    device: int | None
    inode: int | None
    patterns: str | None
    files: int | None
    doubt: str | None  # what has spoken against it since

    @property
    def never(self) -> bool:
        """There is nothing to compare with."""
        return self.inode is None

    def was(self, root: RootIdentity) -> bool:
        """Tell whether it was that directory."""
        return (self.device, self.inode) == (signed(root.device), signed(root.inode))


class Doubted(msgspec.Struct, frozen=True):
    """A folder of which nothing is believed to be gone, and why; unix seconds."""

    folder: str
    path: bytes
    why: str
    since: float
    files: int | None  # that it had when it was believed


@read
def believed(db: sqlite3.Connection, folder_id: int) -> Believed:
    """Return how a folder was when it was last believed."""
    row = db.execute(
        "SELECT root_device, root_inode, patterns, believed_files, doubt FROM folder WHERE id = ?",
        (folder_id,),
    ).fetchone()
    return Believed(*row)


@write
def believe(
    db: sqlite3.Connection,
    folder_id: int,
    root: RootIdentity,
    patterns: str,
    files: int,
    began: float,
) -> float | None:
    """Take a folder for what a whole scan has seen that began then; every doubt is over.

    Answers since when there was one, in unix seconds.
    """
    since: float | None
    (since,) = db.execute("SELECT doubt_since FROM folder WHERE id = ?", (folder_id,)).fetchone()
    db.execute(
        "UPDATE folder SET root_device = ?, root_inode = ?, patterns = ?,"
        " believed_files = ?, believed_at = ?, doubt = NULL, doubt_since = NULL WHERE id = ?",
        (signed(root.device), signed(root.inode), patterns, files, began, folder_id),
    )
    return since


@write
def doubt(db: sqlite3.Connection, folder_id: int, why: str, at: float) -> int:
    """Note that a folder is not what it was, and let be what was condemned in it and is not
    confirmed by a whole scan; answers how many images in accounts that were."""
    db.execute(
        "UPDATE folder SET doubt = ?, doubt_since = coalesce(doubt_since, ?) WHERE id = ?",
        (why, at, folder_id),
    )
    return db.execute(
        "DELETE FROM condemned WHERE folder_id = ?1 AND hash IS NULL"
        " AND since > coalesce((SELECT believed_at FROM folder WHERE id = ?1), 0)",
        (folder_id,),
    ).rowcount


@write
def accept(db: sqlite3.Connection, name: FolderName) -> bool:
    """Let a doubted folder be taken as the next whole scan finds it; answers whether it was one."""
    accepted = db.execute(
        "UPDATE folder SET root_device = NULL, root_inode = NULL"
        " WHERE name = ? AND doubt IS NOT NULL",
        (name,),
    )
    return accepted.rowcount > 0


@read
def doubted(
    db: sqlite3.Connection,
) -> list[Doubted]:
    """Return every folder that is not believed and still has a route."""
    rows = db.execute(
        "SELECT name, path, doubt, doubt_since, believed_files FROM folder"
        " WHERE doubt IS NOT NULL AND EXISTS"
        " (SELECT 1 FROM route WHERE route.folder_id = folder.id) ORDER BY name"
    )
    return [Doubted(*row) for row in rows]
