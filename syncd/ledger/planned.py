"""The reads behind `syncd plan --files` that no other command needs."""

from __future__ import annotations

import sqlite3
from collections.abc import Collection

import msgspec

from syncd.ledger.pending import PENDING
from syncd.ledger.statements import as_structs, full_path, read
from syncd.model import AccountId, Copying, Digest


class Way(msgspec.Struct, frozen=True, kw_only=True):
    """How a missing image gets into an account."""

    first: tuple[str, bytes, bytes]
    """The folder, the directory and the name of the first of its files: that is sent."""
    mirror: Copying | None
    """The setting of a folder that has the account as a mirror; COPY, if one has that."""
    held_elsewhere: bool
    """Another account holds the image."""


@read
def way(
    db: sqlite3.Connection, account: AccountId, digest: Digest, folders: Collection[str]
) -> Way:
    """Return how an image gets into an account that needs it because of one of these folders."""
    rows = db.execute(
        """
        SELECT folder.name, directory.path, file.name, folder.copying, route.position,
            EXISTS (
                SELECT 1
                FROM replica
                WHERE replica.image_id = image.id AND replica.account_id <> route.account_id
                    AND replica.hash IS NOT NULL AND replica.delete_sent_at IS NULL
            )
        FROM image
        CROSS JOIN file INDEXED BY file_by_image ON file.image_id = image.id
        JOIN directory ON directory.id = file.directory_id
        JOIN folder ON folder.id = directory.folder_id
        JOIN route
            ON route.folder_id = folder.id
            AND route.account_id = (SELECT id FROM account WHERE act = ?)
        WHERE image.sha256 = ?
        ORDER BY file.directory_id, file.name
        """,
        (account, digest),
    ).fetchall()
    first = next(row for row in rows if row[0] in folders)
    ways = [Copying(how) for *_, how, position, _ in rows if position > 0]
    mirror = Copying.COPY if Copying.COPY in ways else ways[0] if ways else None
    return Way(first=first[:3], mirror=mirror, held_elsewhere=bool(first[-1]))


class PlannedDeletion(msgspec.Struct, frozen=True, kw_only=True):
    """An image that is to be deleted from an account."""

    folder: str
    file: bytes  # the whole path of its last file
    account: AccountId
    size: int
    state: str


@read
def deletions(db: sqlite3.Connection) -> list[PlannedDeletion]:
    """Return the deletions that have not ended, in the order of their paths."""
    rows = db.execute(
        f"""
        SELECT folder.name AS folder, {full_path("deletion.path")} AS file,
            account.act AS account, image.size, deletion.state
        FROM deletion
        JOIN folder ON folder.id = deletion.folder_id
        JOIN account ON account.id = deletion.account_id
        JOIN image ON image.id = deletion.image_id
        WHERE {PENDING}
        ORDER BY folder.name, deletion.path, account.act
        """
    )
    return as_structs(rows, PlannedDeletion)
