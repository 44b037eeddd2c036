"""Statements about copies: which accounts hold what a mirror misses."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence

import msgspec

from syncd.ledger.statements import read
from syncd.model import AccountId, Copying, Digest, FolderName, ImageHash
from syncd.rules.limitation import RETRY_REFUSED


class Holder(msgspec.Struct, frozen=True):
    """An account that holds an image, and the image's hash there."""

    account: AccountId
    hash: ImageHash


class Expected(msgspec.Struct, frozen=True):
    """An image that the own account of a folder is about to hold."""

    digest: Digest
    account: AccountId
    folder: FolderName


class CopySources(msgspec.Struct, frozen=True):
    """The accounts that an image may be copied from, the best first."""

    how: Copying
    holders: tuple[Holder, ...]


@read
def sources(
    db: sqlite3.Connection, account: AccountId, digests: Sequence[Digest], now: float
) -> tuple[dict[Digest, CopySources], list[Expected]]:
    """Return which of these images a mirror may copy now, and which it may wait for.

    An image that becomes held between the two reads is in both results, never in neither.
    """
    soon = expected(account, digests, now)(db)
    return holders(account, digests, now)(db), soon


@read
def holders(
    db: sqlite3.Connection, account: AccountId, digests: Sequence[Digest], now: float
) -> dict[Digest, CopySources]:
    """Return which of these images a mirror may copy; blocked sources are left out."""
    marks = ",".join("?" * len(digests))
    rows = db.execute(
        f"""
        SELECT image.sha256, folder.copying, source.act, replica.hash, min(theirs.position)
        FROM image
        JOIN file ON file.image_id = image.id
        JOIN directory ON directory.id = file.directory_id
        JOIN folder ON folder.id = directory.folder_id AND folder.copying <> 'upload'
        JOIN route AS mine
            ON mine.folder_id = folder.id AND mine.position > 0
            AND mine.account_id = (SELECT id FROM account WHERE act = ?)
        JOIN route AS theirs
            ON theirs.folder_id = folder.id AND theirs.account_id <> mine.account_id
        JOIN replica
            ON replica.account_id = theirs.account_id AND replica.image_id = image.id
            AND replica.hash IS NOT NULL AND replica.delete_sent_at IS NULL
        JOIN account AS source ON source.id = theirs.account_id
        WHERE image.sha256 IN ({marks})
            AND NOT EXISTS (
                SELECT 1
                FROM learned
                WHERE learned.account_id = mine.account_id
                    AND learned.source_id = theirs.account_id
                    AND learned.what = 'no_copy' AND learned.retry_at BETWEEN ? AND ?
            )
        GROUP BY image.id, folder.copying, source.id
        ORDER BY min(theirs.position)
        """,
        (account, *digests, now, now + RETRY_REFUSED),
    )
    found: dict[Digest, tuple[list[Copying], dict[AccountId, ImageHash]]] = {}
    for digest, how, source, image_hash, _ in rows:
        ways, hashes = found.setdefault(Digest(digest), ([], {}))
        ways.append(Copying(how))
        hashes.setdefault(AccountId(source), ImageHash(image_hash))
    return {
        digest: CopySources(
            Copying.COPY if Copying.COPY in ways else Copying.AUTO,
            tuple(Holder(*source) for source in hashes.items()),
        )
        for digest, (ways, hashes) in found.items()
    }


@read
def expected(
    db: sqlite3.Connection, account: AccountId, digests: Sequence[Digest], now: float
) -> list[Expected]:
    """Return the images that a mirror which only copies may wait for.

    The folder's own account misses them too, is not paused, and has had no trouble with them.
    """
    marks = ",".join("?" * len(digests))
    rows = db.execute(
        f"""
        SELECT DISTINCT image.sha256, owner.act, folder.name
        FROM image
        JOIN file ON file.image_id = image.id
        JOIN directory ON directory.id = file.directory_id
        JOIN folder ON folder.id = directory.folder_id AND folder.copying = 'copy'
        JOIN route AS mine
            ON mine.folder_id = folder.id AND mine.position > 0
            AND mine.account_id = (SELECT id FROM account WHERE act = ?)
        JOIN route AS own ON own.folder_id = folder.id AND own.position = 0
        JOIN account AS owner ON owner.id = own.account_id
        JOIN replica
            ON replica.account_id = own.account_id AND replica.image_id = image.id
            AND replica.state IN ('missing', 'unconfirmed') AND replica.last_error IS NULL
        WHERE image.sha256 IN ({marks})
            AND NOT EXISTS (SELECT 1 FROM pause WHERE pause.account_id = own.account_id)
            AND NOT EXISTS (
                SELECT 1
                FROM learned
                WHERE learned.account_id = mine.account_id
                    AND learned.source_id = own.account_id
                    AND learned.what = 'no_copy' AND learned.retry_at BETWEEN ? AND ?
            )
        """,
        (account, *digests, now, now + RETRY_REFUSED),
    )
    return [Expected(*row) for row in rows]
