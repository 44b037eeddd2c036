"""Statements about folders: their routes to accounts, their scans, and whether they are trusted.

A whole scan makes a folder trusted. It becomes suspect when its root is another directory, or
looks like one: then nothing counts as deleted in it until a scan makes it trusted again.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence

import msgspec

from syncd.ledger.stat_columns import signed
from syncd.ledger.statements import as_structs, read, write
from syncd.model import AccountId, Copying, Deletions, FolderName, RootIdentity


class TrustedState(msgspec.Struct, frozen=True, kw_only=True):
    """A folder as it was when it was last trusted; None in each field when it never was."""

    device: int | None
    inode: int | None
    patterns: str | None
    files: int | None
    doubt: str | None  # why it is suspect now

    @property
    def is_empty(self) -> bool:
        """Whether the folder was never trusted, or is to be accepted as it is found."""
        return self.inode is None

    def is_root(self, root: RootIdentity) -> bool:
        """Return whether the folder's root was that directory."""
        return (self.device, self.inode) == (signed(root.device), signed(root.inode))


class SuspectFolder(msgspec.Struct, frozen=True, kw_only=True):
    """A folder in which nothing counts as deleted, and why; `since` in unix seconds."""

    folder: str
    path: bytes
    why: str
    since: float
    files: int | None  # when it was last trusted


@write
def declare(
    db: sqlite3.Connection,
    name: FolderName,
    path: bytes,
    accounts: Sequence[AccountId],
    deletions: Deletions = Deletions.KEEP,
    copying: Copying = Copying.AUTO,
) -> int:
    """Record a folder and its routes as the configuration has them, and return the folder's id.

    The first of the accounts is the folder's own; the others are its mirrors in their order.
    """
    (folder_id,) = db.execute(
        """
        INSERT INTO folder (name, path, deletions, copying)
        VALUES (?, ?, ?, ?)
        ON CONFLICT (name) DO UPDATE SET
            path = excluded.path,
            deletions = excluded.deletions,
            copying = excluded.copying
        RETURNING id
        """,
        (name, path, deletions.value, copying.value),
    ).fetchone()
    known = routes(name)(db)
    db.executemany(
        "DELETE FROM route WHERE folder_id = ? AND account = ?",
        [(folder_id, account) for account in known.difference(accounts)],
    )
    db.executemany(
        """
        INSERT INTO route (folder_id, account, place)
        VALUES (?, ?, ?)
        ON CONFLICT (folder_id, account) DO UPDATE SET place = excluded.place
        """,
        [(folder_id, account, place) for place, account in enumerate(accounts)],
    )
    return int(folder_id)


@read
def routes(db: sqlite3.Connection, name: FolderName) -> set[AccountId]:
    """Return the accounts that a folder feeds so far; none for an unknown folder."""
    rows = db.execute(
        """
        SELECT account
        FROM route
        JOIN folder ON folder.id = route.folder_id
        WHERE name = ?
        """,
        (name,),
    )
    return {AccountId(account) for (account,) in rows}


@write
def retire_others(db: sqlite3.Connection, names: Sequence[FolderName]) -> list[str]:
    """Remove the routes of all folders but these, and return the names of those that had any."""
    rows = db.execute(
        """
        SELECT id, name
        FROM folder
        WHERE EXISTS (SELECT 1 FROM route WHERE route.folder_id = folder.id)
        """
    ).fetchall()
    retired = [(folder_id, name) for folder_id, name in rows if name not in names]
    db.executemany("DELETE FROM route WHERE folder_id = ?", [(i,) for i, _ in retired])
    return [name for _, name in retired]


@write
def record_scanned(db: sqlite3.Connection, folder_id: int, at: float) -> None:
    """Record when a whole scan of a folder ended without an error, in unix seconds."""
    db.execute("UPDATE folder SET scanned_at = ?, trouble = NULL WHERE id = ?", (at, folder_id))


@write
def record_trouble(db: sqlite3.Connection, folder_id: int, why: str) -> None:
    """Record why a folder, or a part of it, cannot be read."""
    db.execute("UPDATE folder SET trouble = ? WHERE id = ?", (why, folder_id))


@read
def trusted_state(db: sqlite3.Connection, folder_id: int) -> TrustedState:
    """Return a folder as it was when it was last trusted."""
    rows = db.execute(
        """
        SELECT root_device AS device, root_inode AS inode, patterns, believed_files AS files,
            doubt
        FROM folder
        WHERE id = ?
        """,
        (folder_id,),
    )
    (state,) = as_structs(rows, TrustedState)
    return state


@write
def trust(
    db: sqlite3.Connection,
    folder_id: int,
    root: RootIdentity,
    patterns: str,
    files: int,
    began: float,
) -> float | None:
    """Record a folder as trusted, as a whole scan that began then has found it.

    Returns since when it was suspect, in unix seconds; None: it was not.
    """
    since: float | None
    (since,) = db.execute("SELECT doubt_since FROM folder WHERE id = ?", (folder_id,)).fetchone()
    db.execute(
        """
        UPDATE folder
        SET root_device = ?, root_inode = ?, patterns = ?, believed_files = ?, believed_at = ?,
            doubt = NULL, doubt_since = NULL
        WHERE id = ?
        """,
        (signed(root.device), signed(root.inode), patterns, files, began, folder_id),
    )
    return since


@write
def suspect(db: sqlite3.Connection, folder_id: int, why: str, at: float) -> int:
    """Record that a folder is suspect, and spare its images that no whole scan has confirmed.

    Returns the number of condemned replicas that were spared.
    """
    db.execute(
        """
        UPDATE folder
        SET doubt = ?, doubt_since = coalesce(doubt_since, ?)
        WHERE id = ?
        """,
        (why, at, folder_id),
    )
    return db.execute(
        """
        DELETE FROM condemned
        WHERE folder_id = ?1 AND hash IS NULL
            AND since > coalesce((SELECT believed_at FROM folder WHERE id = ?1), 0)
        """,
        (folder_id,),
    ).rowcount


@write
def accept(db: sqlite3.Connection, name: FolderName) -> bool:
    """Let the next whole scan make a suspect folder trusted; return whether it was suspect."""
    accepted = db.execute(
        """
        UPDATE folder
        SET root_device = NULL, root_inode = NULL
        WHERE name = ? AND doubt IS NOT NULL
        """,
        (name,),
    )
    return accepted.rowcount > 0


@read
def suspects(db: sqlite3.Connection) -> list[SuspectFolder]:
    """Return every suspect folder that has a route."""
    rows = db.execute(
        """
        SELECT name AS folder, path, doubt AS why, doubt_since AS since, believed_files AS files
        FROM folder
        WHERE doubt IS NOT NULL
            AND EXISTS (SELECT 1 FROM route WHERE route.folder_id = folder.id)
        ORDER BY name
        """
    )
    return as_structs(rows, SuspectFolder)
