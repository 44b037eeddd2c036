"""The reads behind `syncd status --files`: files by what is wrong with them, page by page."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from typing import TypeAlias

import msgspec

from syncd.ledger.statements import Read, read
from syncd.model import AccountId, joined, whole_path

PAGE = 500
"""Images or files in one read: short, so that the WAL of a running daemon does not grow."""


class ListedFile(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """A file, and why it, or its image in an account, is listed."""

    folder: str
    root: bytes
    directory: bytes  # relative to the folder
    name: bytes
    reason: str | None

    @property
    def path(self) -> bytes:
        """The absolute path."""
        return whole_path(self.root, joined(self.directory, self.name))


Key: TypeAlias = tuple[object, ...]
Page: TypeAlias = tuple[list[ListedFile], Key | None]
"""Files, and the key after which the next page begins; None: this was the last one."""


def missing(db: sqlite3.Connection, account: AccountId) -> Iterator[ListedFile]:
    """Yield each file whose image is missing in an account; the oldest come first."""
    yield from _all(db, lambda after: missing_page(account, after, PAGE), (-1, -1))
    yield from _all(db, lambda after: unconfirmed_page(account, after, PAGE), ("", 0, 0))


def rejected(db: sqlite3.Connection, account: AccountId) -> Iterator[ListedFile]:
    """Yield each file whose image an account rejects, by reason."""
    return _all(db, lambda after: rejected_page(account, after, PAGE), ("", -1))


def unread(db: sqlite3.Connection) -> Iterator[ListedFile]:
    """Yield each file that cannot be read or is not finished, by reason."""
    return _all(db, lambda after: unread_page(after, PAGE), ("", -1, b""))


def _all(
    db: sqlite3.Connection, page: Callable[[Key], Read[Page]], first: Key
) -> Iterator[ListedFile]:
    """Yield the files of every page, with one page in memory, and no read open between pages."""
    after: Key | None = first
    while after is not None:
        found, after = page(after)(db)
        yield from found


# LEFT: an image without such a file must not end a page early.
_FILES = """
        LEFT JOIN file INDEXED BY file_by_image ON file.image_id = found.image_id
        LEFT JOIN directory ON directory.id = file.directory_id
        LEFT JOIN folder ON folder.id = directory.folder_id
        LEFT JOIN route ON route.folder_id = folder.id AND route.account_id = found.account_id"""

_COLUMNS = """route.position IS NOT NULL AS listed, folder.name AS folder, folder.path AS root,
            directory.path AS directory, file.name"""


@read
def missing_page(db: sqlite3.Connection, account: AccountId, after: Key, images: int) -> Page:
    """Return the files of the next images that an account misses."""
    rows = db.execute(
        f"""
        SELECT found.wanted_at, found.image_id, {_COLUMNS}, replica.last_error AS reason
        FROM (
            SELECT account_id, wanted_at, image_id
            FROM replica INDEXED BY replica_missing
            WHERE account_id = (SELECT id FROM account WHERE act = ?)
                AND wanted = 1 AND hash IS NULL AND rejected IS NULL
                AND (wanted_at, image_id) > (?, ?)
            ORDER BY wanted_at, image_id
            LIMIT ?
        ) AS found
        JOIN replica USING (account_id, image_id)
        {_FILES}
        ORDER BY found.wanted_at, found.image_id
        """,
        (account, *after, images),
    )
    return _page(rows, len(after))


@read
def unconfirmed_page(db: sqlite3.Connection, account: AccountId, after: Key, images: int) -> Page:
    """Return the files of the next images that count as missing: their deletion was requested."""
    rows = db.execute(
        f"""
        SELECT found.hash, found.delete_sent_at, found.image_id, {_COLUMNS},
            coalesce(replica.last_error, 'its deletion was requested before') AS reason
        FROM (
            SELECT account_id, hash, delete_sent_at, image_id
            FROM replica INDEXED BY replica_unconfirmed
            WHERE account_id = (SELECT id FROM account WHERE act = ?)
                AND wanted = 1 AND hash IS NOT NULL AND delete_sent_at IS NOT NULL
                AND (hash, delete_sent_at, image_id) > (?, ?, ?)
            ORDER BY hash, delete_sent_at, image_id
            LIMIT ?
        ) AS found
        JOIN replica USING (account_id, image_id)
        {_FILES}
        ORDER BY found.hash, found.delete_sent_at, found.image_id
        """,
        (account, *after, images),
    )
    return _page(rows, len(after))


@read
def rejected_page(db: sqlite3.Connection, account: AccountId, after: Key, images: int) -> Page:
    """Return the files of the next images that an account rejects."""
    rows = db.execute(
        f"""
        SELECT found.rejected, found.image_id, {_COLUMNS}, found.rejected AS reason
        FROM (
            SELECT account_id, rejected, image_id
            FROM replica INDEXED BY replica_rejected
            WHERE account_id = (SELECT id FROM account WHERE act = ?)
                AND rejected IS NOT NULL AND wanted = 1
                AND (rejected, image_id) > (?, ?)
            ORDER BY rejected, image_id
            LIMIT ?
        ) AS found
        {_FILES}
        ORDER BY found.rejected, found.image_id
        """,
        (account, *after, images),
    )
    return _page(rows, len(after))


@read
def unread_page(db: sqlite3.Connection, after: Key, files: int) -> Page:
    """Return the next files that cannot be read or are not finished."""
    rows = db.execute(
        """
        SELECT found.error, found.directory_id, found.name,
            1 AS listed, folder.name AS folder, folder.path AS root, directory.path AS directory,
            found.name, found.error AS reason
        FROM (
            SELECT error, directory_id, name
            FROM file INDEXED BY file_with_error
            WHERE error IS NOT NULL AND (error, directory_id, name) > (?, ?, ?)
            ORDER BY error, directory_id, name
            LIMIT ?
        ) AS found
        JOIN directory ON directory.id = found.directory_id
        JOIN folder ON folder.id = directory.folder_id
        ORDER BY found.error, found.directory_id, found.name
        """,
        (*after, files),
    )
    return _page(rows, len(after))


def _page(rows: sqlite3.Cursor, key: int) -> Page:
    """Return a page of rows whose first `key` columns are their key."""
    names = [column for column, *_ in rows.description[key + 1 :]]
    found: list[ListedFile] = []
    last: Key | None = None
    for row in rows:
        last, listed = row[:key], row[key]
        if listed:
            found.append(ListedFile(**dict(zip(names, row[key + 1 :], strict=True))))
    return found, last
