"""Questions that a person asks of the ledger."""

from __future__ import annotations

import sqlite3

import msgspec

from syncd.ledger.statements import read
from syncd.model import AccountId


class Tally(msgspec.Struct, frozen=True):
    """How many images of an account are wanted, and how they stand."""

    wanted: int
    held: int
    missing: int
    rejected: int
    waiting_since: int | None = None  # the missing one that waits longest, unix seconds


class Count(msgspec.Struct, frozen=True):
    """A reason, and how many images or files have it."""

    reason: str
    count: int


class Standing(msgspec.Struct, frozen=True):
    """One file, and how its image stands in one account that its folder names."""

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
    name: str | None
    url: str | None
    rejected: str | None
    trouble: str | None


class FolderState(msgspec.Struct, frozen=True):
    """A folder as it was last seen; unix seconds."""

    name: str
    path: bytes
    files: int
    doubt: str | None
    trouble: str | None
    scanned_at: float | None


@read
def tally(db: sqlite3.Connection, account: AccountId) -> Tally:
    """Count an account's images; index scans alone."""
    wanted, rejected, missing, since = db.execute(
        "SELECT (SELECT count(*) FROM replica INDEXED BY replica_wanted"
        " WHERE account = ?1 AND files > 0),"
        " (SELECT count(*) FROM replica INDEXED BY replica_rejected WHERE account = ?1"
        " AND rejected IS NOT NULL AND files > 0),"
        " count(*), min(wanted_at) FROM replica INDEXED BY replica_missing WHERE account = ?1"
        " AND files > 0 AND hash IS NULL AND rejected IS NULL",
        (account,),
    ).fetchone()
    return Tally(wanted, wanted - missing - rejected, missing, rejected, since)


@read
def missing_bytes(db: sqlite3.Connection, account: AccountId) -> int:
    """Sum the sizes of an account's missing images, in bytes."""
    (total,) = db.execute(
        "SELECT coalesce(sum(image.size), 0) FROM replica INDEXED BY replica_missing"
        " JOIN image USING (digest) WHERE account = ? AND files > 0 AND hash IS NULL"
        " AND rejected IS NULL",
        (account,),
    ).fetchone()
    return int(total)


@read
def rejections(db: sqlite3.Connection, account: AccountId) -> list[Count]:
    """Count an account's rejected images by reason, the commonest first."""
    return _reasons(
        db,
        "SELECT rejected, count(*) FROM replica INDEXED BY replica_rejected WHERE account = ?"
        " AND files > 0 AND rejected IS NOT NULL GROUP BY rejected"
        " ORDER BY count(*) DESC, rejected",
        account,
    )


@read
def troubles(db: sqlite3.Connection, account: AccountId) -> list[Count]:
    """Count what the last tries to bring an account's missing images met."""
    return _reasons(
        db,
        "SELECT trouble, count(*) FROM replica INDEXED BY replica_missing WHERE account = ?"
        " AND files > 0 AND hash IS NULL AND rejected IS NULL AND trouble IS NOT NULL"
        " GROUP BY trouble ORDER BY count(*) DESC, trouble",
        account,
    )


@read
def unreadable_files(db: sqlite3.Connection, folder: str) -> list[Count]:
    """Count a folder's files that cannot be read, by reason."""
    return _reasons(
        db,
        "SELECT file.trouble, count(*) FROM file INDEXED BY file_in_trouble"
        " JOIN directory ON directory.id = file.directory_id"
        " JOIN folder ON folder.id = directory.folder_id"
        " WHERE file.trouble IS NOT NULL AND folder.name = ?"
        " GROUP BY file.trouble ORDER BY count(*) DESC, file.trouble",
        folder,
    )


_FOLDER_STATES = (
    "SELECT name, path, (SELECT count(*) FROM directory JOIN file"
    " ON file.directory_id = directory.id WHERE directory.folder_id = folder.id),"
    " doubt, trouble, scanned_at FROM folder"
)


@read
def folder_states(
    db: sqlite3.Connection,
) -> list[FolderState]:
    """Return every folder that has a route."""
    rows = db.execute(
        f"{_FOLDER_STATES} WHERE EXISTS"
        " (SELECT 1 FROM route WHERE route.folder_id = folder.id) ORDER BY name"
    )
    return [FolderState(*row) for row in rows]


@read
def folder_state(db: sqlite3.Connection, name: str) -> FolderState:
    """Return one folder, which the ledger knows."""
    return FolderState(*db.execute(f"{_FOLDER_STATES} WHERE name = ?", (name,)).fetchone())


_STANDING = (
    "SELECT folder.name, folder.path,"
    " CASE directory.path WHEN x'' THEN file.name ELSE"
    " CAST(directory.path || '/' || file.name AS BLOB) END,"
    " file.trouble, file.digest, file.size, image.format, image.width, image.height,"
    " route.account, replica.hash, replica.held_at, answer.name, answer.url,"
    " replica.rejected, replica.trouble"
    " FROM file JOIN directory ON directory.id = file.directory_id"
    " JOIN folder ON folder.id = directory.folder_id"
    " LEFT JOIN image USING (digest)"
    " LEFT JOIN route ON route.folder_id = folder.id"
    " LEFT JOIN replica ON replica.digest = file.digest AND replica.account = route.account"
    " LEFT JOIN answer ON answer.digest = file.digest AND answer.account = route.account"
)


@read
def by_path(db: sqlite3.Connection, folder: str, directory: bytes, name: bytes) -> list[Standing]:
    """Return everything known of one file."""
    return _standings(
        db,
        "WHERE folder.name = ? AND directory.path = ? AND file.name = ?",
        folder,
        directory,
        name,
    )


@read
def by_digest(db: sqlite3.Connection, digest: bytes) -> list[Standing]:
    """Return every file with those contents."""
    return _standings(db, "WHERE file.digest = ?", digest)


@read
def by_hash(db: sqlite3.Connection, image_hash: str) -> list[Standing]:
    """Return every file whose image some account holds under that hash."""
    return _standings(
        db, "WHERE file.digest IN (SELECT digest FROM replica WHERE hash = ?)", image_hash
    )


@read
def all_standings(db: sqlite3.Connection, limit: int) -> list[Standing]:
    """Return the first files of the ledger, in the order of their paths."""
    return _standings(db, "ORDER BY folder.name, directory.path, file.name LIMIT ?", limit)


def _standings(db: sqlite3.Connection, where: str, *parameters: object) -> list[Standing]:
    return [Standing(*row) for row in db.execute(f"{_STANDING} {where}", parameters)]


def _reasons(db: sqlite3.Connection, sql: str, parameter: str) -> list[Count]:
    return [Count(*row) for row in db.execute(sql, (parameter,))]
