"""Reads of the history, for `syncd log`: its rows, and the images that it knows."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence

import msgspec

from syncd.ledger.history import What
from syncd.ledger.statements import as_structs, read
from syncd.model import AccountId

MOST_IMAGES = 200
"""Images whose rows one search reads."""


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """One row; `at` in unix seconds, `path` relative to the folder, whose path is `root`."""

    id: int
    at: int
    what: What
    account: AccountId | None
    digest: bytes | None
    hash: str | None
    root: bytes | None
    path: bytes | None
    why: str | None
    user: str | None


class Filter(msgspec.Struct, frozen=True, kw_only=True):
    """The rows that are read: None for all; `since` in unix seconds."""

    images: Sequence[int] | None = None
    since: float | None = None
    accounts: Sequence[AccountId] | None = None
    whats: Sequence[str] | None = None


@read
def last_id(db: sqlite3.Connection) -> int:
    """Return the id of the newest row; 0 without any."""
    (last,) = db.execute("SELECT coalesce(max(id), 0) FROM history").fetchone()
    return int(last)


@read
def newest(db: sqlite3.Connection, wanted: Filter, limit: int) -> list[Row]:
    """Return the last `limit` rows that the filter selects, the oldest first."""
    return _rows(db, wanted, "true", "DESC", limit)[::-1]


@read
def after(db: sqlite3.Connection, wanted: Filter, last: int, limit: int) -> list[Row]:
    """Return the first `limit` rows after the id `last` that the filter selects."""
    return _rows(db, wanted, f"row.id > {last:d}", "ASC", limit)


def _rows(db: sqlite3.Connection, wanted: Filter, where: str, order: str, limit: int) -> list[Row]:
    conditions, values = [where], list[object]()
    for column, some in (
        ("row.image_id", wanted.images),
        ("account.act", wanted.accounts),
        ("row.what", _stored(wanted.whats)),
        (_WHAT, _derived(wanted.whats)),
    ):
        if some is not None:
            conditions.append(f"{column} IN ({','.join('?' * len(some))})")
            values += some
    if wanted.since is not None:
        conditions.append(
            """row.at >= ? AND row.id >= (
                SELECT min(id) FROM history INDEXED BY history_by_time WHERE at >= ?
            )"""
        )
        values += [wanted.since, wanted.since]
    rows = db.execute(
        f"""
        SELECT row.id, row.at, {_WHAT} AS what, account.act AS account,
            image.sha256 AS digest, {_HASH} AS hash, folder.path AS root,
            coalesce(placed.path, row.path, {_NOW.format(column=_PATH)}) AS path, row.why, row.user
        FROM history AS row
        LEFT JOIN account ON account.id = row.account_id
        LEFT JOIN image ON image.id = row.image_id
        LEFT JOIN history AS placed ON placed.id = {_PLACED}
        LEFT JOIN folder ON folder.id = coalesce(
            placed.folder_id, row.folder_id, {_NOW.format(column="directory.folder_id")}
        )
        WHERE {" AND ".join(conditions)}
        ORDER BY row.id {order}
        LIMIT ?
        """,
        (*values, limit),
    )

    def row(what: str, **columns: object) -> Row:
        return Row(what=What(what), **columns)  # type: ignore[arg-type]  # as the columns are

    return as_structs(rows, row)


_SENT = {What.UPLOADED, What.COPIED}


def _stored(whats: Sequence[str] | None) -> Sequence[str] | None:
    """Return the codes that rows of these kinds can have."""
    if whats is None or What.RESTORED not in whats:
        return whats
    return [*{*whats, *_SENT}]


def _derived(whats: Sequence[str] | None) -> Sequence[str] | None:
    """Return the kinds if more than a row's code decides: each upload reads another row."""
    return whats if whats is not None and not {*_SENT, What.RESTORED}.isdisjoint(whats) else None


_WHAT = """iif(
            row.what IN ('uploaded', 'copied') AND 'lost' = (
                SELECT before.what
                FROM history AS before INDEXED BY history_by_image
                WHERE before.image_id = row.image_id AND before.account_id = row.account_id
                    AND before.id < row.id
                ORDER BY before.id DESC
                LIMIT 1
            ),
            'restored', row.what
        )"""
"""The kind of a row: an upload is a restoration if the row before it is a loss."""

_HASH = """iif(row.what = 'rejected', NULL, coalesce(
            row.hash,
            (
                SELECT gone.hash
                FROM history AS gone INDEXED BY history_by_image
                WHERE gone.image_id = row.image_id AND gone.account_id = row.account_id
                    AND gone.id > row.id AND gone.hash IS NOT NULL
                ORDER BY gone.id
                LIMIT 1
            ),
            (
                SELECT replica.hash
                FROM replica
                WHERE replica.image_id = row.image_id AND replica.account_id = row.account_id
            )
        ))"""
"""The hash in the account: the one that it lost next or, where it has lost none, has now."""

_PATH = """CASE directory.path
                WHEN x'' THEN file.name
                ELSE CAST(directory.path || '/' || file.name AS BLOB)
            END"""

_NOW = """(
            SELECT {column}
            FROM file INDEXED BY file_by_image
            JOIN directory ON directory.id = file.directory_id
            WHERE file.image_id = row.image_id
            LIMIT 1
        )"""
"""A column of a file that has the image now: where older rows with its path were removed."""

_PLACED = """iif(row.path IS NULL, (
            SELECT id
            FROM history AS near INDEXED BY history_by_image
            WHERE near.image_id = row.image_id AND near.id < row.id AND near.path IS NOT NULL
            ORDER BY near.id DESC
            LIMIT 1
        ), NULL)"""
"""The row with the path of a row that has none: the last one of its image before it."""


@read
def images_of_path(db: sqlite3.Connection, folder: str, path: bytes) -> list[int]:
    """Return the images that a file with that path contained before it was gone."""
    return _images(
        db, "path = ? AND folder_id = (SELECT id FROM folder WHERE name = ?)", (path, folder)
    )


@read
def images_of_former_path(db: sqlite3.Connection, folder: str, path: bytes) -> list[int]:
    """Return the images of a file with that path whose directory was renamed; it reads all rows."""
    rows = db.execute(
        """
        SELECT DISTINCT image_id
        FROM history
        WHERE path = ? AND folder_id = (SELECT id FROM folder WHERE name = ?)
        LIMIT ?
        """,
        (path, folder, MOST_IMAGES),
    )
    return [image for (image,) in rows]


@read
def images_of_name(db: sqlite3.Connection, name: bytes) -> list[int]:
    """Return the images of files that are gone with that base name, or a pattern; it reads all."""
    return _images(
        db,
        """path = ?1 OR substr(path, -length(?1) - 1) = CAST('/' || ?1 AS BLOB)
            OR CAST(path AS TEXT) GLOB CAST(?1 AS TEXT)
            OR CAST(path AS TEXT) GLOB '*/' || CAST(?1 AS TEXT)""",
        (name,),
    )


@read
def images_of_hash(db: sqlite3.Connection, first: str, last: str) -> list[int]:
    """Return the images that had a hash from `first` to `last` in an account that lost them."""
    rows = db.execute(
        """
        SELECT DISTINCT image_id
        FROM history INDEXED BY history_of_lost
        WHERE what IN ('deleted', 'lost') AND hash BETWEEN ? AND ?
        LIMIT ?
        """,
        (first, last, MOST_IMAGES),
    )
    return [image for (image,) in rows]


def _images(db: sqlite3.Connection, where: str, values: Sequence[object]) -> list[int]:
    rows = db.execute(
        f"""
        SELECT DISTINCT image_id
        FROM history INDEXED BY history_of_gone
        WHERE what = 'gone' AND ({where})
        LIMIT ?{len(values) + 1}
        """,
        (*values, MOST_IMAGES),
    )
    return [image for (image,) in rows]
