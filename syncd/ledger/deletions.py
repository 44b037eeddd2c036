"""Statements about deletions: which condemned images an account is rid of, and how that stands."""

from __future__ import annotations

import sqlite3

import msgspec

from syncd.ledger import replicas
from syncd.ledger.condemned import WANTED_REPLICA
from syncd.ledger.statements import read, write
from syncd.model import AccountId, Digest, ImageHash
from syncd.rules.deletion import Condemned, Unconfirmed


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


_FACTS = """
SELECT replica.hash IS NOT NULL AS held,
       replica.files > 0 AS wanted,
       EXISTS (SELECT 1 FROM replica AS other
               WHERE other.hash = replica.hash
                 AND other.account = replica.account
                 AND other.digest <> replica.digest
                 AND (other.files > 0
                      OR NOT EXISTS (SELECT 1 FROM condemned AS its
                                     WHERE its.account = other.account
                                       AND its.digest = other.digest
                                       AND its.standing <> 'held'))) AS hash_needed,
       condemned.digest IS NOT NULL AS condemned,
       condemned.since <= ?3 AS grace_ended,
       condemned.since <= folder.passed_at AS reviewed,
       condemned.standing = 'held' AS awaits_operator,
       route.account IS NOT NULL AS routed,
       folder.deletions = 'propagate' AS propagates,
       folder.doubt IS NULL AS trusted
FROM replica
LEFT JOIN condemned ON condemned.account = replica.account AND condemned.digest = replica.digest
LEFT JOIN folder ON folder.id = condemned.folder_id
LEFT JOIN route ON route.folder_id = folder.id AND route.account = condemned.account
WHERE replica.account = ?1 AND replica.digest = ?2
"""


@read
def facts(
    db: sqlite3.Connection, account: AccountId, digest: Digest, before: float
) -> Condemned | None:
    """Return what is known now about an image that may be deleted; None when nothing is.

    before, in unix seconds, is when the grace began of an image whose grace ends now.
    """
    found = db.execute(_FACTS, (account, digest, before))
    names = [column[0] for column in found.description]
    row = found.fetchone()
    if row is None:
        return None
    return Condemned(**{name: bool(fact) for name, fact in zip(names, row, strict=True)})


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
def unconfirmed(db: sqlite3.Connection, account: AccountId, image_hash: ImageHash) -> Unconfirmed:
    """Return what is known now about a hash whose deletion was taken."""
    condemned, held = db.execute(
        "SELECT EXISTS (SELECT 1 FROM condemned WHERE account = ?1 AND hash = ?2"
        f" AND NOT {WANTED_REPLICA}),"
        " EXISTS (SELECT 1 FROM replica WHERE hash = ?2 AND account = ?1)",
        (account, image_hash),
    ).fetchone()
    return Unconfirmed(condemned=bool(condemned), held=bool(held))


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
