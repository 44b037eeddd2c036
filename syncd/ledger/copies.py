"""Statements about copies: which accounts hold what a mirror misses, and which are blocked."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence

import msgspec

from syncd.ledger.statements import read, write
from syncd.model import AccountId, Copying, Digest, ImageHash


class Holder(msgspec.Struct, frozen=True):
    """An account that holds an image, and the image's hash there."""

    account: AccountId
    hash: ImageHash


class CopySources(msgspec.Struct, frozen=True):
    """The accounts that an image may be copied from, the best first."""

    how: Copying
    holders: tuple[Holder, ...]


@read
def sources(
    db: sqlite3.Connection, account: AccountId, digests: Sequence[Digest], now: float
) -> tuple[dict[Digest, CopySources], set[Digest]]:
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
        SELECT DISTINCT file.digest, folder.copying, replica.account, replica.hash,
            min(theirs.place)
        FROM file
        JOIN directory ON directory.id = file.directory_id
        JOIN folder ON folder.id = directory.folder_id AND folder.copying <> 'upload'
        JOIN route AS mine
            ON mine.folder_id = folder.id AND mine.account = ? AND mine.place > 0
        JOIN route AS theirs
            ON theirs.folder_id = folder.id AND theirs.account <> mine.account
        JOIN replica
            ON replica.account = theirs.account AND replica.digest = file.digest
            AND replica.hash IS NOT NULL
        LEFT JOIN copy_refused
            ON copy_refused.destination = mine.account
            AND copy_refused.source = theirs.account AND copy_refused.until > ?
        WHERE file.digest IN ({marks}) AND copy_refused.source IS NULL
        GROUP BY file.digest, folder.copying, replica.account
        ORDER BY min(theirs.place)
        """,
        (account, now, *digests),
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
) -> set[Digest]:
    """Return the images that a mirror which only copies may wait for.

    The folder's own account misses them too, is not paused, and has had no trouble with them.
    """
    marks = ",".join("?" * len(digests))
    rows = db.execute(
        f"""
        SELECT DISTINCT file.digest
        FROM file
        JOIN directory ON directory.id = file.directory_id
        JOIN folder ON folder.id = directory.folder_id AND folder.copying = 'copy'
        JOIN route AS mine
            ON mine.folder_id = folder.id AND mine.account = ? AND mine.place > 0
        JOIN route AS own ON own.folder_id = folder.id AND own.place = 0
        JOIN replica
            ON replica.account = own.account AND replica.digest = file.digest
            AND replica.files > 0 AND replica.hash IS NULL AND replica.rejected IS NULL
            AND replica.trouble IS NULL
        WHERE file.digest IN ({marks})
            AND NOT EXISTS (SELECT 1 FROM pause WHERE pause.account = own.account)
            AND NOT EXISTS (
                SELECT 1
                FROM copy_refused
                WHERE destination = mine.account AND source = own.account AND until > ?
            )
        """,
        (account, *digests, now),
    )
    return {Digest(digest) for (digest,) in rows}


@write
def block(
    db: sqlite3.Connection, source: AccountId, destination: AccountId, until: float, why: str
) -> None:
    """Record that an account rejected a copy from another: none until then, in unix seconds."""
    db.execute(
        """
        INSERT OR REPLACE INTO copy_refused (source, destination, until, why)
        VALUES (?, ?, ?, ?)
        """,
        (source, destination, until, why),
    )
