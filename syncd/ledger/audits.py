"""Statements about audits, which compare what the ledger records as held with the account."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence

import msgspec

from syncd.ledger import replicas
from syncd.ledger.statements import as_structs, read, write
from syncd.model import AccountId, Digest, ImageHash, Listed

REMOVED = "removed from the account by hand"
"""The reason of a rejected image that was deleted in its account and must not be sent again."""


class HeldImage(msgspec.Struct, frozen=True):
    """An image that the ledger records as held, with its last known name and status."""

    digest: Digest
    hash: ImageHash
    name: str | None
    status: str | None


class AuditState(msgspec.Struct, frozen=True):
    """The audit of one account; times in unix seconds."""

    audited_to: Digest  # the last digest that the audit under way has compared; may be empty
    began: float | None
    ended: float | None
    requested: str | None  # what `syncd audit` requested


@read
def held_after(
    db: sqlite3.Connection, account: AccountId, digest: bytes, limit: int
) -> list[HeldImage]:
    """Return the next `limit` images that are recorded as held, in the order of their digests."""
    rows = db.execute(
        """
        SELECT replica.digest, hash, name, status
        FROM replica
        LEFT JOIN answer USING (account, digest)
        WHERE account = ? AND replica.digest > ? AND hash IS NOT NULL
        ORDER BY replica.digest
        LIMIT ?
        """,
        (account, digest, limit),
    )
    return as_structs(rows, HeldImage)


@read
def known_hashes(
    db: sqlite3.Connection, account: AccountId, hashes: Sequence[ImageHash]
) -> set[ImageHash]:
    """Return those of the hashes that the ledger has for an account."""
    marks = ",".join("?" * len(hashes))
    rows = db.execute(
        f"""
        SELECT hash FROM replica WHERE account = ? AND hash IN ({marks})
        UNION
        SELECT hash FROM condemned WHERE account = ? AND hash IN ({marks})
        """,
        (account, *hashes, account, *hashes),
    )
    return {ImageHash(image_hash) for (image_hash,) in rows}


@read
def count_held(db: sqlite3.Connection, account: AccountId) -> int:
    """Count the images that are recorded as held in an account, wanted or not."""
    (count,) = db.execute(
        "SELECT count(*) FROM replica WHERE account = ? AND hash IS NOT NULL", (account,)
    ).fetchone()
    return int(count)


@write
def record_removed(
    db: sqlite3.Connection, account: AccountId, image_hash: ImageHash, at: float
) -> int:
    """Record that an image was removed in its account by hand: it is not sent again.

    Returns what `replicas.record_not_held` returns.
    """
    db.execute(
        """
        UPDATE replica
        SET rejected = ?, rejected_at = ?
        WHERE hash = ? AND account = ? AND files > 0
        """,
        (REMOVED, at, image_hash, account),
    )
    return replicas.record_not_held(account, image_hash)(db)


@write
def record_listed(
    db: sqlite3.Connection, account: AccountId, digest: Digest, listed: Listed
) -> None:
    """Record the name and status with which an account lists an image."""
    db.execute(
        """
        INSERT INTO answer (account, digest, name, status)
        VALUES (?, ?, ?, ?)
        ON CONFLICT (account, digest) DO UPDATE SET
            name = excluded.name,
            status = excluded.status
        """,
        (account, digest, listed.name, listed.status.value),
    )


@read
def state(db: sqlite3.Connection, account: AccountId) -> AuditState:
    """Return the state of an account's audit."""
    row = db.execute(
        """
        SELECT coalesce(audited_to, x''), audit_began, audit_ended, audit_asked
        FROM account
        WHERE account = ?
        """,
        (account,),
    ).fetchone()
    return AuditState(Digest(b""), None, None, None) if row is None else AuditState(*row)


@write
def begin(db: sqlite3.Connection, account: AccountId, at: float) -> None:
    """Record that an audit begins, which fulfils the operator's request."""
    db.execute(
        """
        INSERT INTO account (account, audited_to, audit_began, audit_asked)
        VALUES (?, x'', ?, NULL)
        ON CONFLICT (account) DO UPDATE SET
            audited_to = excluded.audited_to,
            audit_began = excluded.audit_began,
            audit_asked = excluded.audit_asked
        """,
        (account, at),
    )


@write
def record_progress(db: sqlite3.Connection, account: AccountId, digest: Digest) -> None:
    """Record the last digest that the audit has compared: a restart continues after it."""
    db.execute(
        """
        INSERT INTO account (account, audited_to)
        VALUES (?, ?)
        ON CONFLICT (account) DO UPDATE SET audited_to = excluded.audited_to
        """,
        (account, digest),
    )


@write
def end(db: sqlite3.Connection, account: AccountId, at: float) -> None:
    """Record that an audit has compared every image."""
    db.execute(
        """
        INSERT INTO account (account, audited_to, audit_began, audit_ended)
        VALUES (?, NULL, NULL, ?)
        ON CONFLICT (account) DO UPDATE SET
            audited_to = excluded.audited_to,
            audit_began = excluded.audit_began,
            audit_ended = excluded.audit_ended
        """,
        (account, at),
    )


@write
def request(db: sqlite3.Connection, accounts: Sequence[AccountId], what: str) -> None:
    """Request that a running daemon audits accounts now."""
    db.executemany(
        """
        INSERT INTO account (account, audit_asked)
        VALUES (?, ?)
        ON CONFLICT (account) DO UPDATE SET audit_asked = excluded.audit_asked
        """,
        [(account, what) for account in accounts],
    )
