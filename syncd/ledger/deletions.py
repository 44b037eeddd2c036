"""Statements about deletions: which condemned images an account is rid of, and how that stands."""

from __future__ import annotations

import sqlite3

import msgspec

from syncd.ledger import replicas
from syncd.ledger.condemned import WANTED_REPLICA
from syncd.ledger.statements import read, write
from syncd.model import AccountId, Digest, ImageHash


class Due(msgspec.Struct, frozen=True):
    """An image that may be deleted as far as the ledger knows; sent_at in unix seconds."""

    digest: Digest
    hash: ImageHash
    sent_at: float | None
    folder: str
    path: bytes


class Leaving(msgspec.Struct, frozen=True):
    """An image whose deletion an account has taken so often, first at that time (unix seconds)."""

    hash: ImageHash
    path: bytes
    asked: int
    asked_at: float


class Facts(msgspec.Struct, frozen=True):
    """What is known of a condemned image at this moment."""

    wanted: bool
    held: bool
    due: bool
    needed: bool


_DUE = (
    " FROM condemned JOIN folder ON folder.id = condemned.folder_id"
    " JOIN route ON route.folder_id = folder.id AND route.account = condemned.account"
    " JOIN replica ON replica.account = condemned.account AND replica.digest = condemned.digest"
    " WHERE condemned.account = ?1 AND condemned.standing <> 'held'"
    " AND condemned.since <= ?2 AND condemned.since <= folder.passed_at"
    " AND folder.doubt IS NULL AND folder.deletions = 'propagate'"
)


@read
def due(
    db: sqlite3.Connection, account: AccountId, before: float, now: float, limit: int
) -> list[Due]:
    """Return images that were condemned before a time, and whose account is to be asked now."""
    rows = db.execute(
        # The image is as old as the first content that became it.
        "SELECT condemned.digest, replica.hash, (SELECT min(same.sent_at) FROM replica AS same"
        " WHERE same.hash = replica.hash AND same.account = replica.account),"
        f" folder.name, condemned.path{_DUE} AND condemned.not_before <= ?3"
        " AND replica.files = 0 AND replica.hash IS NOT NULL"
        " ORDER BY condemned.since, condemned.digest LIMIT ?4",
        (account, before, now, limit),
    )
    return [Due(*row) for row in rows]


@read
def facts(db: sqlite3.Connection, account: AccountId, digest: Digest, before: float) -> Facts:
    """Return what is known at this moment of an image that may be deleted."""
    row = db.execute(
        "SELECT files > 0, hash FROM replica WHERE account = ? AND digest = ?",
        (account, digest),
    ).fetchone()
    if row is None:
        return Facts(wanted=False, held=False, due=False, needed=False)
    wanted, image_hash = row
    found = db.execute(
        f"SELECT 1{_DUE} AND condemned.digest = ?3", (account, before, digest)
    ).fetchone()
    needed = db.execute(
        "SELECT 1 FROM replica AS other WHERE hash = ?1 AND account = ?2 AND digest <> ?3"
        " AND (files > 0 OR NOT EXISTS (SELECT 1 FROM condemned WHERE account = other.account"
        " AND digest = other.digest AND standing <> 'held'))",
        (image_hash, account, digest),
    ).fetchone()
    return Facts(bool(wanted), image_hash is not None, found is not None, needed is not None)


@write
def deletion_taken(
    db: sqlite3.Connection, account: AccountId, image_hash: ImageHash, at: float
) -> None:
    """Write down that an account has taken an image's deletion, which is to be confirmed.

    Every replica of that hash is no longer held: the image was all of them.
    """
    db.execute(
        "UPDATE condemned SET hash = ?2, asked = 1, asked_at = ?3, not_before = ?3, note = NULL"
        " WHERE account = ?1 AND digest IN"
        " (SELECT digest FROM replica WHERE hash = ?2 AND account = ?1)",
        (account, image_hash, at),
    )
    replicas.no_longer_held(account, image_hash)(db)


@write
def gone(db: sqlite3.Connection, account: AccountId, image_hash: ImageHash) -> None:
    """Write down that a condemned image is no longer in its account."""
    db.execute(
        "DELETE FROM condemned WHERE account = ?1 AND (hash = ?2 OR digest IN"
        " (SELECT digest FROM replica WHERE hash = ?2 AND account = ?1))",
        (account, image_hash),
    )
    replicas.no_longer_held(account, image_hash)(db)


@read
def leaving(db: sqlite3.Connection, account: AccountId, now: float, limit: int) -> list[Leaving]:
    """Return images whose deletion was taken, and that are to be looked at now."""
    rows = db.execute(
        "SELECT hash, min(path), max(asked), min(asked_at) FROM condemned"
        " WHERE account = ? AND hash IS NOT NULL AND not_before <= ? GROUP BY hash LIMIT ?",
        (account, now, limit),
    )
    return [Leaving(*row) for row in rows]


@read
def is_leaving(db: sqlite3.Connection, account: AccountId, image_hash: ImageHash) -> bool:
    """Tell whether an image is still to leave its account, and has not come again."""
    row = db.execute(
        "SELECT 1 FROM condemned WHERE account = ?1 AND hash = ?2"
        f" AND NOT {WANTED_REPLICA} AND NOT EXISTS"
        " (SELECT 1 FROM replica WHERE hash = ?2 AND account = ?1)",
        (account, image_hash),
    ).fetchone()
    return row is not None


@write
def look_later(
    db: sqlite3.Connection, account: AccountId, image_hash: ImageHash, asked: int, look_at: float
) -> None:
    """Write down how often a deletion was taken that has not come true, and look again then."""
    db.execute(
        "UPDATE condemned SET asked = ?, not_before = ?, note = 'still there'"
        " WHERE account = ? AND hash = ?",
        (asked, look_at, account, image_hash),
    )


@write
def keep_for_now(
    db: sqlite3.Connection, account: AccountId, digest: Digest, note: str, until: float
) -> bool:
    """Ask the account about an image again then, and note why; answers whether that is news."""
    row = db.execute(
        "SELECT note FROM condemned WHERE account = ? AND digest = ?", (account, digest)
    ).fetchone()
    db.execute(
        "UPDATE condemned SET not_before = ?, note = ? WHERE account = ? AND digest = ?",
        (until, note, account, digest),
    )
    return row is not None and row[0] != note


@write
def let_be(db: sqlite3.Connection, account: AccountId, digest: Digest) -> None:
    """Let an image stay in its account for good, as far as this deletion goes."""
    db.execute("DELETE FROM condemned WHERE account = ? AND digest = ?", (account, digest))
