"""Reads of the history, for `syncd log`: its rows, and the images that it knows.

A stored row about several images is read as one row for each.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Iterator, Sequence
from itertools import islice
from typing import Any

import msgspec

from syncd.ledger import history
from syncd.ledger.history import What
from syncd.ledger.statements import MOST_VARIABLES, read
from syncd.model import AccountId, joined

MOST_IMAGES = 200
"""Images whose rows one search reads."""

_MOST_SOUGHT = 4
"""Images for which SQLite searches rows about several: 10 to 20 ms for each in a million images.

For more of them, comparing sets in Python is faster."""


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """A row about one image, or none; `at` in unix seconds.

    `path` is relative to the folder, whose path is `root`. The rows of one commit about several
    images have the same id.
    """

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
    return _complete(db, list(islice(_stored(db, wanted, "true", "DESC"), limit))[::-1])


@read
def after(db: sqlite3.Connection, wanted: Filter, last: int, limit: int) -> list[Row]:
    """Return the first rows after the id `last` that the filter selects.

    They are `limit`, if there are so many, and the others that have the last one's id.
    """
    rows = list[_Stored]()
    for row in _stored(db, wanted, f"id > {last:d}", "ASC"):
        if len(rows) >= limit and row.id != rows[-1].id:
            break
        rows.append(row)
    return _complete(db, rows)


class _Stored(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """A row of the table, or the part of it that is about one of its images."""

    id: int
    at: int
    what: str
    account_id: int | None
    image_id: int | None
    place: _Place | None
    hash: str | None
    why: str | None
    user: str | None


_Place = tuple[int, bytes]
"""Folder id, path relative to the folder."""


def _stored(db: sqlite3.Connection, wanted: Filter, where: str, order: str) -> Iterator[_Stored]:
    """Yield the rows that the filter selects, in that order of ids."""
    conditions, values = _conditions(db, wanted)
    rows = db.execute(
        f"""
        SELECT images, id, at, what, account_id, image_id, folder_id, path, hash, why, user
        FROM history AS row
        WHERE {" AND ".join([where, *conditions])}
        ORDER BY id {order}
        """,
        values,
    )
    wanted_images = None if wanted.images is None else frozenset(wanted.images)
    for packed, row_id, at, what, account_id, image, folder_id, path, image_hash, why, user in rows:
        place = None if path is None else (folder_id, path)
        for one in _parts(packed, image, wanted_images, order):
            yield _Stored(
                id=row_id,
                at=at,
                what=what,
                account_id=account_id,
                image_id=one,
                place=place,
                hash=image_hash,
                why=why,
                user=user,
            )


def _parts(
    packed: bytes | None, image: int | None, wanted: frozenset[int] | None, order: str
) -> Sequence[int | None]:
    """Return the images of a row, in the order of the rows, that are wanted."""
    if packed is None:
        return [image]
    images = history.unpack(packed)
    if wanted is not None and wanted.isdisjoint(images):  # most rows; this is several times as fast
        return ()
    if wanted is not None:
        images = tuple(one for one in images if one in wanted)
    return images if order == "ASC" else images[::-1]


def _conditions(db: sqlite3.Connection, wanted: Filter) -> tuple[list[str], list[object]]:
    """Return the conditions on rows that the filter selects, and their values.

    Some selected rows about several images contain none of those that are wanted.
    """
    conditions, values = list[str](), list[object]()
    if wanted.accounts is not None:
        accounts = f"SELECT id FROM account WHERE act IN ({_marks(wanted.accounts)})"
        conditions.append(f"account_id IN ({accounts})")
        values += wanted.accounts
    if wanted.whats is not None:
        conditions.append(f"what IN ({_marks(wanted.whats)})")
        values += wanted.whats
    if wanted.since is not None:
        conditions.append("at >= ? AND id >= ?")
        values += [wanted.since, history.first_since(db, wanted.since)]
    if wanted.images is not None:
        contains = [f"image_id IN ({_marks(wanted.images)})"]
        values += wanted.images
        if len(wanted.images) > _MOST_SOUGHT:  # the caller compares rows about two images or more
            contains.append(f"length(images) > 4 OR images IN ({_marks(wanted.images)})")
        else:
            contains += ["instr(images, ?)"] * len(wanted.images)
        values += [history.pack([image]) for image in wanted.images]
        conditions.append(f"({' OR '.join(contains)})")
    return conditions, values


class _Own(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """A row about one image only, which may have its path or hash."""

    id: int
    what: str
    account_id: int | None
    place: _Place | None
    hash: str | None


def _complete(db: sqlite3.Connection, rows: Sequence[_Stored]) -> list[Row]:
    """Return the rows with their images' paths and hashes."""
    ids = {row.image_id for row in rows if row.image_id is not None}
    own = _own(db, ids)
    places = [_recorded_place(row, own.get(row.image_id, ())) for row in rows]
    unplaced = {
        row.image_id
        for row, place in zip(rows, places, strict=True)
        if row.image_id is not None and place is None
    }
    present = _present(db, unplaced)
    digests = dict(_of_images(db, "SELECT id, sha256 FROM image WHERE id IN ({marks})", ids))
    hashes = _hashes(db, ids)
    accounts = dict(db.execute("SELECT id, act FROM account"))
    roots = dict(db.execute("SELECT id, path FROM folder"))
    found = list[Row]()
    for row, recorded in zip(rows, places, strict=True):
        its = own.get(row.image_id, ())
        place = recorded or _present_place(its, present.get(row.image_id, ()))
        found.append(
            Row(
                id=row.id,
                at=row.at,
                what=What(row.what),
                account=accounts.get(row.account_id),
                digest=digests.get(row.image_id),
                hash=_hash(row, its, hashes.get((row.image_id, row.account_id))),
                root=None if place is None else roots[place[0]],
                path=None if place is None else place[1],
                why=row.why,
                user=row.user,
            )
        )
    return found


def _recorded_place(row: _Stored, own: Sequence[_Own]) -> _Place | None:
    """Return the path of a row's image as its own rows have it, the oldest of which is first.

    That is the one of the last row before it or, without any, of the file that was found first: it
    is the first one that is gone and that no row has found.
    """
    if row.place is not None:
        return row.place
    before = [one.place for one in own if one.id < row.id and one.place is not None]
    if before:
        return before[-1]
    found = set[_Place]()
    for one in own:
        if one.place is None or one.place in found:
            continue
        if one.what != What.FOUND:
            return one.place
        found.add(one.place)
    return None


def _present_place(own: Sequence[_Own], files: Sequence[_Place]) -> _Place | None:
    """Return the file of an image that was found first: of its files, one that no row has found."""
    found = {one.place for one in own if one.what == What.FOUND}
    return next((file for file in files if file not in found), files[0] if files else None)


def _hash(row: _Stored, own: Sequence[_Own], now: str | None) -> str | None:
    """Return the hash in the account: what it lost next or, where it has lost none, has now."""
    if row.what == What.REJECTED:
        return None
    if row.hash is not None or row.account_id is None:
        return row.hash
    later = (
        one.hash
        for one in own
        if one.id > row.id and one.account_id == row.account_id and one.hash is not None
    )
    return next(later, now)


def _own(db: sqlite3.Connection, images: Collection[int]) -> dict[int | None, list[_Own]]:
    """Return the rows that are about one of these images only, by the image, the oldest first."""
    own: dict[int | None, list[_Own]] = {}
    for image, row_id, what, account_id, folder_id, path, image_hash in _of_images(
        db,
        """
        SELECT image_id, id, what, account_id, folder_id, path, hash
        FROM history INDEXED BY history_by_image
        WHERE image_id IN ({marks})
        ORDER BY id
        """,
        images,
    ):
        place = None if path is None else (folder_id, path)
        own.setdefault(image, []).append(
            _Own(id=row_id, what=what, account_id=account_id, place=place, hash=image_hash)
        )
    return own


def _present(db: sqlite3.Connection, images: Collection[int]) -> dict[int | None, list[_Place]]:
    """Return the files that these images have now."""
    files: dict[int | None, list[_Place]] = {}
    for image, folder_id, directory, name in _of_images(
        db,
        """
        SELECT file.image_id, directory.folder_id, directory.path, file.name
        FROM file INDEXED BY file_by_image
        JOIN directory ON directory.id = file.directory_id
        WHERE file.image_id IN ({marks})
        """,
        images,
    ):
        files.setdefault(image, []).append((folder_id, joined(directory, name)))
    return files


def _hashes(
    db: sqlite3.Connection, images: Collection[int]
) -> dict[tuple[int | None, int | None], str]:
    """Return the hashes that accounts have for these images now, by image and account."""
    rows = _of_images(
        db,
        """
        SELECT image_id, account_id, hash
        FROM replica
        WHERE image_id IN ({marks}) AND hash IS NOT NULL
        """,
        images,
    )
    return {(image, account): image_hash for image, account, image_hash in rows}


def _of_images(
    db: sqlite3.Connection, statement: str, images: Collection[int]
) -> Iterator[tuple[Any, ...]]:
    """Yield the rows of a statement whose `{marks}` are the images, up to the most at once."""
    ids = list(images)
    for first in range(0, len(ids), MOST_VARIABLES):
        some = ids[first : first + MOST_VARIABLES]
        yield from db.execute(statement.format(marks=_marks(some)), some)


def _marks(values: Sequence[object]) -> str:
    return ",".join("?" * len(values))


@read
def images_of_path(db: sqlite3.Connection, folder: str, path: bytes) -> list[int]:
    """Return the images that a file with that path contained before it was gone."""
    return _images(
        db, "path = ? AND folder_id = (SELECT id FROM folder WHERE name = ?)", (path, folder)
    )


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
