"""Reads about the images of some folders in one account, for commands that work on a part.

An image counts if a file in one of the folders has it, and that folder feeds the account.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence

import msgspec

from syncd.ledger import queries, replicas
from syncd.ledger.queries import MOST_REASONS, Count, Tally
from syncd.ledger.replicas import Missing, MissingKey
from syncd.ledger.statements import as_structs, read
from syncd.model import AccountId, Digest, FolderName

Folders = Sequence[FolderName]
"""The names of folders; none: every image of the account counts."""


class Reasons(msgspec.Struct, frozen=True):
    """Why images of an account are not held."""

    rejected: list[Count]
    missing: list[Count]


@read
def tally(db: sqlite3.Connection, account: AccountId, folders: Folders) -> Tally:
    """Count the images of the folders in an account."""
    if not folders:
        return queries.tally(account)(db)
    held, missing, rejected, since = db.execute(
        f"""
        SELECT count(*) FILTER (WHERE state = 'held'),
            count(*) FILTER (WHERE state IN ('missing', 'unconfirmed')),
            count(*) FILTER (WHERE state = 'rejected'),
            min(wanted_at) FILTER (WHERE state IN ('missing', 'unconfirmed'))
        FROM ({_images(folders)}) AS chosen
        CROSS JOIN replica USING (image_id)
        WHERE replica.account_id = (SELECT id FROM account WHERE act = ?) AND replica.wanted = 1
        """,
        (account, *folders, account),
    ).fetchone()
    unread, unscanned = db.execute(
        f"""
        SELECT
            (
                SELECT count(*)
                FROM file INDEXED BY file_with_error
                JOIN directory ON directory.id = file.directory_id
                JOIN folder ON folder.id = directory.folder_id
                WHERE file.error IS NOT NULL AND folder.name IN ({_marks(folders)})
            ),
            (
                SELECT count(*)
                FROM folder
                WHERE (error IS NOT NULL OR scanned_at IS NULL) AND name IN ({_marks(folders)})
            )
        """,
        (*folders, *folders),
    ).fetchone()
    return Tally(
        wanted=held + missing + rejected,
        held=held,
        missing=missing,
        rejected=rejected,
        unread=unread,
        unscanned=unscanned,
        waiting_since=since,
    )


@read
def missing_bytes(db: sqlite3.Connection, account: AccountId, folders: Folders) -> int:
    """Return the sum of the sizes of the missing images, in bytes."""
    if not folders:
        return queries.missing_bytes(account)(db)
    (total,) = db.execute(
        f"""
        SELECT coalesce(sum(image.size), 0)
        FROM ({_images(folders)}) AS chosen
        CROSS JOIN replica USING (image_id)
        JOIN image ON image.id = chosen.image_id
        WHERE replica.account_id = (SELECT id FROM account WHERE act = ?)
            AND replica.state IN ('missing', 'unconfirmed')
        """,
        (account, *folders, account),
    ).fetchone()
    return int(total)


@read
def missing_after(
    db: sqlite3.Connection, account: AccountId, after: MissingKey, limit: int, folders: Folders
) -> Missing:
    """Return the next `limit` missing images in the order of their arrival."""
    if not folders:
        return replicas.missing_after(account, after, limit)(db)
    rows = db.execute(
        f"""
        SELECT image.sha256, replica.wanted_at, replica.image_id
        FROM replica INDEXED BY replica_missing
        CROSS JOIN image ON image.id = replica.image_id
        WHERE replica.account_id = (SELECT id FROM account WHERE act = ?)
            AND replica.wanted = 1 AND replica.hash IS NULL AND replica.rejected IS NULL
            AND (replica.wanted_at, replica.image_id) > (?, ?)
            AND EXISTS (
                SELECT 1
                FROM file INDEXED BY file_by_image
                JOIN directory ON directory.id = file.directory_id
                JOIN folder ON folder.id = directory.folder_id
                JOIN route ON route.folder_id = folder.id
                WHERE file.image_id = replica.image_id
                    AND route.account_id = replica.account_id
                    AND folder.name IN ({_marks(folders)})
            )
        ORDER BY replica.wanted_at, replica.image_id
        LIMIT ?
        """,
        (account, *after, *folders, limit),
    ).fetchall()
    return Missing([Digest(row[0]) for row in rows], rows[-1][1:] if rows else after)


@read
def count_missing(db: sqlite3.Connection, account: AccountId, most: int, folders: Folders) -> int:
    """Return how many images are missing; of all folders, `most` if there are more."""
    if not folders:
        return replicas.count_missing(account, most)(db)
    return tally(account, folders)(db).missing


@read
def reasons(db: sqlite3.Connection, account: AccountId, folders: Folders) -> Reasons:
    """Count the rejected and the missing images by reason: the `MOST_REASONS` most frequent."""
    if not folders:
        return Reasons(queries.rejections(account)(db), queries.troubles(account)(db))
    return Reasons(
        _by_reason(db, account, folders, "rejected", "'rejected'"),
        _by_reason(db, account, folders, "last_error", "'missing', 'unconfirmed'"),
    )


def _by_reason(
    db: sqlite3.Connection, account: AccountId, folders: Folders, reason: str, states: str
) -> list[Count]:
    rows = db.execute(
        f"""
        SELECT replica.{reason} AS reason, count(*) AS count
        FROM ({_images(folders)}) AS chosen
        CROSS JOIN replica USING (image_id)
        WHERE replica.account_id = (SELECT id FROM account WHERE act = ?)
            AND replica.{reason} IS NOT NULL AND replica.wanted = 1
            AND replica.state IN ({states})
        GROUP BY 1
        ORDER BY count(*) DESC, 1
        LIMIT ?
        """,
        (account, *folders, account, MOST_REASONS),
    )
    return as_structs(rows, Count)


def _images(folders: Folders) -> str:
    """Return the query of the images' ids; its parameters are the account and the folders."""
    return f"""
            SELECT DISTINCT file.image_id
            FROM folder
            JOIN route ON route.folder_id = folder.id
                AND route.account_id = (SELECT id FROM account WHERE act = ?)
            CROSS JOIN directory ON directory.folder_id = folder.id
            CROSS JOIN file ON file.directory_id = directory.id
            WHERE folder.name IN ({_marks(folders)}) AND file.image_id IS NOT NULL"""


def _marks(folders: Folders) -> str:
    return ",".join("?" * len(folders))
