"""Statements about the files that contain an image, from which its bytes can be read."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence

import msgspec

from syncd.ledger.stat_columns import from_columns
from syncd.ledger.statements import read
from syncd.model import AccountId, Digest, Stat, joined, printable, whole_path

_SOURCES = 8  # files of one image that are worth trying before the ledger is read again


class Source(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """A file that contained an image when it was last read."""

    folder_id: int
    root: bytes
    directory: bytes
    name: bytes
    stat: Stat

    @property
    def path(self) -> bytes:
        """The path relative to the folder."""
        return joined(self.directory, self.name)

    def __str__(self) -> str:
        """Return the absolute path as printable text."""
        return printable(whole_path(self.root, self.path))


class Loaded(msgspec.Struct, frozen=True):
    """An image whose bytes are in memory, and the file that gives it its name."""

    digest: Digest
    content: bytes
    source: Source
    format: str | None


@read
def of_image(
    db: sqlite3.Connection, account: AccountId, digest: Digest, limit: int = _SOURCES
) -> list[Source]:
    """Return at most `limit` files that contain an image, in folders that feed this account."""
    rows = db.execute(
        """
        SELECT folder.id, folder.path, directory.path, file.name,
            file.device, file.inode, file.size, file.mtime_ns, file.ctime_ns
        FROM image
        JOIN file ON file.image_id = image.id
        JOIN directory ON directory.id = file.directory_id
        JOIN folder ON folder.id = directory.folder_id
        JOIN route
            ON route.folder_id = folder.id
            AND route.account_id = (SELECT id FROM account WHERE act = ?)
        WHERE image.sha256 = ?
        ORDER BY EXISTS (
            SELECT 1
            FROM missed
            WHERE missed.directory_id = file.directory_id AND missed.name = file.name
        )
        LIMIT ?
        """,
        (account, digest, limit),
    )
    return [
        Source(
            folder_id=folder_id,
            root=root,
            directory=directory,
            name=name,
            stat=from_columns(*stat),
        )
        for folder_id, root, directory, name, *stat in rows
    ]


@read
def of_images(
    db: sqlite3.Connection, account: AccountId, digests: Sequence[Digest]
) -> list[tuple[Digest, list[Source]]]:
    """Return each image with its files as `of_image` does, in the order of the arguments."""
    return [(digest, of_image(account, digest)(db)) for digest in digests]
