"""Statements about deletions: the condemned images that are due."""

from __future__ import annotations

import sqlite3
from typing import Any

import msgspec

from syncd.ledger import replicas
from syncd.ledger.replaced import REPLACEMENT
from syncd.ledger.statements import as_structs, full_path, read, write
from syncd.model import AccountId, Digest, ImageHash, Sent
from syncd.rules.deletion import RECHECK_INTERVAL, Condemned


class Due(msgspec.Struct, frozen=True, kw_only=True):
    """An image whose deletion is due as far as the ledger knows."""

    digest: Digest
    hash: ImageHash
    sent: Sent | None
    own: tuple[float, float] | None = None
    """From when until when it was there before because of syncd, by the server's clock."""
    skewed: int = 0  # daily lookups at which the clocks differed from those of the upload
    attempts: int = 0  # DELETE calls that the account did not reject
    failed_at: float | None = None
    """When its DELETE that is to be repeated was sent, in unix seconds; None: it is held."""
    folder: str
    file: bytes  # the whole path


@read
def due(
    db: sqlite3.Connection, account: AccountId, before: float, now: float, limit: int
) -> list[Due]:
    """Return `limit` images that are due to be checked now, in unix seconds.

    The grace of those that were condemned until `before`, an age of the ledger, has ended. A time
    that lies further ahead than the longest wait was recorded while the clock was wrong.
    """
    rows = db.execute(
        f"""
        SELECT {_COLUMNS}
        FROM account
        JOIN deletion ON deletion.account_id = account.id
        JOIN image ON image.id = deletion.image_id
        JOIN folder ON folder.id = deletion.folder_id
        JOIN baseline ON baseline.folder_id = folder.id
        JOIN route ON route.folder_id = folder.id AND route.account_id = account.id
        JOIN replica
            ON replica.account_id = account.id AND replica.image_id = deletion.image_id
        {_SENT}
        WHERE account.act = ?1
            AND deletion.state NOT IN ('held', 'withdrawn')
            AND deletion.found_age <= ?2
            AND deletion.found_age <= baseline.reviewed_age
            AND baseline.suspect IS NULL
            AND folder.deletions = 'propagate'
            AND (deletion.retry_at <= ?3 OR deletion.retry_at > ?3 + ?5)
            AND replica.wanted = 0
            AND replica.hash IS NOT NULL
            AND replica.delete_sent_at IS NULL
            AND NOT EXISTS (
                SELECT 1
                FROM kept
                WHERE kept.image_id = deletion.image_id AND kept.account_id = account.id
            )
            AND coalesce({REPLACEMENT}, 'held') = 'held'
        ORDER BY deletion.found_age, deletion.image_id
        LIMIT ?4
        """,
        (account, before, now, limit, RECHECK_INTERVAL),
    )
    return as_structs(rows, _due)


@read
def to_repeat(
    db: sqlite3.Connection, account: AccountId, image_hash: ImageHash, failed_at: float
) -> list[Due]:
    """Return the condemned images of a hash whose last DELETE, sent at `failed_at`, has failed."""
    rows = db.execute(
        f"""
        SELECT {_COLUMNS}, replica.delete_sent_at AS failed_at
        FROM account
        JOIN replica ON replica.account_id = account.id
        JOIN deletion
            ON deletion.account_id = account.id AND deletion.image_id = replica.image_id
        JOIN image ON image.id = replica.image_id
        JOIN folder ON folder.id = deletion.folder_id
        {_SENT}
        WHERE account.act = ?1
            AND replica.hash = ?2
            AND replica.delete_sent_at = ?3 AND replica.delete_failed = 1
        """,
        (account, image_hash, failed_at),
    )
    return as_structs(rows, _due)


_COLUMNS = f"""image.sha256 AS digest, replica.hash,
            first.sent_at, first.clock_offset,
            own.sent_at AS own_since, own.deleted_at AS own_until, deletion.skewed,
            deletion.attempts, folder.name AS folder,
            {full_path("deletion.path")} AS file"""
"""The columns of `Due`, of `image`, `replica`, `deletion`, `folder` and `_SENT`."""

_HASH_NEEDED = """EXISTS (
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
            )"""
"""Whether the account has another image under the hash of `replica` that is not condemned."""

_SENT = """LEFT JOIN replica AS first
            ON first.account_id = account.id
            AND first.image_id = (
                SELECT same.image_id
                FROM replica AS same
                WHERE same.hash = replica.hash
                    AND same.account_id = replica.account_id
                    AND same.sent_at IS NOT NULL
                ORDER BY same.sent_at
                LIMIT 1
            )
        LEFT JOIN own ON own.account_id = account.id AND own.hash = replica.hash"""
"""When an image was sent: it counts from the first content that was sent and became its hash."""


def _due(
    *,
    sent_at: float | None,
    clock_offset: int | None,
    own_since: float | None,
    own_until: float | None,
    **columns: Any,
) -> Due:
    sent = None if sent_at is None else Sent(sent_at, clock_offset)
    own = None if own_since is None or own_until is None else (own_since, own_until)
    return Due(sent=sent, own=own, **columns)


@read
def facts(
    db: sqlite3.Connection,
    account: AccountId,
    digest: Digest,
    before: float,
    failed_at: float | None = None,
) -> Condemned | None:
    """Return what is known now about an image that may be deleted; None for an unknown replica.

    The grace of an image that was condemned until `before`, an age of the ledger, has ended.
    `failed_at` is as in `Due`.
    """
    rows = db.execute(
        f"""
        SELECT
            replica.hash IS NOT NULL AND replica.delete_sent_at IS ?4
                AND replica.delete_failed = (?4 IS NOT NULL) AS held,
            replica.wanted,
            {_HASH_NEEDED} AS hash_needed,
            deletion.state <> 'withdrawn' AS condemned,
            EXISTS (
                SELECT 1
                FROM kept
                WHERE kept.image_id = replica.image_id AND kept.account_id = replica.account_id
            ) AS kept,
            coalesce({REPLACEMENT}, 'held') = 'held' AS replacement_held,
            deletion.found_age <= ?3 AS grace_ended,
            deletion.found_age <= baseline.reviewed_age AS reviewed,
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
        (account, digest, before, failed_at),
    )

    def condemned(**flags: int | None) -> Condemned:
        return Condemned(**{name: bool(flag) for name, flag in flags.items()})

    return next(iter(as_structs(rows, condemned)), None)


@write
def postpone(
    db: sqlite3.Connection,
    account: AccountId,
    digest: Digest,
    note: str,
    until: float,
    *,
    skewed: bool = False,
) -> bool:
    """Postpone a deletion with a note of the reason, and return whether the note is new.

    `skewed`: the clocks differed from those of the upload.
    """
    row = db.execute(
        f"SELECT reason FROM deletion WHERE {replicas.OF_IMAGE}", (account, digest)
    ).fetchone()
    db.execute(
        f"""
        UPDATE deletion
        SET retry_at = ?3, reason = ?4, skewed = skewed + ?5
        WHERE {replicas.OF_IMAGE}
        """,
        (account, digest, until, note, skewed),
    )
    return row is not None and row[0] != note
