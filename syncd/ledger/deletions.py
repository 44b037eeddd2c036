"""Statements about deletions: the condemned images that are due, and those under way."""

from __future__ import annotations

import sqlite3

import msgspec

from syncd.ledger import replicas
from syncd.ledger.condemned import WANTED_REPLICA
from syncd.ledger.statements import as_structs, read, write
from syncd.model import AccountId, Digest, ImageHash
from syncd.rules.deletion import Condemned, Unconfirmed


class Due(msgspec.Struct, frozen=True, kw_only=True):
    """An image whose deletion is due as far as the ledger knows; `sent_at` in unix seconds."""

    digest: Digest
    hash: ImageHash
    sent_at: float | None
    folder: str
    path: bytes


class AcceptedDeletion(msgspec.Struct, frozen=True):
    """A deletion that the account accepted, and that no read has confirmed yet."""

    hash: ImageHash
    path: bytes
    attempts: int  # DELETE calls that the account accepted
    accepted_at: float  # the first of them, unix seconds


@read
def due(
    db: sqlite3.Connection, account: AccountId, before: float, now: float, limit: int
) -> list[Due]:
    """Return `limit` images that were condemned before a time and are due to be checked now."""
    rows = db.execute(
        # An image counts from the first content that was sent and became this hash.
        """
        SELECT condemned.digest, replica.hash,
            (
                SELECT min(same.sent_at)
                FROM replica AS same
                WHERE same.hash = replica.hash AND same.account = replica.account
            ) AS sent_at,
            folder.name AS folder, condemned.path
        FROM condemned
        JOIN folder ON folder.id = condemned.folder_id
        JOIN route ON route.folder_id = folder.id AND route.account = condemned.account
        JOIN replica
            ON replica.account = condemned.account AND replica.digest = condemned.digest
        WHERE condemned.account = ?1
            AND condemned.standing <> 'held'
            AND condemned.since <= ?2
            AND condemned.since <= folder.passed_at
            AND folder.doubt IS NULL
            AND folder.deletions = 'propagate'
            AND condemned.not_before <= ?3
            AND replica.files = 0
            AND replica.hash IS NOT NULL
        ORDER BY condemned.since, condemned.digest
        LIMIT ?4
        """,
        (account, before, now, limit),
    )
    return as_structs(rows, Due)


@read
def facts(
    db: sqlite3.Connection, account: AccountId, digest: Digest, before: float
) -> Condemned | None:
    """Return what is known now about an image that may be deleted; None for an unknown replica.

    The grace of an image that was condemned until `before`, in unix seconds, has ended.
    """
    rows = db.execute(
        """
        SELECT
            replica.hash IS NOT NULL AS held,
            replica.files > 0 AS wanted,
            EXISTS (
                SELECT 1
                FROM replica AS other
                WHERE other.hash = replica.hash
                    AND other.account = replica.account
                    AND other.digest <> replica.digest
                    AND (
                        other.files > 0
                        OR NOT EXISTS (
                            SELECT 1
                            FROM condemned AS its
                            WHERE its.account = other.account
                                AND its.digest = other.digest
                                AND its.standing <> 'held'
                        )
                    )
            ) AS hash_needed,
            condemned.digest IS NOT NULL AS condemned,
            condemned.since <= ?3 AS grace_ended,
            condemned.since <= folder.passed_at AS reviewed,
            condemned.standing = 'held' AS awaits_operator,
            route.account IS NOT NULL AS routed,
            folder.deletions = 'propagate' AS propagates,
            folder.doubt IS NULL AS trusted
        FROM replica
        LEFT JOIN condemned
            ON condemned.account = replica.account AND condemned.digest = replica.digest
        LEFT JOIN folder ON folder.id = condemned.folder_id
        LEFT JOIN route ON route.folder_id = folder.id AND route.account = condemned.account
        WHERE replica.account = ?1 AND replica.digest = ?2
        """,
        (account, digest, before),
    )

    def condemned(**flags: int | None) -> Condemned:
        return Condemned(**{name: bool(flag) for name, flag in flags.items()})

    return next(iter(as_structs(rows, condemned)), None)


@write
def record_accepted(
    db: sqlite3.Connection, account: AccountId, image_hash: ImageHash, at: float
) -> None:
    """Record that an account accepted the deletion of an image, which a read must confirm.

    No replica with that hash is held any longer: the image is deleted for all of them.
    """
    db.execute(
        """
        UPDATE condemned
        SET hash = ?2, asked = 1, asked_at = ?3, not_before = ?3, note = NULL
        WHERE account = ?1
            AND digest IN (SELECT digest FROM replica WHERE hash = ?2 AND account = ?1)
        """,
        (account, image_hash, at),
    )
    replicas.record_not_held(account, image_hash)(db)


@write
def record_gone(db: sqlite3.Connection, account: AccountId, image_hash: ImageHash) -> None:
    """Record that a condemned image is no longer in its account."""
    db.execute(
        """
        DELETE FROM condemned
        WHERE account = ?1
            AND (
                hash = ?2
                OR digest IN (SELECT digest FROM replica WHERE hash = ?2 AND account = ?1)
            )
        """,
        (account, image_hash),
    )
    replicas.record_not_held(account, image_hash)(db)


@read
def to_confirm(
    db: sqlite3.Connection, account: AccountId, now: float, limit: int
) -> list[AcceptedDeletion]:
    """Return `limit` accepted deletions that are due to be confirmed now."""
    rows = db.execute(
        """
        SELECT hash, min(path) AS path, max(asked) AS attempts, min(asked_at) AS accepted_at
        FROM condemned
        WHERE account = ? AND hash IS NOT NULL AND not_before <= ?
        GROUP BY hash
        LIMIT ?
        """,
        (account, now, limit),
    )
    return as_structs(rows, AcceptedDeletion)


@read
def unconfirmed(db: sqlite3.Connection, account: AccountId, image_hash: ImageHash) -> Unconfirmed:
    """Return what is known now about an image whose deletion the account accepted."""
    condemned, held = db.execute(
        f"""
        SELECT
            EXISTS (
                SELECT 1
                FROM condemned
                WHERE account = ?1 AND hash = ?2 AND NOT {WANTED_REPLICA}
            ),
            EXISTS (SELECT 1 FROM replica WHERE hash = ?2 AND account = ?1)
        """,
        (account, image_hash),
    ).fetchone()
    return Unconfirmed(condemned=bool(condemned), held=bool(held))


@write
def confirm_later(
    db: sqlite3.Connection, account: AccountId, image_hash: ImageHash, attempts: int, at: float
) -> None:
    """Record that an image is still there after `attempts` deletions; the next check is at `at`."""
    db.execute(
        """
        UPDATE condemned
        SET asked = ?, not_before = ?, note = 'still there'
        WHERE account = ? AND hash = ?
        """,
        (attempts, at, account, image_hash),
    )


@write
def postpone(
    db: sqlite3.Connection, account: AccountId, digest: Digest, note: str, until: float
) -> bool:
    """Postpone a deletion with a note of the reason, and return whether the note is new."""
    row = db.execute(
        "SELECT note FROM condemned WHERE account = ? AND digest = ?", (account, digest)
    ).fetchone()
    db.execute(
        """
        UPDATE condemned
        SET not_before = ?, note = ?
        WHERE account = ? AND digest = ?
        """,
        (until, note, account, digest),
    )
    return row is not None and row[0] != note


@write
def spare(db: sqlite3.Connection, account: AccountId, digest: Digest) -> None:
    """Keep an image in its account: this deletion does not happen."""
    db.execute("DELETE FROM condemned WHERE account = ? AND digest = ?", (account, digest))
