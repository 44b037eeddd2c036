"""The question behind `syncd export`: every file in every account of its folder, by pages."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from syncd.ledger.statements import read
from syncd.model import AccountId

PAGE = 500
"""Files of one read: it is short, so that the WAL of a running daemon does not grow meanwhile."""


class Status(StrEnum):
    """How a file's image stands in an account."""

    HELD = "held"
    MISSING = "missing"
    REJECTED = "rejected"
    UNREADABLE = "unreadable"


@dataclass(frozen=True, slots=True)
class Row:
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
    unreadable: str | None  # why, and so on
    rejected: str | None
    trouble: str | None

    @property
    def path(self) -> bytes:
        """The whole path."""
        below = self.directory + b"/" + self.file if self.directory else self.file
        return self.root.rstrip(b"/") + b"/" + below

    @property
    def status(self) -> Status:
        """How it stands."""
        if self.digest is None:
            return Status.UNREADABLE
        if self.hash is not None:
            return Status.HELD
        return Status.MISSING if self.rejected is None else Status.REJECTED

    @property
    def reason(self) -> str | None:
        """Why it is not held, where that is known."""
        match self.status:
            case Status.UNREADABLE:
                return self.unreadable
            case Status.REJECTED:
                return self.rejected
            case Status.MISSING:
                return self.trouble
            case Status.HELD:
                return None


@dataclass(frozen=True, slots=True)
class Key:
    """Where a page ends, and the next one begins."""

    directory_id: int
    name: bytes


START = Key(-1, b"")


@dataclass(frozen=True, slots=True)
class Page:
    """The rows of some files, and the last of these; None when there was none left."""

    rows: list[Row]
    last: Key | None


@read
def page(db: sqlite3.Connection, after: Key, files: int) -> Page:
    """Return the rows of so many files in the order of the table's own key.

    A file whose folder has no account any more has no row.
    """
    found = db.execute(_PAGE, (after.directory_id, after.name, files)).fetchall()
    return Page(
        [Row(*row) for _, *row in found if row[4] is not None],
        Key(found[-1][0], found[-1][4]) if found else None,
    )


def rows(db: sqlite3.Connection) -> Iterator[Row]:
    """Go through the whole ledger with one page in memory, and no read open between pages.

    A page is of one moment, the whole is not: a file that is moved meanwhile may come twice or not.
    """
    after: Key | None = START
    while after is not None:
        found = page(after, PAGE)(db)
        yield from found.rows
        after = found.last


_PAGE = (
    "SELECT found.directory_id, folder.name, folder.path, directory.path, found.name,"
    " route.account, found.digest, found.size, replica.hash, answer.name, found.trouble,"
    " replica.rejected, replica.trouble"
    " FROM (SELECT directory_id, name, digest, size, trouble FROM file"
    " WHERE (directory_id, name) > (?, ?) ORDER BY directory_id, name LIMIT ?) AS found"
    " JOIN directory ON directory.id = found.directory_id"
    " JOIN folder ON folder.id = directory.folder_id"
    " LEFT JOIN route ON route.folder_id = folder.id"
    " LEFT JOIN replica ON replica.account = route.account AND replica.digest = found.digest"
    " LEFT JOIN answer ON answer.account = route.account AND answer.digest = found.digest"
    " ORDER BY found.directory_id, found.name, route.account"
)
