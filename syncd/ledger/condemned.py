"""Statements about condemned images: deleting their files has left them wanted by no file.

A condemned image stays in its accounts until the reconcile pass deletes it there (`deletions`).
Until then it can be spared, or held for the operator's decision.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence

import msgspec

from syncd.ledger import alerts, history, missed
from syncd.ledger.history import What
from syncd.ledger.kept import keep_condemned, keep_gone, keep_replaced
from syncd.ledger.pending import PENDING
from syncd.ledger.replaced import HELD_REPLICA
from syncd.ledger.statements import as_structs, full_path, read, write
from syncd.model import FolderName, HoldAbove, Moment
from syncd.rules.evidence import is_too_many

_WANTED_REPLICA = """EXISTS (
            SELECT 1
            FROM replica
            WHERE replica.account_id = deletion.account_id
                AND replica.image_id = deletion.image_id
                AND replica.wanted = 1
        )"""

_CONDEMN = """
        INSERT INTO deletion (account_id, image_id, folder_id, path, directory_id, found_at,
            found_age)
        SELECT replica.account_id, replica.image_id, folder.id, lost.path, lost.directory_id,
            coalesce(:at, (julianday('now') - 2440587.5) * 86400.0), :age
        FROM ({lost}) AS lost
        JOIN folder ON folder.id = lost.folder_id AND folder.deletions = 'propagate'
        {trusted}
        JOIN route ON route.folder_id = folder.id
        JOIN replica
            ON replica.account_id = route.account_id AND replica.image_id = lost.image_id
        WHERE replica.wanted = 0 AND (replica.hash IS NOT NULL OR replica.sent_at IS NOT NULL)
            AND NOT EXISTS (
                SELECT 1
                FROM kept
                WHERE kept.image_id = replica.image_id AND kept.account_id = replica.account_id
            )
        ON CONFLICT DO UPDATE SET
            folder_id = excluded.folder_id,
            path = excluded.path,
            directory_id = excluded.directory_id,
            found_at = excluded.found_at,
            found_age = excluded.found_age,
            state = 'waiting',
            retry_at = 0,
            reason = NULL,
            skewed = 0,
            attempts = 0
        """
"""Condemns the images that have lost a file and that no file wants any longer."""

_REPLACED = """
            SELECT :image AS image_id, folder_id, id AS directory_id,
                CASE path WHEN x'' THEN :name ELSE CAST(path || '/' || :name AS BLOB) END AS path
            FROM directory
            WHERE id = :directory
        """

_TRUSTED = """JOIN baseline
            ON baseline.folder_id = folder.id
            AND baseline.inode IS NOT NULL AND baseline.suspect IS NULL"""


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
    """The numbers of a folder's condemned images by their state, and of its remaining files."""

    folder_id: int
    folder: str
    waiting: int
    held: int
    approved: int  # or deleted already, which is not confirmed yet
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
def condemn_missed(db: sqlite3.Connection, scan: int, found: Moment) -> Forgotten:
    """Forget the files that a scan missed, and condemn the images that lost their last file.

    `found` is when the deletion was found.
    """
    forgotten = missed.forget_rows(db, scan)
    history.record_gone(db, history.DELETED_FILE)
    keep_gone(db, None)
    db.execute(
        _CONDEMN.format(
            lost="SELECT image_id, folder_id, path, directory_id FROM gone", trusted=""
        ),
        {"at": found.at, "age": found.age},
    )
    (condemned,) = db.execute(
        "SELECT count(DISTINCT image_id) FROM deletion WHERE found_at = ?", (found.at,)
    ).fetchone()
    if condemned:
        history.record_deletions(db, What.CONDEMNED, "found_at = ?1", (found.at,))
    return Forgotten(forgotten, condemned)


def condemn_replaced(db: sqlite3.Connection, replaced: Sequence[tuple[int, int, bytes]]) -> None:
    """Condemn the images that rewritten files contained: (image id, directory id, file name).

    In a folder that is suspect, or was never trusted, they are kept.
    """
    keep_replaced(db, replaced)
    for image_id, directory_id, name in replaced:
        condemned = db.execute(
            _CONDEMN.format(lost=_REPLACED, trusted=_TRUSTED) + "RETURNING account_id, image_id",
            {"at": None, "age": None, "image": image_id, "directory": directory_id, "name": name},
        ).fetchall()
        for key in condemned:
            history.record_deletions(db, What.CONDEMNED, "account_id = ?1 AND image_id = ?2", key)


@write
def spare_wanted(db: sqlite3.Connection) -> list[tuple[str, bytes]]:
    """Spare the images that a file wants again, and return the folder and whole path of each."""
    spared = f"deletion.state = 'withdrawn' OR deletion.state = 'requested' AND {_WANTED_REPLICA}"
    rows = db.execute(
        f"""
        SELECT DISTINCT folder.name, {full_path("deletion.path")}
        FROM deletion
        JOIN folder ON folder.id = deletion.folder_id
        WHERE {spared}
        """
    ).fetchall()
    if rows:
        history.record_deletions(db, What.WITHDRAWN, spared)
        db.execute(f"DELETE FROM deletion WHERE {spared}")
    return [(folder, file) for folder, file in rows]


@write
def spare_unrouted(db: sqlite3.Connection) -> int:
    """Keep the images that the configuration no longer deletes, and return their number."""
    return keep_condemned(
        db,
        """state <> 'requested'
            AND NOT EXISTS (
                SELECT 1
                FROM folder
                JOIN route ON route.folder_id = folder.id
                WHERE folder.id = deletion.folder_id
                    AND route.account_id = deletion.account_id
                    AND folder.deletions = 'propagate'
            )""",
        """CASE
            WHEN EXISTS (
                SELECT 1
                FROM route
                WHERE route.folder_id = deletion.folder_id
                    AND route.account_id = deletion.account_id
            )
            THEN 'keep'
            WHEN EXISTS (SELECT 1 FROM route WHERE route.folder_id = deletion.folder_id)
            THEN 'mirror'
            ELSE 'retired'
        END""",
    )


@write
def drop_unheld(db: sqlite3.Connection, before: float) -> None:
    """Forget the images that were condemned before an age of the ledger and that no account holds.

    By then an upload that was under way when the image was condemned must have ended.
    """
    db.execute(
        """
        DELETE FROM replica
        WHERE wanted = 0 AND hash IS NULL AND rejected IS NULL
            AND (image_id, account_id) IN (
                SELECT image_id, account_id
                FROM deletion
                WHERE found_age < ?
            )
        """,
        (before,),
    )
    dropped = db.execute(
        f"""
        DELETE FROM deletion
        WHERE found_age < ? AND NOT {HELD_REPLICA}
        RETURNING account_id, image_id
        """,
        (before,),
    ).fetchall()
    db.executemany("DELETE FROM unanswered WHERE account_id = ? AND image_id = ?", dropped)


@read
def pending(db: sqlite3.Connection) -> list[PendingDeletions]:
    """Return the folders with condemned images."""
    rows = db.execute(
        f"""
        SELECT deletion.folder_id, folder.name AS folder,
            count(DISTINCT CASE deletion.state WHEN 'waiting' THEN image_id END) AS waiting,
            count(DISTINCT CASE deletion.state WHEN 'held' THEN image_id END) AS held,
            count(
                DISTINCT CASE WHEN deletion.state IN ('approved', 'requested') THEN image_id END
            ) AS approved,
            (
                SELECT count(*)
                FROM directory
                JOIN file ON file.directory_id = directory.id
                WHERE directory.folder_id = deletion.folder_id
            ) AS files
        FROM deletion
        JOIN folder ON folder.id = deletion.folder_id
        WHERE {PENDING}
        GROUP BY deletion.folder_id
        """
    )
    return as_structs(rows, PendingDeletions)


@write
def await_scans(db: sqlite3.Connection, age: float) -> None:
    """Let no deletion be due in a folder before its next whole scan: files may have returned.

    `age` is the ledger's at this start or reload.
    """
    db.execute("UPDATE ledger_age SET started = ?", (age,))
    db.execute("UPDATE baseline SET reviewed_age = NULL WHERE reviewed_age IS NOT NULL")


@write
def hold_excess(db: sqlite3.Connection, above: HoldAbove, age: float) -> list[PendingDeletions]:
    """Hold a folder's condemned images for the operator where they exceed the limit.

    Returns the folders as they were before. An image that is condemned later is not due before the
    next pass. `age` is the ledger's; a restart continues from it.
    """
    db.execute("UPDATE ledger_age SET seconds = ?", (age,))
    db.execute("UPDATE deletion SET found_age = ? WHERE found_age IS NULL", (age,))
    found = pending()(db)
    for folder in found:
        if folder.held or is_too_many(folder.waiting, folder.files + folder.waiting, above):
            db.execute(
                """
                UPDATE deletion
                SET state = 'held'
                WHERE folder_id = ? AND state = 'waiting'
                """,
                (folder.folder_id,),
            )
    db.execute(
        """
        UPDATE baseline
        SET reviewed_age = trusted_age
        WHERE reviewed_age IS NOT trusted_age
            AND trusted_age >= (SELECT started FROM ledger_age)
        """
    )
    return found


@read
def held_deletions(db: sqlite3.Connection, names: int) -> list[HeldDeletions]:
    """Return the deletions that are held for the operator, each with its first `names` files."""
    rows = db.execute(
        """
        SELECT folder.id, folder.name, folder.path, baseline.device, baseline.inode,
            baseline.trusted_at, count(DISTINCT image_id), min(found_at),
            (
                SELECT count(*)
                FROM directory
                JOIN file ON file.directory_id = directory.id
                WHERE directory.folder_id = folder.id
            )
        FROM deletion
        JOIN folder ON folder.id = deletion.folder_id
        LEFT JOIN baseline ON baseline.folder_id = folder.id
        WHERE deletion.state = 'held'
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
        SELECT count(DISTINCT image_id)
        FROM deletion
        WHERE state = 'held' AND folder_id = (SELECT id FROM folder WHERE name = ?)
        """,
        (folder,),
    ).fetchone()
    return int(images)


def _names(db: sqlite3.Connection, folder_id: int, limit: int) -> list[bytes]:
    rows = db.execute(
        """
        SELECT DISTINCT path
        FROM deletion
        WHERE folder_id = ? AND state = 'held'
        ORDER BY path
        LIMIT ?
        """,
        (folder_id, limit),
    )
    return [path for (path,) in rows]


@write
def approve(db: sqlite3.Connection, folder: FolderName, user: str | None = None) -> int:
    """Release the held deletions of a folder, and return the number of images."""
    images = count_held(folder)(db)
    history.record_deletions(db, What.APPROVED, _HELD_IN, (folder,), user)
    db.execute(f"UPDATE deletion SET state = 'approved' WHERE {_HELD_IN}", (folder,))
    alerts.update("deletions.held", alerts.folder_subject(folder), APPROVED)(db)
    return images


@write
def dismiss(db: sqlite3.Connection, folder: FolderName, user: str | None = None) -> int:
    """Keep the images whose deletion is held in a folder, and return their number."""
    images = count_held(folder)(db)
    history.record_deletions(db, What.DISMISSED, _HELD_IN, (folder,), user)
    keep_condemned(db, _HELD_IN, "'dismissed'", (folder,))
    alerts.update("deletions.held", alerts.folder_subject(folder), DISMISSED)(db)
    return images


_HELD_IN = "state = 'held' AND folder_id = (SELECT id FROM folder WHERE name = ?1)"
"""The deletions that are held in the folder ?1."""
