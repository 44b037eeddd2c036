"""The history: one row for each change of an image or of an operator's decision, for `syncd log`.

A statement that changes such a fact calls a function of this module, so that both are in one
commit. New images that were found, uploaded or copied, as those of a backfill, share one row for
all images of a commit. Such a row has no path and no hash: `history_rows` takes them from
the image's other rows or, where these have none, from the file and the replica that it has now.

Every other row is about one image. As the file of an image cannot go without such a row, which is
newer, the images that have only rows of the first kind have a file.
"""

from __future__ import annotations

import sqlite3
import struct
import time
from collections.abc import Iterable, Sequence
from enum import StrEnum

from syncd.ledger import activity
from syncd.ledger.statements import write
from syncd.model import AccountId

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
    """Uploaded or copied again after it was lost."""
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
    MOVED = "moved"
    """The account was moved from or to another ledger."""


DELETED_FILE = "deleted"
REWRITTEN = "rewritten"
"""Why a file is gone; other reasons are those of `KeepReason`."""


def pack(images: Sequence[int]) -> bytes:
    """Return the column `images` for these image ids."""
    return struct.pack(f"<{len(images)}I", *images)


def unpack(images: bytes) -> tuple[int, ...]:
    """Return the image ids of a column `images`."""
    return struct.unpack(f"<{len(images) // 4}I", images)


def record_new(db: sqlite3.Connection, images: Sequence[int]) -> None:
    """Record that files were found whose images are new to the ledger."""
    _record_several(db, What.FOUND, None, images)


def record_found(db: sqlite3.Connection, files: Iterable[tuple[int, int, bytes]]) -> None:
    """Record that files of known images were found: image id, folder id, path in the folder."""
    _record_files(db, What.FOUND, files, None)


def record_rewritten(db: sqlite3.Connection, files: Iterable[tuple[int, int, bytes]]) -> None:
    """Record that files no longer have the content that they had: as in `record_found`."""
    _record_files(db, What.GONE, files, REWRITTEN)


def _record_files(
    db: sqlite3.Connection, what: What, files: Iterable[tuple[int, int, bytes]], why: str | None
) -> None:
    db.executemany(
        """
        INSERT INTO history (at, what, why, image_id, folder_id, path)
        VALUES (?, ?, ?, ?, ?, ?)
        """,
        [(int(time.time()), what.value, why, *file) for file in files],
    )


def record_gone(db: sqlite3.Connection, why: str) -> None:
    """Record that the files in the temporary table `gone` have left their folder.

    A folder that keeps its images needs no proof of a deletion.
    """
    db.execute(
        """
        INSERT INTO history (at, what, image_id, folder_id, path, why)
        SELECT ?1, 'gone', image_id, folder_id, gone.path,
            iif(folder.deletions = 'keep' AND ?2 = 'suspect', ?3, ?2)
        FROM gone JOIN folder ON folder.id = gone.folder_id
        WHERE image_id IS NOT NULL
        """,
        (int(time.time()), why, DELETED_FILE),
    )


def record_held(db: sqlite3.Connection, account_id: int, what: What, images: Sequence[int]) -> None:
    """Record that an account took images, some of which it may have lost before."""
    count = activity.Count.COPIED if what is What.COPIED else activity.Count.UPLOADED
    activity.add(db, account_id, count, len(images), time.time())
    lost = _lost(db, account_id, images)
    _record_several(db, what, account_id, [image for image in images if image not in lost])
    db.executemany(
        """
        INSERT INTO history (at, what, account_id, image_id)
        VALUES (?, 'restored', ?, ?)
        """,
        [(int(time.time()), account_id, image) for image in images if image in lost],
    )


def _record_several(
    db: sqlite3.Connection, what: What, account_id: int | None, images: Sequence[int]
) -> None:
    if images:
        db.execute(
            """
            INSERT INTO history (at, what, account_id, images)
            VALUES (?, ?, ?, ?)
            """,
            (int(time.time()), what.value, account_id, pack(images)),
        )


def _lost(db: sqlite3.Connection, account_id: int, images: Sequence[int]) -> set[int]:
    """Return those of these images that the account has lost and not taken since."""
    if not images:  # SQLite finds no way to use the index for an empty list
        return set()
    any_left = db.execute(
        """
        SELECT 1
        FROM history INDEXED BY history_of_lost
        WHERE what IN ('deleted', 'lost') AND hash IS NOT NULL
        LIMIT 1
        """
    ).fetchone()
    if any_left is None:  # the usual case
        return set()
    rows = db.execute(
        f"""
        SELECT image_id, what, max(id)
        FROM history INDEXED BY history_by_image
        WHERE image_id IN ({",".join("?" * len(images))}) AND account_id = ?
        GROUP BY image_id
        """,
        (*images, account_id),
    )
    return {image for image, what, _ in rows if what == What.LOST}


def record_replicas(
    db: sqlite3.Connection,
    what: What,
    which: str,
    values: Sequence[object] = (),
    why: str | None = None,
) -> None:
    """Record something about replicas; `which` is a condition on `replica`."""
    marks, now = len(values), time.time()
    recorded = db.execute(
        f"""
        INSERT INTO history (at, what, account_id, image_id, hash, why)
        SELECT ?{marks + 1}, ?{marks + 2}, account_id, image_id, hash,
            coalesce(?{marks + 3}, rejected)
        FROM replica
        WHERE {which}
        RETURNING account_id
        """,
        (*values, int(now), what.value, why),
    ).fetchall()
    if what is What.DELETED:
        for (account_id,) in recorded:
            activity.add(db, account_id, activity.Count.DELETED, 1, now)


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
    images: Iterable[tuple[int, int, int | None, bytes | None, str | None]],
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
    first = first_since(db, before)
    removed = db.execute(
        """
        DELETE FROM history
        WHERE id IN (SELECT id FROM history WHERE id < ?1 ORDER BY id LIMIT ?2)
            AND id < (SELECT max(id) FROM history)
        """,
        (first, PIECE),
    ).rowcount
    return removed == PIECE


def first_since(db: sqlite3.Connection, since: float) -> int:
    """Return the id from which on rows are at `since`, in unix seconds, or later.

    It bisects the ids, which reads some twenty rows. Where a clock was set back, rows of the
    time that it passed twice may be on either side.
    """
    low = 0
    (end,) = db.execute("SELECT coalesce(max(id) + 1, 0) FROM history").fetchone()
    while low < end:
        middle = (low + end) // 2
        found, at = db.execute(
            "SELECT id, at FROM history WHERE id >= ? ORDER BY id LIMIT 1", (middle,)
        ).fetchone()
        if at < since:
            low = found + 1
        else:
            end = middle
    return low
