"""The read behind `syncd export`: every file in every account of its folder, page by page."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from enum import StrEnum

import msgspec

from syncd.images.unfinished import is_unfinished, sentence
from syncd.ledger.statements import read
from syncd.model import AccountId

PAGE = 500
"""Files in one read: short, so that the WAL of a running daemon does not grow meanwhile."""


class Status(StrEnum):
    """The status of a file's image in an account."""

    HELD = "held"
    MISSING = "missing"
    REJECTED = "rejected"
    UNREADABLE = "unreadable"
    UNFINISHED = "unfinished"


class Row(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """A file in an account, as the ledger has it; size in bytes."""

    folder: str
    root: bytes
    directory: bytes  # relative to the folder
    file: bytes
    account: AccountId
    digest: bytes | None
    size: int
    hash: str | None
    name: str | None  # of the image, in the account
    unread: str | None  # why, as in the next two; or a code of an unfinished file
    rejected: str | None
    trouble: str | None

    @property
    def path(self) -> bytes:
        """The absolute path."""
        below = self.directory + b"/" + self.file if self.directory else self.file
        return self.root.rstrip(b"/") + b"/" + below

    @property
    def status(self) -> Status:
        """The status of the image."""
        if self.unread is not None:
            return Status.UNFINISHED if is_unfinished(self.unread) else Status.UNREADABLE
        if self.hash is not None:
            return Status.HELD
        return Status.MISSING if self.rejected is None else Status.REJECTED

    @property
    def reason(self) -> str | None:
        """Why the image is not held, where that is known."""
        match self.status:
            case Status.UNREADABLE | Status.UNFINISHED:
                return None if self.unread is None else sentence(self.unread)
            case Status.REJECTED:
                return self.rejected
            case Status.MISSING:
                return self.trouble
            case Status.HELD:
                return None


class Key(msgspec.Struct, frozen=True):
    """The last file of a page; the next page begins after it."""

    directory_id: int
    name: bytes


START = Key(-1, b"")


class Page(msgspec.Struct, frozen=True):
    """The rows of some files, and the last of these files; None: all files were read before."""

    rows: list[Row]
    last: Key | None


@read
def page(db: sqlite3.Connection, after: Key, files: int) -> Page:
    """Return the rows of the next `files` files in the order of the table's own key.

    A file whose folder feeds no account has no row.
    """
    found = db.execute(
        """
        SELECT found.directory_id, found.name,
            folder.name AS folder, folder.path AS root, directory.path AS directory,
            found.name AS file, account.act AS account, image.sha256 AS digest, found.size,
            iif(replica.delete_sent_at IS NULL, replica.hash, NULL) AS hash,
            replica.remote_name AS name, found.error AS unread,
            replica.rejected, replica.last_error AS trouble
        FROM (
            SELECT directory_id, name, image_id, size, error
            FROM file
            WHERE (directory_id, name) > (?, ?)
            ORDER BY directory_id, name
            LIMIT ?
        ) AS found
        JOIN directory ON directory.id = found.directory_id
        JOIN folder ON folder.id = directory.folder_id
        LEFT JOIN image ON image.id = found.image_id
        LEFT JOIN route ON route.folder_id = folder.id
        LEFT JOIN account ON account.id = route.account_id
        LEFT JOIN replica
            ON replica.account_id = route.account_id AND replica.image_id = found.image_id
        ORDER BY found.directory_id, found.name, account.act
        """,
        (after.directory_id, after.name, files),
    )
    names = [column for column, *_ in found.description[2:]]
    rows = []
    last: Key | None = None
    for directory_id, name, *columns in found:
        last = Key(directory_id, name)
        row = dict(zip(names, columns, strict=True))
        if row["account"] is not None:
            rows.append(Row(**row))
    return Page(rows, last)


def rows(db: sqlite3.Connection, page_size: int = PAGE) -> Iterator[Row]:
    """Yield every row with one page in memory, and no read open between pages.

    A page is a snapshot, the whole is not: a file that is moved meanwhile may be missing or
    appear twice.
    """
    after: Key | None = START
    while after is not None:
        found = page(after, page_size)(db)
        yield from found.rows
        after = found.last
