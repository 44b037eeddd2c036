"""Reads behind the pages of `syncd web`: images page by page, the newest first.

A page begins below a key, the id of an image: ids are in order of arrival. Where a condition
selects few images, an index finds all of them, and the page is taken from these candidates. Where
every condition selects many, images are examined in the order of the page; each read examines a
limited number, so that it is short, and returns where the next one begins.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence

import msgspec

from syncd.ledger.library_candidates import few_candidates
from syncd.ledger.library_filter import Filter, State, conditions, is_of_images
from syncd.ledger.statements import as_structs, read
from syncd.model import AccountId

FILES_SHOWN = 3
"""Files of an image on a page; more are only counted."""


class Work(msgspec.Struct, frozen=True):
    """How much one read does: each takes some 15 ms in a ledger of a million files."""

    examined: int = 5_000
    """Images that are examined in the order of the page, with their files or replicas."""
    scanned: int = 200_000
    """Images that are examined in the order of the page, and nothing else."""
    few: int = 20_000
    """Candidates that are collected and sorted; more than these are not few."""


class CardFile(msgspec.Struct, frozen=True, kw_only=True):
    """A file of an image; `directory` is relative to the folder, whose path is `root`."""

    folder: str
    root: bytes
    directory: bytes
    name: bytes
    mtime_ns: int


class CardReplica(msgspec.Struct, frozen=True, kw_only=True):
    """An image in one account."""

    account: AccountId
    state: State
    copied_from: AccountId | None
    hash: str | None  # None unless it is held
    why: str | None  # it is rejected, or its last attempt failed


class Card(msgspec.Struct, frozen=True, kw_only=True):
    """An image with what a page shows of it."""

    id: int
    digest: bytes
    size: int
    format: str | None
    width: int | None
    height: int | None
    unsupported: str | None
    files: list[CardFile]  # FILES_SHOWN at most
    file_count: int
    replicas: list[CardReplica]


class SourceFile(msgspec.Struct, frozen=True, kw_only=True):
    """A file of an image, with what its stat(2) was when it was read."""

    root: bytes
    directory: bytes  # relative to the root
    name: bytes
    size: int
    mtime_ns: int


class Page(msgspec.Struct, frozen=True):
    """Images, and the key of the next page; None after the last page.

    A page with a key can have fewer images than were requested, or none: its read has ended.
    """

    images: list[Card]
    after: int | None


_WORK = Work()


@read
def page(
    db: sqlite3.Connection, wanted: Filter, before: int | None, limit: int, work: Work = _WORK
) -> Page:
    """Return the next `limit` images with ids below `before`, or the newest."""
    wanted, candidates = few_candidates(db, wanted, work.few)
    if candidates is None:
        before = _begin(db, before)
        first = before - (work.scanned if is_of_images(wanted) else work.examined)
        images, after = _examined(db, wanted, (max(0, first), before), limit)
    else:
        below = [one for one in candidates if before is None or one < before]
        images, after = _chosen(db, wanted, sorted(below, reverse=True), limit)
    return Page(cards(images)(db), after)


@read
def cards(db: sqlite3.Connection, images: Sequence[int]) -> list[Card]:
    """Return what a page shows of these images, in this order."""
    return [_card(db, image) for image in images]


@read
def sources(db: sqlite3.Connection, digest: bytes) -> list[SourceFile]:
    """Return the first files of an image."""
    rows = db.execute(
        """
        SELECT folder.path AS root, directory.path AS directory, file.name, file.size, file.mtime_ns
        FROM file INDEXED BY file_by_image
        JOIN directory ON directory.id = file.directory_id
        JOIN folder ON folder.id = directory.folder_id
        WHERE file.image_id = (SELECT id FROM image WHERE sha256 = ?)
        LIMIT ?
        """,
        (digest, FILES_SHOWN),
    )
    return as_structs(rows, SourceFile)


@read
def ids(db: sqlite3.Connection, digests: Sequence[bytes]) -> list[int]:
    """Return the ids of the images with these SHA-256, in this order; unknown ones are left out."""
    rows = db.execute(
        f"""
        SELECT sha256, id
        FROM image
        WHERE sha256 IN ({_marks(digests)})
        """,
        digests,
    )
    known = dict(rows.fetchall())
    return [known[digest] for digest in digests if digest in known]


def _begin(db: sqlite3.Connection, before: int | None) -> int:
    if before is not None:
        return before
    (newest,) = db.execute("SELECT coalesce(max(id), 0) FROM image").fetchone()
    return int(newest) + 1


def _examined(
    db: sqlite3.Connection, wanted: Filter, between: tuple[int, int], limit: int
) -> tuple[list[int], int | None]:
    """Return up to `limit` of the images that are wanted, and the key of the next page.

    The ids are at least the first and below the second of `between`.
    """
    where, values = conditions(wanted)
    rows = db.execute(
        f"""
        SELECT id
        FROM image
        WHERE id >= ? AND id < ?{where}
        ORDER BY id DESC
        LIMIT ?
        """,
        (*between, *values, limit),
    )
    found = [image for (image,) in rows]
    after = found[-1] if len(found) == limit else between[0]
    return found, after if after > 1 else None


def _chosen(
    db: sqlite3.Connection, wanted: Filter, candidates: Sequence[int], limit: int
) -> tuple[list[int], int | None]:
    """Return the first `limit` of the candidates that are wanted, and the key of the next page."""
    where, values = conditions(wanted)
    found: list[int] = []
    for first in range(0, len(candidates), _PIECE):
        piece = candidates[first : first + _PIECE]
        rows = db.execute(
            f"""
            SELECT id
            FROM image
            WHERE id IN ({_marks(piece)}){where}
            """,
            (*piece, *values),
        )
        found += sorted((image for (image,) in rows), reverse=True)
        if len(found) > limit:
            return found[:limit], found[limit - 1]
    return found, None


_PIECE = 500  # candidates of one statement


def _card(db: sqlite3.Connection, image: int) -> Card:
    digest, size, form, width, height, unsupported, count = db.execute(
        """
        SELECT sha256, size, format, width, height, unsupported,
            (SELECT count(*) FROM file INDEXED BY file_by_image WHERE image_id = image.id)
        FROM image
        WHERE id = ?
        """,
        (image,),
    ).fetchone()
    files = db.execute(
        """
        SELECT folder.name AS folder, folder.path AS root, directory.path AS directory, file.name,
            file.mtime_ns
        FROM file INDEXED BY file_by_image
        JOIN directory ON directory.id = file.directory_id
        JOIN folder ON folder.id = directory.folder_id
        WHERE file.image_id = ?
        LIMIT ?
        """,
        (image, FILES_SHOWN),
    )
    replicas = db.execute(
        """
        SELECT account.act AS account,
            iif(state = 'held' AND copied_from IS NOT NULL, 'copied', state) AS state, copied_from,
            iif(state IN ('held', 'unwanted'), hash, NULL) AS hash,
            coalesce(rejected, last_error) AS why
        FROM replica
        JOIN account ON account.id = replica.account_id
        WHERE image_id = ? AND state <> 'forgotten'
        ORDER BY account.id
        """,
        (image,),
    )
    return Card(
        id=image,
        digest=digest,
        size=size,
        format=form,
        width=width,
        height=height,
        unsupported=unsupported,
        files=as_structs(files, CardFile),
        file_count=count,
        replicas=as_structs(replicas, lambda **row: msgspec.convert(row, CardReplica)),
    )


def _marks(values: Sequence[object]) -> str:
    return ",".join("?" * len(values))
