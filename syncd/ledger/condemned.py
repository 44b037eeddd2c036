"""Statements about condemned images: nothing wants them any more, because files were deleted."""

from __future__ import annotations

import sqlite3

import msgspec

from syncd.ledger import alerts, misses
from syncd.ledger.statements import read, write
from syncd.model import FolderName, HoldAbove
from syncd.rules.evidence import is_too_many

_HELD_REPLICA = (
    "EXISTS (SELECT 1 FROM replica WHERE replica.account = condemned.account"
    " AND replica.digest = condemned.digest AND replica.hash IS NOT NULL)"
)


WANTED_REPLICA = (
    "EXISTS (SELECT 1 FROM replica WHERE replica.account = condemned.account"
    " AND replica.digest = condemned.digest AND replica.files > 0)"
)


OPEN = "a person has to decide"
APPROVED = "approved: they leave the accounts"
DISMISSED = "dismissed: they stay in the accounts for good"
NOTHING_LEFT = "nothing is left to decide"
"""How it stands with the deletions that are held in a folder, as their concern says it."""


class Gone(msgspec.Struct, frozen=True):
    """What a scan took out of the ledger: files, and images that nothing wants any more."""

    files: int
    condemned: int


class Pending(msgspec.Struct, frozen=True):
    """A folder's condemned images: how many wait, how many are held for a person already, and how
    many files the folder still has."""

    folder_id: int
    folder: str
    waiting: int
    held: int
    files: int


class Case(msgspec.Struct, frozen=True):
    """What waits for a person in one folder: images, of how many, since when (unix seconds)."""

    folder: str
    path: bytes
    device: int | None
    inode: int | None
    images: int
    files: int
    since: float
    believed_at: float | None
    names: list[bytes]


@write
def condemn_missed(db: sqlite3.Connection, scan: int, at: float) -> Gone:
    """Forget what a scan missed, and condemn the images of which that was the last file."""
    db.execute(
        f"{misses.BRANCHES} INSERT OR REPLACE INTO condemned"
        " (account, digest, folder_id, path, since)"
        " SELECT route.account, went.digest, folder.id, CASE directory.path WHEN x'' THEN"
        " went.name ELSE CAST(directory.path || '/' || went.name AS BLOB) END, ?2"
        " FROM (SELECT directory_id, name, digest FROM file WHERE missed_by = ?1"
        " UNION SELECT directory_id, name, digest FROM file WHERE directory_id IN branch)"
        " AS went JOIN directory ON directory.id = went.directory_id"
        " JOIN folder ON folder.id = directory.folder_id AND folder.deletions = 'propagate'"
        " JOIN route ON route.folder_id = folder.id WHERE went.digest IS NOT NULL",
        (scan, at),
    )
    files = misses.forget(scan)(db)
    db.execute(f"DELETE FROM condemned WHERE since = ? AND {WANTED_REPLICA}", (at,))
    (condemned,) = db.execute(
        "SELECT count(DISTINCT digest) FROM condemned WHERE since = ?", (at,)
    ).fetchone()
    return Gone(files, condemned)


@write
def withdraw(
    db: sqlite3.Connection,
) -> list[tuple[str, bytes]]:
    """Let be what files want again; answers each image's folder and file."""
    rows = db.execute(
        "SELECT DISTINCT folder.name, condemned.path FROM condemned"
        f" JOIN folder ON folder.id = folder_id WHERE {WANTED_REPLICA}"
    ).fetchall()
    if rows:
        db.execute(f"DELETE FROM condemned WHERE {WANTED_REPLICA}")
    return [(folder, path) for folder, path in rows]


@write
def let_unheld_be(db: sqlite3.Connection, before: float) -> None:
    """Drop what no account holds, once an upload that was under way must have ended."""
    db.execute(
        "DELETE FROM replica WHERE files = 0 AND hash IS NULL AND rejected IS NULL"
        " AND (account, digest) IN"
        " (SELECT account, digest FROM condemned WHERE since < ? AND hash IS NULL)",
        (before,),
    )
    db.execute(
        f"DELETE FROM condemned WHERE since < ? AND hash IS NULL AND NOT {_HELD_REPLICA}",
        (before,),
    )


@read
def pending(
    db: sqlite3.Connection,
) -> list[Pending]:
    """Return the folders that have condemned images which no person has seen to."""
    rows = db.execute(
        "SELECT folder_id, folder.name,"
        " count(DISTINCT CASE standing WHEN 'waits' THEN digest END),"
        " count(DISTINCT CASE standing WHEN 'held' THEN digest END),"
        " (SELECT count(*) FROM directory JOIN file ON file.directory_id = directory.id"
        " WHERE directory.folder_id = condemned.folder_id)"
        " FROM condemned JOIN folder ON folder.id = folder_id"
        f" WHERE standing <> 'approved' AND condemned.hash IS NULL AND {_HELD_REPLICA}"
        " GROUP BY folder_id"
    )
    return [Pending(*row) for row in rows]


@write
def hold(db: sqlite3.Connection, above: HoldAbove) -> list[Pending]:
    """Let what is condemned in a folder wait for a person, where that is too much at once.

    Answers what was pending before. What a scan condemns later is not due before the next pass.
    """
    found = pending()(db)
    for it in found:
        if it.held or is_too_many(it.waiting, it.files + it.waiting, above):
            db.execute(
                "UPDATE condemned SET standing = 'held' WHERE folder_id = ?"
                " AND standing = 'waits' AND hash IS NULL",
                (it.folder_id,),
            )
    db.execute("UPDATE folder SET passed_at = believed_at WHERE passed_at IS NOT believed_at")
    return found


@write
def let_unrouted_be(
    db: sqlite3.Connection,
) -> int:
    """Drop what the configuration no longer asks to delete; answers how many."""
    return db.execute(
        "DELETE FROM condemned WHERE hash IS NULL AND NOT EXISTS (SELECT 1 FROM folder"
        " JOIN route ON route.folder_id = folder.id WHERE folder.id = condemned.folder_id"
        " AND route.account = condemned.account AND folder.deletions = 'propagate')"
    ).rowcount


@write
def shift(db: sqlite3.Connection, seconds: float) -> None:
    """Move every condemnation by so much: the wall clock has jumped, and no time has passed."""
    db.execute("UPDATE condemned SET since = since + ?", (seconds,))


@read
def cases(db: sqlite3.Connection, names: int) -> list[Case]:
    """Return what waits for a person, with the first names of each."""
    rows = db.execute(
        "SELECT folder.id, folder.name, folder.path, folder.root_device, folder.root_inode,"
        " folder.believed_at, count(DISTINCT digest), min(since),"
        " (SELECT count(*) FROM directory JOIN file ON file.directory_id = directory.id"
        " WHERE directory.folder_id = folder.id)"
        " FROM condemned JOIN folder ON folder.id = folder_id WHERE standing = 'held'"
        " GROUP BY folder.id ORDER BY folder.name"
    ).fetchall()
    return [
        Case(folder, path, device, inode, images, files, since, at, _names(db, number, names))
        for number, folder, path, device, inode, at, images, since, files in rows
    ]


@read
def held_images(db: sqlite3.Connection, folder: str) -> int:
    """Count a folder's images whose deletion is held for a person."""
    (images,) = db.execute(
        "SELECT count(DISTINCT digest) FROM condemned WHERE standing = 'held'"
        " AND folder_id = (SELECT id FROM folder WHERE name = ?)",
        (folder,),
    ).fetchone()
    return int(images)


def _names(db: sqlite3.Connection, folder_id: int, limit: int) -> list[bytes]:
    rows = db.execute(
        "SELECT DISTINCT path FROM condemned WHERE folder_id = ? AND standing = 'held'"
        " ORDER BY path LIMIT ?",
        (folder_id, limit),
    )
    return [path for (path,) in rows]


@write
def approve(db: sqlite3.Connection, folder: FolderName) -> int:
    """Let a folder's held deletions go on; answers of how many images."""
    return _decide(db, folder, "UPDATE condemned SET standing = 'approved'", APPROVED)


@write
def dismiss(db: sqlite3.Connection, folder: FolderName) -> int:
    """Let the images of a folder's held deletions stay in the accounts; answers how many."""
    return _decide(db, folder, "DELETE FROM condemned", DISMISSED)


def _decide(db: sqlite3.Connection, folder: FolderName, verb: str, decided: str) -> int:
    where = " WHERE standing = 'held' AND folder_id = (SELECT id FROM folder WHERE name = ?)"
    (images,) = db.execute(
        f"SELECT count(DISTINCT digest) FROM condemned{where}", (folder,)
    ).fetchone()
    db.execute(f"{verb}{where}", (folder,))
    alerts.found("deletions.held", alerts.folder(folder), decided)(db)
    return int(images)
