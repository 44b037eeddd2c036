"""The history: one row for each change of an image or of an operator's decision, for `syncd log`.

A statement that changes such a fact calls a function of this module, so that both are in one
commit. Most rows are about an upload. So that they stay small, a path is only in the rows that find
or lose a file, and a hash only in those of an image that left its account.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterable, Sequence
from enum import StrEnum

from syncd.ledger.statements import write, write_rows
from syncd.model import AccountId, Digest

PIECE = 1000
"""Rows that one write removes: about 3 ms, for which other writes wait."""


class What(StrEnum):
    """The kinds of rows."""

    FOUND = "found"
    """A file with this content was found."""
    GONE = "gone"
    """A file left its folder, or contains something else."""
    UPLOADED = "uploaded"
    COPIED = "copied"
    RESTORED = "restored"
    """Uploaded or copied again after it was lost; not stored, but derived."""
    REJECTED = "rejected"
    LOST = "lost"
    """An audit did not find it in the account."""
    CONDEMNED = "condemned"
    """Its last file was deleted: it will be deleted from the account."""
    WITHDRAWN = "withdrawn"
    """A file needs it again: it is no longer condemned."""
    DELETED = "deleted"
    KEPT = "kept"
    APPROVED = "approved"
    DISMISSED = "dismissed"
    RELEASED = "released"
    PAUSED = "paused"
    RESUMED = "resumed"


DELETED_FILE = "deleted"
REWRITTEN = "rewritten"
"""Why a file is gone; other reasons are those of `KeepReason`."""


def record_found(db: sqlite3.Connection, files: Sequence[tuple[int, int, bytes]]) -> None:
    """Record that files were found: image id, folder id, path relative to the folder."""
    write_rows(
        db,
        """
        WITH found (image_id, folder_id, path) AS (VALUES {rows})
        INSERT INTO history (at, what, image_id, folder_id, path)
        SELECT ?1, 'found', image_id, folder_id, path
        FROM found
        WHERE true
        """,
        files,
        int(time.time()),
    )


def record_rewritten(db: sqlite3.Connection, files: Iterable[tuple[int, int, bytes]]) -> None:
    """Record that files no longer have the content that they had: as in `record_found`."""
    db.executemany(
        """
        INSERT INTO history (at, what, image_id, folder_id, path, why)
        VALUES (?, 'gone', ?, ?, ?, ?)
        """,
        [(int(time.time()), *file, REWRITTEN) for file in files],
    )


def record_gone(db: sqlite3.Connection, why: str) -> None:
    """Record that the files in the temporary table `gone` have left their folder."""
    db.execute(
        """
        INSERT INTO history (at, what, image_id, folder_id, path, why)
        SELECT ?, 'gone', image_id, folder_id, path, ?
        FROM gone
        WHERE image_id IS NOT NULL
        """,
        (int(time.time()), why),
    )


def record_held(
    db: sqlite3.Connection, account_id: int, what: What, digests: Sequence[Digest]
) -> None:
    """Record that an account took images."""
    write_rows(
        db,
        """
        WITH taken (sha256) AS (VALUES {rows})
        INSERT INTO history (at, what, account_id, image_id)
        SELECT ?1, ?2, ?3, image.id
        FROM taken CROSS JOIN image ON image.sha256 = taken.sha256
        WHERE true
        """,
        [(digest,) for digest in digests],
        *(int(time.time()), what.value, account_id),
    )


def record_replicas(
    db: sqlite3.Connection,
    what: What,
    which: str,
    values: Sequence[object] = (),
    why: str | None = None,
) -> None:
    """Record something about replicas; `which` is a condition on `replica`."""
    marks = len(values)
    db.execute(
        f"""
        INSERT INTO history (at, what, account_id, image_id, hash, why)
        SELECT ?{marks + 1}, ?{marks + 2}, account_id, image_id, hash,
            coalesce(?{marks + 3}, rejected)
        FROM replica
        WHERE {which}
        """,
        (*values, int(time.time()), what.value, why),
    )


def record_deletions(
    db: sqlite3.Connection,
    what: What,
    which: str,
    values: Sequence[object] = (),
    user: str | None = None,
) -> None:
    """Record something about condemned images; `which` is a condition on `deletion`."""
    marks = len(values)
    db.execute(
        f"""
        INSERT INTO history (at, what, account_id, image_id, folder_id, path, user)
        SELECT ?{marks + 1}, ?{marks + 2}, account_id, image_id, folder_id, path, ?{marks + 3}
        FROM deletion
        WHERE {which}
        """,
        (*values, int(time.time()), what.value, user),
    )


def record_kept(
    db: sqlite3.Connection,
    what: What,
    images: Iterable[tuple[int, int, int, bytes, str | None]],
    user: str | None = None,
) -> None:
    """Record that images are kept or released: account, image and folder id, path, reason."""
    db.executemany(
        """
        INSERT INTO history (at, what, user, account_id, image_id, folder_id, path, why)
        VALUES (?, ?, ?, ?, ?, ?, ?, ?)
        """,
        [(int(time.time()), what.value, user, *image) for image in images],
    )


def record_account(
    db: sqlite3.Connection, what: What, account: AccountId, user: str | None, why: str | None
) -> None:
    """Record a decision of the operator about an account."""
    db.execute(
        """
        INSERT INTO history (at, what, account_id, why, user)
        SELECT ?, ?, id, ?, ?
        FROM account
        WHERE act = ?
        """,
        (int(time.time()), what.value, why, user, account),
    )


@write
def forget_before(db: sqlite3.Connection, before: float) -> bool:
    """Remove some of the rows before `before`, in unix seconds; return whether there may be more.

    The last row is never removed: rows that `syncd log --follow` has not printed have a greater id.
    """
    removed = db.execute(
        """
        DELETE FROM history
        WHERE id IN (SELECT id FROM history INDEXED BY history_by_time WHERE at < ?1 LIMIT ?2)
            AND id < (SELECT max(id) FROM history)
        """,
        (before, PIECE),
    ).rowcount
    return removed == PIECE
