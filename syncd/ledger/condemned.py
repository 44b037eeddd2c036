"""Statements about condemned images: deleting their files has left them wanted by no file.

A condemned image stays in its accounts until the reconcile pass deletes it there (`deletions`).
Until then it can be spared, or held for the operator's decision.
"""

from __future__ import annotations

import sqlite3

import msgspec

from syncd.ledger import alerts, files
from syncd.ledger.statements import as_structs, read, write
from syncd.model import FolderName, HoldAbove
from syncd.rules.evidence import is_too_many

_HELD_REPLICA = """EXISTS (
            SELECT 1
            FROM replica
            WHERE replica.account = condemned.account
                AND replica.digest = condemned.digest
                AND replica.hash IS NOT NULL
        )"""

WANTED_REPLICA = """EXISTS (
            SELECT 1
            FROM replica
            WHERE replica.account = condemned.account
                AND replica.digest = condemned.digest
                AND replica.files > 0
        )"""


OPEN = "waits for the operator's decision"
APPROVED = "approved: they leave the accounts"
DISMISSED = "dismissed: they stay in the accounts for good"
NOTHING_LEFT = "nothing is left to decide"
"""The states of the deletions that are held in a folder, as their incident gives them."""


class Forgotten(msgspec.Struct, frozen=True):
    """The numbers of files that a scan removed from the ledger, and of images it condemned."""

    files: int
    condemned: int


class PendingDeletions(msgspec.Struct, frozen=True, kw_only=True):
    """The numbers of a folder's condemned images, waiting and held, and of its remaining files."""

    folder_id: int
    folder: str
    waiting: int
    held: int
    files: int


class HeldDeletions(msgspec.Struct, frozen=True, kw_only=True):
    """The deletions in one folder that are held for the operator; times in unix seconds."""

    folder: str
    path: bytes
    device: int | None
    inode: int | None
    images: int
    files: int  # that remain in the folder
    since: float
    trusted_at: float | None
    names: list[bytes]  # the first of them, relative to the folder


@write
def condemn_missed(db: sqlite3.Connection, scan: int, at: float) -> Forgotten:
    """Forget the files that a scan missed, and condemn the images that lost their last file."""
    db.execute(
        f"""
        {files.BRANCHES}
        INSERT OR REPLACE INTO condemned (account, digest, folder_id, path, since)
        SELECT route.account, missed.digest, folder.id,
            CASE directory.path
                WHEN x'' THEN missed.name
                ELSE CAST(directory.path || '/' || missed.name AS BLOB)
            END,
            ?2
        FROM (
            SELECT directory_id, name, digest FROM file WHERE missed_by = ?1
            UNION
            SELECT directory_id, name, digest FROM file WHERE directory_id IN branch
        ) AS missed
        JOIN directory ON directory.id = missed.directory_id
        JOIN folder ON folder.id = directory.folder_id AND folder.deletions = 'propagate'
        JOIN route ON route.folder_id = folder.id
        WHERE missed.digest IS NOT NULL
        """,
        (scan, at),
    )
    forgotten = files.forget_missed(scan)(db)
    db.execute(f"DELETE FROM condemned WHERE since = ? AND {WANTED_REPLICA}", (at,))
    (condemned,) = db.execute(
        "SELECT count(DISTINCT digest) FROM condemned WHERE since = ?", (at,)
    ).fetchone()
    return Forgotten(forgotten, condemned)


@write
def spare_wanted(db: sqlite3.Connection) -> list[tuple[str, bytes]]:
    """Spare the images that a file wants again, and return the folder and file of each."""
    rows = db.execute(
        f"""
        SELECT DISTINCT folder.name, condemned.path
        FROM condemned
        JOIN folder ON folder.id = folder_id
        WHERE {WANTED_REPLICA}
        """
    ).fetchall()
    if rows:
        db.execute(f"DELETE FROM condemned WHERE {WANTED_REPLICA}")
    return [(folder, path) for folder, path in rows]


@write
def spare_unrouted(db: sqlite3.Connection) -> int:
    """Spare the images that the configuration no longer deletes, and return their number."""
    return db.execute(
        """
        DELETE FROM condemned
        WHERE hash IS NULL
            AND NOT EXISTS (
                SELECT 1
                FROM folder
                JOIN route ON route.folder_id = folder.id
                WHERE folder.id = condemned.folder_id
                    AND route.account = condemned.account
                    AND folder.deletions = 'propagate'
            )
        """
    ).rowcount


@write
def drop_unheld(db: sqlite3.Connection, before: float) -> None:
    """Forget the images that were condemned before a time and that no account holds.

    By then an upload that was under way when the image was condemned must have ended.
    """
    db.execute(
        """
        DELETE FROM replica
        WHERE files = 0 AND hash IS NULL AND rejected IS NULL
            AND (account, digest) IN (
                SELECT account, digest FROM condemned WHERE since < ? AND hash IS NULL
            )
        """,
        (before,),
    )
    db.execute(
        f"DELETE FROM condemned WHERE since < ? AND hash IS NULL AND NOT {_HELD_REPLICA}",
        (before,),
    )


@read
def pending(db: sqlite3.Connection) -> list[PendingDeletions]:
    """Return the folders with condemned images that the operator has not approved."""
    rows = db.execute(
        f"""
        SELECT folder_id, folder.name AS folder,
            count(DISTINCT CASE standing WHEN 'waits' THEN digest END) AS waiting,
            count(DISTINCT CASE standing WHEN 'held' THEN digest END) AS held,
            (
                SELECT count(*)
                FROM directory
                JOIN file ON file.directory_id = directory.id
                WHERE directory.folder_id = condemned.folder_id
            ) AS files
        FROM condemned
        JOIN folder ON folder.id = folder_id
        WHERE standing <> 'approved' AND condemned.hash IS NULL AND {_HELD_REPLICA}
        GROUP BY folder_id
        """
    )
    return as_structs(rows, PendingDeletions)


@write
def hold_excess(db: sqlite3.Connection, above: HoldAbove) -> list[PendingDeletions]:
    """Hold a folder's condemned images for the operator where they exceed the limit.

    Returns the folders as they were before. An image that is condemned later is not due before the
    next pass.
    """
    found = pending()(db)
    for folder in found:
        if folder.held or is_too_many(folder.waiting, folder.files + folder.waiting, above):
            db.execute(
                """
                UPDATE condemned
                SET standing = 'held'
                WHERE folder_id = ? AND standing = 'waits' AND hash IS NULL
                """,
                (folder.folder_id,),
            )
    db.execute("UPDATE folder SET passed_at = believed_at WHERE passed_at IS NOT believed_at")
    return found


@write
def shift_times(db: sqlite3.Connection, seconds: float) -> None:
    """Move the times of all condemned images after the wall clock jumped by `seconds`."""
    db.execute("UPDATE condemned SET since = since + ?", (seconds,))


@read
def held_deletions(db: sqlite3.Connection, names: int) -> list[HeldDeletions]:
    """Return the deletions that are held for the operator, each with its first `names` files."""
    rows = db.execute(
        """
        SELECT folder.id, folder.name, folder.path, folder.root_device, folder.root_inode,
            folder.believed_at, count(DISTINCT digest), min(since),
            (
                SELECT count(*)
                FROM directory
                JOIN file ON file.directory_id = directory.id
                WHERE directory.folder_id = folder.id
            )
        FROM condemned
        JOIN folder ON folder.id = folder_id
        WHERE standing = 'held'
        GROUP BY folder.id
        ORDER BY folder.name
        """
    ).fetchall()
    return [
        HeldDeletions(
            folder=folder,
            path=path,
            device=device,
            inode=inode,
            images=images,
            files=remaining,
            since=since,
            trusted_at=trusted_at,
            names=_names(db, folder_id, names),
        )
        for folder_id, folder, path, device, inode, trusted_at, images, since, remaining in rows
    ]


@read
def count_held(db: sqlite3.Connection, folder: str) -> int:
    """Count the images of a folder whose deletion is held for the operator."""
    (images,) = db.execute(
        """
        SELECT count(DISTINCT digest)
        FROM condemned
        WHERE standing = 'held' AND folder_id = (SELECT id FROM folder WHERE name = ?)
        """,
        (folder,),
    ).fetchone()
    return int(images)


def _names(db: sqlite3.Connection, folder_id: int, limit: int) -> list[bytes]:
    rows = db.execute(
        """
        SELECT DISTINCT path
        FROM condemned
        WHERE folder_id = ? AND standing = 'held'
        ORDER BY path
        LIMIT ?
        """,
        (folder_id, limit),
    )
    return [path for (path,) in rows]


@write
def approve(db: sqlite3.Connection, folder: FolderName) -> int:
    """Release the held deletions of a folder, and return the number of images."""
    images = count_held(folder)(db)
    db.execute(
        """
        UPDATE condemned
        SET standing = 'approved'
        WHERE standing = 'held' AND folder_id = (SELECT id FROM folder WHERE name = ?)
        """,
        (folder,),
    )
    alerts.update("deletions.held", alerts.folder_subject(folder), APPROVED)(db)
    return images


@write
def dismiss(db: sqlite3.Connection, folder: FolderName) -> int:
    """Spare the images whose deletion is held in a folder, and return their number."""
    images = count_held(folder)(db)
    db.execute(
        """
        DELETE FROM condemned
        WHERE standing = 'held' AND folder_id = (SELECT id FROM folder WHERE name = ?)
        """,
        (folder,),
    )
    alerts.update("deletions.held", alerts.folder_subject(folder), DISMISSED)(db)
    return images
