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
        SELECT image.sha256 AS digest, replica.hash,
            (
                SELECT min(same.sent_at)
                FROM replica AS same
                WHERE same.hash = replica.hash AND same.account_id = replica.account_id
            ) AS sent_at,
            folder.name AS folder, deletion.path
        FROM account
        JOIN deletion ON deletion.account_id = account.id
        JOIN image ON image.id = deletion.image_id
        JOIN folder ON folder.id = deletion.folder_id
        JOIN baseline ON baseline.folder_id = folder.id
        JOIN route ON route.folder_id = folder.id AND route.account_id = account.id
        JOIN replica
            ON replica.account_id = account.id AND replica.image_id = deletion.image_id
        WHERE account.act = ?1
            AND deletion.state NOT IN ('held', 'withdrawn')
            AND deletion.found_at <= ?2
            AND deletion.found_at <= baseline.reconciled_at
            AND baseline.suspect IS NULL
            AND folder.deletions = 'propagate'
            AND deletion.retry_at <= ?3
            AND replica.wanted = 0
            AND replica.hash IS NOT NULL
            AND NOT EXISTS (
                SELECT 1
                FROM kept
                WHERE kept.image_id = deletion.image_id AND kept.account_id = account.id
            )
        ORDER BY deletion.found_at, deletion.image_id
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
            replica.wanted,
            EXISTS (
                SELECT 1
                FROM replica AS other
                WHERE other.hash = replica.hash
                    AND other.account_id = replica.account_id
                    AND other.image_id <> replica.image_id
                    AND (
                        other.wanted = 1
                        OR NOT EXISTS (
                            SELECT 1
                            FROM deletion AS its
                            WHERE its.account_id = other.account_id
                                AND its.image_id = other.image_id
                                AND its.state NOT IN ('held', 'withdrawn')
                        )
                    )
            ) AS hash_needed,
            deletion.state <> 'withdrawn' AS condemned,
            EXISTS (
                SELECT 1
                FROM kept
                WHERE kept.image_id = replica.image_id AND kept.account_id = replica.account_id
            ) AS kept,
            deletion.found_at <= ?3 AS grace_ended,
            deletion.found_at <= baseline.reconciled_at AS reviewed,
            deletion.state = 'held' AS awaits_operator,
            route.account_id IS NOT NULL AS routed,
            folder.deletions = 'propagate' AS propagates,
            baseline.folder_id IS NOT NULL AND baseline.suspect IS NULL AS trusted
        FROM image
        JOIN account ON account.act = ?1
        JOIN replica ON replica.image_id = image.id AND replica.account_id = account.id
        LEFT JOIN deletion
            ON deletion.account_id = account.id AND deletion.image_id = image.id
        LEFT JOIN folder ON folder.id = deletion.folder_id
        LEFT JOIN baseline ON baseline.folder_id = folder.id
        LEFT JOIN route ON route.folder_id = folder.id AND route.account_id = account.id
        WHERE image.sha256 = ?2
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
        UPDATE deletion
        SET state = 'requested', hash = ?2, attempts = 1, accepted_at = ?3, retry_at = ?3,
            reason = NULL
        WHERE account_id = (SELECT id FROM account WHERE act = ?1)
            AND image_id IN (
                SELECT image_id
                FROM replica
                WHERE hash = ?2 AND replica.account_id = deletion.account_id
            )
        """,
        (account, image_hash, at),
    )
    replicas.record_not_held(account, image_hash)(db)


@write
def record_gone(db: sqlite3.Connection, account: AccountId, image_hash: ImageHash) -> None:
    """Record that a condemned image is no longer in its account."""
    db.execute(
        """
        DELETE FROM deletion
        WHERE account_id = (SELECT id FROM account WHERE act = ?1)
            AND (
                hash = ?2
                OR image_id IN (
                    SELECT image_id
                    FROM replica
                    WHERE hash = ?2 AND replica.account_id = deletion.account_id
                )
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
        SELECT hash, min(path) AS path, max(attempts) AS attempts, min(accepted_at) AS accepted_at
        FROM deletion
        WHERE account_id = (SELECT id FROM account WHERE act = ?)
            AND hash IS NOT NULL AND retry_at <= ?
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
                FROM deletion
                WHERE account_id = (SELECT id FROM account WHERE act = ?1)
                    AND hash = ?2 AND NOT {WANTED_REPLICA}
            ),
            EXISTS (
                SELECT 1
                FROM replica
                WHERE hash = ?2 AND account_id = (SELECT id FROM account WHERE act = ?1)
            )
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
        UPDATE deletion
        SET attempts = ?, retry_at = ?, reason = 'still there'
        WHERE account_id = (SELECT id FROM account WHERE act = ?) AND hash = ?
        """,
        (attempts, at, account, image_hash),
    )


@write
def postpone(
    db: sqlite3.Connection, account: AccountId, digest: Digest, note: str, until: float
) -> bool:
    """Postpone a deletion with a note of the reason, and return whether the note is new."""
    row = db.execute(
        f"SELECT reason FROM deletion WHERE {replicas.OF_IMAGE}", (account, digest)
    ).fetchone()
    db.execute(
        f"""
        UPDATE deletion
        SET retry_at = ?3, reason = ?4
        WHERE {replicas.OF_IMAGE}
        """,
        (account, digest, until, note),
    )
    return row is not None and row[0] != note
