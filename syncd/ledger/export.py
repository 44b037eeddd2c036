"""The reads behind `syncd export`: every file in every account of its folder, page by page.

Images that an account holds without a file are read in the same way.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from enum import StrEnum

import msgspec

from syncd.images.unfinished import is_unfinished, sentence
from syncd.ledger.statements import read
from syncd.model import AccountId, joined, whole_path

PAGE = 500
"""Files in one read: short, so that the WAL of a running daemon does not grow meanwhile."""


class State(StrEnum):
    """The state of a file's image in an account."""

    HELD = "held"
    MISSING = "missing"
    REJECTED = "rejected"
    UNREADABLE = "unreadable"
    UNFINISHED = "unfinished"
    KEPT = "kept"
    CONDEMNED = "condemned"
    UNWANTED = "unwanted"
    """No file needs it; the account holds it all the same, as in the two before."""


class HeldImage(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """An image that an account holds, and that no file needs there; size in bytes."""

    folder: str | None  # of its last file, if that is known
    root: bytes | None
    path: bytes | None  # relative to the folder
    account: AccountId
    digest: bytes
    size: int
    hash: str
    name: str | None
    kept: str | None  # why it is kept
    deletion: str | None  # the state of its deletion
    why_there: str | None

    @property
    def state(self) -> State:
        """Why it is still in the account, in one word."""
        if self.kept is not None:
            return State.KEPT
        return State.UNWANTED if self.deletion is None else State.CONDEMNED

    @property
    def why(self) -> str | None:
        """Why it is kept, or the state of its deletion."""
        return self.kept or self.why_there or self.deletion


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
        return whole_path(self.root, joined(self.directory, self.file))

    @property
    def state(self) -> State:
        """The state of the image."""
        if self.unread is not None:
            return State.UNFINISHED if is_unfinished(self.unread) else State.UNREADABLE
        if self.hash is not None:
            return State.HELD
        return State.MISSING if self.rejected is None else State.REJECTED

    @property
    def why(self) -> str | None:
        """Why the image is not held, where that is known."""
        match self.state:
            case State.UNREADABLE | State.UNFINISHED:
                return None if self.unread is None else sentence(self.unread)
            case State.REJECTED:
                return self.rejected
            case State.MISSING:
                return self.trouble
            case _:
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
def page(db: sqlite3.Connection, after: Key, files: int, account: AccountId | None = None) -> Page:
    """Return the rows of the next `files` files in the order of the table's own key.

    A file whose folder feeds no account has no row. With `account`, these are the files of the
    folders that feed it.
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
            WHERE (directory_id, name) > (?1, ?2)
                AND (
                    ?4 IS NULL
                    OR directory_id IN (
                        SELECT directory.id
                        FROM directory JOIN route USING (folder_id)
                        WHERE route.account_id = (SELECT id FROM account WHERE act = ?4)
                    )
                )
            ORDER BY directory_id, name
            LIMIT ?3
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
        (after.directory_id, after.name, files, account),
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


def rows(
    db: sqlite3.Connection, account: AccountId | None = None, page_size: int = PAGE
) -> Iterator[Row]:
    """Yield every row, or those of the folders that feed `account`.

    There is one page in memory, and no read open between pages. A page is a snapshot, the whole is
    not: a file that is moved meanwhile may be missing or appear twice.
    """
    after: Key | None = START
    while after is not None:
        found = page(after, page_size, account)(db)
        yield from found.rows
        after = found.last


@read
def held_page(
    db: sqlite3.Connection, account: AccountId, after: int, images: int
) -> tuple[list[HeldImage], int | None]:
    """Return the next images that an account holds without a file, and where to continue."""
    found = db.execute(
        """
        SELECT unwanted.image_id, folder.name AS folder, folder.path AS root,
            coalesce(kept.path, deletion.path) AS path, ?1 AS account, image.sha256 AS digest,
            image.size, replica.hash, replica.remote_name AS name, kept.reason AS kept,
            deletion.state AS deletion, deletion.reason AS why_there
        FROM (
            SELECT account_id, image_id
            FROM replica INDEXED BY replica_unwanted
            WHERE account_id = (SELECT id FROM account WHERE act = ?1)
                AND wanted = 0 AND hash IS NOT NULL AND image_id > ?2
            ORDER BY image_id
            LIMIT ?3
        ) AS unwanted
        JOIN replica USING (account_id, image_id)
        JOIN image ON image.id = unwanted.image_id
        LEFT JOIN kept USING (account_id, image_id)
        LEFT JOIN deletion USING (account_id, image_id)
        LEFT JOIN folder ON folder.id = coalesce(kept.folder_id, deletion.folder_id)
        ORDER BY unwanted.image_id
        """,
        (account, after, images),
    )
    names = [column for column, *_ in found.description[1:]]
    rows, last = [], None
    for last, *columns in found:  # noqa: B007  the last one is returned
        rows.append(HeldImage(**dict(zip(names, columns, strict=True))))
    return rows, last


def held_without_file(
    db: sqlite3.Connection, account: AccountId, page_size: int = PAGE
) -> Iterator[HeldImage]:
    """Yield every image that an account holds and no file needs there, as `rows` does."""
    after: int | None = 0
    while after is not None:
        found, after = held_page(account, after, page_size)(db)
        yield from found
