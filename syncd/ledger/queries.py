"""Reads behind `status`, `plan`, the demo and the statistics."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable

import msgspec

from syncd.ledger import condemned, limitations, operator_pauses
from syncd.ledger.accounts import Pause
from syncd.ledger.limitations import LearnedLimitation
from syncd.ledger.statements import as_structs, read
from syncd.ledger.unread import UNFINISHED
from syncd.model import AccountId
from syncd.rules.sync import Sync, sync_of

MOST_REASONS = 20
"""Reasons that are counted for one account: a server can give each image a message of its own."""


class Tally(msgspec.Struct, frozen=True, kw_only=True):
    """The numbers of an account's images."""

    wanted: int
    held: int
    missing: int
    rejected: int
    unread: int = 0  # files of its folders that cannot be read or are not finished
    unscanned: int = 0  # its folders without a whole scan, or with a part that cannot be read now
    waiting_since: int | None = None  # when the oldest missing image became so, unix seconds

    @property
    def sync(self) -> Sync:
        """How far the account is in sync."""
        return sync_of(
            missing=self.missing,
            rejected=self.rejected,
            unread=self.unread,
            unscanned=self.unscanned,
        )


class Count(msgspec.Struct, frozen=True, rename={"reason": "why"}):
    """A reason, and the number of images or files that have it."""

    reason: str
    count: int


def by_reason(counts: Iterable[Count]) -> dict[str, int]:
    """Return the numbers by their reasons."""
    return {count.reason: count.count for count in counts}


class AccountSummary(msgspec.Struct, frozen=True, kw_only=True):
    """An account: its images, its pause or stop, and why images are not held."""

    tally: Tally
    pause: Pause | None
    rejections: list[Count]
    troubles: list[Count]
    limitations: list[LearnedLimitation]


class FolderState(msgspec.Struct, frozen=True, kw_only=True):
    """A folder as it was last seen; `scanned_at` in unix seconds."""

    name: str
    path: bytes
    files: int
    doubt: str | None
    trouble: str | None
    scanned_at: float | None


class FolderSummary(msgspec.Struct, frozen=True, kw_only=True):
    """A folder as it was last seen, and what in it needs the operator."""

    state: FolderState
    unreadable: list[Count]
    unfinished: list[Count]  # the reasons are codes, as in the next one
    skipped: list[Count]
    deletions_held: int  # images


class FileState(msgspec.Struct, frozen=True, kw_only=True):
    """A file and its image in one of the accounts that its folder feeds."""

    folder: str
    root: bytes
    path: bytes  # relative to the folder
    file_trouble: str | None
    digest: bytes | None
    size: int
    format: str | None
    width: int | None
    height: int | None
    account: str | None
    hash: str | None
    held_at: float | None
    unconfirmed: bool  # a DELETE was sent before the file returned, and its effect is not known
    name: str | None
    rejected: str | None
    trouble: str | None


@read
def account_summary(db: sqlite3.Connection, account: AccountId, now: float) -> AccountSummary:
    """Return what `syncd status` shows of an account at `now`, in unix seconds."""
    return AccountSummary(
        tally=tally(account)(db),
        pause=operator_pauses.effective(now)(db).get(account),
        rejections=rejections(account)(db),
        troubles=troubles(account)(db),
        limitations=limitations.learned(account)(db),
    )


@read
def tally(db: sqlite3.Connection, account: AccountId) -> Tally:
    """Count an account's images; it reads indexes only."""
    in_account, unwanted, rejected, unconfirmed, unread, unscanned, missing, since = db.execute(
        _TALLY, (account,)
    ).fetchone()
    wanted_there = (in_account or 0) - (unwanted or 0)
    return Tally(
        wanted=wanted_there + missing + (rejected or 0),
        held=wanted_there - (unconfirmed or 0),
        missing=missing + (unconfirmed or 0),
        rejected=rejected or 0,
        unread=unread or 0,
        unscanned=unscanned or 0,
        waiting_since=since,
    )


_TALLY = """
        SELECT
            (
                SELECT count(*)
                FROM replica INDEXED BY replica_by_hash
                WHERE account_id = account.id AND hash IS NOT NULL
            ),
            (
                SELECT count(*)
                FROM replica INDEXED BY replica_unwanted
                WHERE account_id = account.id AND wanted = 0 AND hash IS NOT NULL
            ),
            (
                SELECT count(*)
                FROM replica INDEXED BY replica_rejected
                WHERE account_id = account.id AND wanted = 1
                    AND rejected IS NOT NULL
            ),
            (
                SELECT count(*)
                FROM replica INDEXED BY replica_unconfirmed
                WHERE account_id = account.id AND wanted = 1
                    AND hash IS NOT NULL AND delete_sent_at IS NOT NULL
            ),
            (
                SELECT count(*)
                FROM file INDEXED BY file_with_error
                JOIN directory ON directory.id = file.directory_id
                JOIN route USING (folder_id)
                WHERE file.error IS NOT NULL AND route.account_id = account.id
            ),
            (
                SELECT count(*)
                FROM route
                JOIN folder ON folder.id = route.folder_id
                WHERE route.account_id = account.id
                    AND (folder.error IS NOT NULL OR folder.scanned_at IS NULL)
            ),
            count(image_id),
            min(wanted_at)
        FROM account
        LEFT JOIN replica INDEXED BY replica_missing
            ON account_id = account.id
            AND wanted = 1 AND hash IS NULL AND rejected IS NULL
        WHERE act = ?"""


@read
def missing_bytes(db: sqlite3.Connection, account: AccountId) -> int:
    """Return the sum of the sizes of an account's missing images, in bytes."""
    (total,) = db.execute(
        """
        SELECT coalesce(sum(image.size), 0)
        FROM replica INDEXED BY replica_missing
        JOIN image ON image.id = replica.image_id
        WHERE replica.account_id = (SELECT id FROM account WHERE act = ?)
            AND replica.wanted = 1 AND replica.hash IS NULL AND replica.rejected IS NULL
        """,
        (account,),
    ).fetchone()
    return int(total)


@read
def rejections(db: sqlite3.Connection, account: AccountId) -> list[Count]:
    """Count an account's rejected images by reason: the `MOST_REASONS` most frequent."""
    rows = db.execute(
        """
        SELECT rejected AS reason, count(*) AS count
        FROM replica INDEXED BY replica_rejected
        WHERE account_id = (SELECT id FROM account WHERE act = ?)
            AND rejected IS NOT NULL AND wanted = 1
        GROUP BY rejected
        ORDER BY count(*) DESC, rejected
        LIMIT ?
        """,
        (account, MOST_REASONS),
    )
    return as_structs(rows, Count)


@read
def troubles(db: sqlite3.Connection, account: AccountId) -> list[Count]:
    """Count an account's missing images by the error of the last attempt to send them.

    These are the `MOST_REASONS` most frequent errors.
    """
    rows = db.execute(
        """
        SELECT last_error AS reason, count(*) AS count
        FROM replica INDEXED BY replica_with_error
        WHERE account_id = (SELECT id FROM account WHERE act = ?)
            AND last_error IS NOT NULL
            AND (
                delete_sent_at IS NOT NULL
                OR (wanted = 1 AND hash IS NULL AND rejected IS NULL)
            )
        GROUP BY last_error
        ORDER BY count(*) DESC, last_error
        LIMIT ?
        """,
        (account, MOST_REASONS),
    )
    return as_structs(rows, Count)


@read
def folder_summary(db: sqlite3.Connection, name: str) -> FolderSummary:
    """Return what `syncd status` shows of a folder, which must be known."""
    rows = db.execute(f"{_FOLDER_STATES} WHERE name = ?", (name,))
    (state,) = as_structs(rows, FolderState)
    return summary_of(state)(db)


@read
def summary_of(db: sqlite3.Connection, state: FolderState) -> FolderSummary:
    """Return the same of a folder whose state was read before."""
    return FolderSummary(
        state=state,
        unreadable=unreadable_files(state.name)(db),
        unfinished=unfinished_files(state.name)(db),
        skipped=skipped_files(state.name)(db),
        deletions_held=condemned.count_held(state.name)(db),
    )


@read
def folder_states(db: sqlite3.Connection) -> list[FolderState]:
    """Return every folder that has a route."""
    rows = db.execute(
        f"""
        {_FOLDER_STATES}
        WHERE EXISTS (SELECT 1 FROM route WHERE route.folder_id = folder.id)
        ORDER BY name
        """
    )
    return as_structs(rows, FolderState)


_FOLDER_STATES = """
        SELECT name, path,
            (
                SELECT count(*)
                FROM directory
                JOIN file ON file.directory_id = directory.id
                WHERE directory.folder_id = folder.id
            ) AS files,
            baseline.suspect AS doubt, error AS trouble, scanned_at
        FROM folder LEFT JOIN baseline ON baseline.folder_id = folder.id"""


@read
def unreadable_files(db: sqlite3.Connection, folder: str) -> list[Count]:
    """Count a folder's files that cannot be read, by reason."""
    return _unread_files(db, folder, f"NOT IN {UNFINISHED}")


@read
def unfinished_files(db: sqlite3.Connection, folder: str) -> list[Count]:
    """Count a folder's files that are not finished, by the code of the reason."""
    return _unread_files(db, folder, f"IN {UNFINISHED}")


def _unread_files(db: sqlite3.Connection, folder: str, error: str) -> list[Count]:
    rows = db.execute(
        f"""
        SELECT file.error AS reason, count(*) AS count
        FROM file INDEXED BY file_with_error
        JOIN directory ON directory.id = file.directory_id
        JOIN folder ON folder.id = directory.folder_id
        WHERE file.error IS NOT NULL AND file.error {error} AND folder.name = ?
        GROUP BY file.error
        ORDER BY count(*) DESC, file.error
        """,
        (folder,),
    )
    return as_structs(rows, Count)


@read
def skipped_files(db: sqlite3.Connection, folder: str) -> list[Count]:
    """Count the files that the last whole scan of a folder has skipped, by the code of the reason.

    The most frequent reason comes first.
    """
    rows = db.execute(
        """
        SELECT reason, files AS count
        FROM skipped
        WHERE folder_id = (SELECT id FROM folder WHERE name = ?)
        ORDER BY files DESC, reason
        """,
        (folder,),
    )
    return as_structs(rows, Count)


@read
def all_files(db: sqlite3.Connection, limit: int) -> list[FileState]:
    """Return the first `limit` rows of all files in the order of their paths."""
    return _file_states(db, "ORDER BY folder.name, directory.path, file.name LIMIT ?", limit)


def _file_states(db: sqlite3.Connection, where: str, *parameters: object) -> list[FileState]:
    rows = db.execute(
        f"""
        SELECT folder.name AS folder, folder.path AS root,
            CASE directory.path
                WHEN x'' THEN file.name
                ELSE CAST(directory.path || '/' || file.name AS BLOB)
            END AS path,
            file.error AS file_trouble, image.sha256 AS digest, file.size,
            image.format, image.width, image.height,
            account.act AS account,
            iif(replica.delete_sent_at IS NULL OR replica.resent_at IS NOT NULL, replica.hash, NULL)
                AS hash,
            replica.held_at, replica.delete_sent_at IS NOT NULL AS unconfirmed,
            replica.remote_name AS name, replica.rejected, replica.last_error AS trouble
        FROM file
        JOIN directory ON directory.id = file.directory_id
        JOIN folder ON folder.id = directory.folder_id
        LEFT JOIN image ON image.id = file.image_id
        LEFT JOIN route ON route.folder_id = folder.id
        LEFT JOIN account ON account.id = route.account_id
        LEFT JOIN replica
            ON replica.image_id = file.image_id AND replica.account_id = route.account_id
        {where}
        """,
        parameters,
    )
    return as_structs(rows, FileState)
