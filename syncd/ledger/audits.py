"""Statements about audits, which compare what the ledger records as held with the account."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence

import msgspec

from syncd.ledger import accounts, queries, replicas
from syncd.ledger.history import What
from syncd.ledger.statements import as_structs, read, write
from syncd.model import AccountId, Digest, ImageHash, Listed

REMOVED = "removed from the account by hand"
"""The reason of a rejected image that was deleted in its account and must not be sent again."""


class HeldImage(msgspec.Struct, frozen=True, kw_only=True):
    """An image that the ledger records as held, with its last known name and status."""

    image_id: int
    digest: Digest
    hash: ImageHash
    name: str | None
    status: str | None


class AuditState(msgspec.Struct, frozen=True, kw_only=True):
    """The audit of one account; times in unix seconds."""

    position: int = 0  # the id of the last image that the audit under way has compared
    began_at: float | None = None
    ended_at: float | None = None
    requested: str | None = None  # what `syncd audit` requested
    suspect_since: float | None = None  # at least half of the images were absent in a response
    accepted: bool = False  # the audit under way believes it


@read
def held_after(
    db: sqlite3.Connection, account: AccountId, image_id: int, limit: int
) -> list[HeldImage]:
    """Return the next `limit` images that are recorded as held, in the order of their ids."""
    rows = db.execute(
        """
        SELECT image.id AS image_id, image.sha256 AS digest, replica.hash,
            replica.remote_name AS name, replica.remote_status AS status
        FROM image
        CROSS JOIN replica
            ON replica.image_id = image.id
            AND replica.account_id = (SELECT id FROM account WHERE act = ?)
            AND replica.hash IS NOT NULL AND replica.delete_sent_at IS NULL
        WHERE image.id > ?
        ORDER BY image.id
        LIMIT ?
        """,
        (account, image_id, limit),
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
        SELECT hash
        FROM replica JOIN account ON account.id = replica.account_id
        WHERE account.act = ? AND hash IN ({marks})
        UNION
        SELECT hash
        FROM kept_hash JOIN account ON account.id = kept_hash.account_id
        WHERE account.act = ? AND hash IN ({marks})
        """,
        (account, *hashes, account, *hashes),
    )
    return {ImageHash(image_hash) for (image_hash,) in rows}


@read
def count_held(db: sqlite3.Connection, account: AccountId) -> int:
    """Count the images that are recorded as held in an account and wanted there."""
    return queries.tally(account)(db).held


@write
def record_removed(db: sqlite3.Connection, account: AccountId, image_hash: ImageHash) -> int:
    """Record that an image was removed in its account by hand: it is not sent again.

    Returns what `replicas.record_not_held` returns.
    """
    db.execute(
        """
        UPDATE replica
        SET rejected = ?
        WHERE hash = ? AND account_id = (SELECT id FROM account WHERE act = ?) AND wanted = 1
        """,
        (REMOVED, image_hash, account),
    )
    return replicas.record_not_held(account, image_hash, What.LOST)(db)


@write
def record_listed(
    db: sqlite3.Connection, account: AccountId, digest: Digest, listed: Listed
) -> None:
    """Record the name and status with which an account lists an image."""
    db.execute(
        f"""
        UPDATE replica
        SET remote_name = ?3, remote_status = ?4
        WHERE {replicas.OF_IMAGE}
        """,
        (account, digest, listed.name, listed.status.value),
    )


@read
def state(db: sqlite3.Connection, account: AccountId) -> AuditState:
    """Return the state of an account's audit."""
    rows = db.execute(
        """
        SELECT position, began_at, ended_at, requested, suspect_since, accepted
        FROM audit JOIN account ON account.id = audit.account_id
        WHERE act = ?
        """,
        (account,),
    )
    return next(iter(as_structs(rows, AuditState)), AuditState())


@write
def begin(db: sqlite3.Connection, account: AccountId, at: float) -> None:
    """Record that an audit begins, which fulfils the operator's request."""
    _set(db, account, position=0, began_at=at, requested=None)


@write
def record_progress(db: sqlite3.Connection, account: AccountId, image_id: int) -> None:
    """Record the last image that the audit has compared: a restart continues after it."""
    _set(db, account, position=image_id)


@write
def end(db: sqlite3.Connection, account: AccountId, at: float) -> None:
    """Record that an audit has compared every image."""
    _set(db, account, position=0, began_at=None, ended_at=at, accepted=0)


@write
def suspect(db: sqlite3.Connection, account: AccountId, at: float) -> None:
    """Record that a response of an account left out too many images to be believed."""
    _set(db, account, suspect_since=at)


@write
def trust(db: sqlite3.Connection, account: AccountId, *, accepted: bool) -> None:
    """Record that a suspect account is believed; `accepted`: that its images are absent."""
    _set(db, account, suspect_since=None, accepted=int(accepted))


@write
def accept(db: sqlite3.Connection, account: AccountId) -> bool:
    """Record the operator's word that the images are absent; return whether one was needed."""
    changed = db.execute(
        """
        UPDATE audit
        SET accepted = 1
        WHERE account_id = (SELECT id FROM account WHERE act = ?) AND suspect_since IS NOT NULL
        """,
        (account,),
    )
    return changed.rowcount > 0


@write
def request(db: sqlite3.Connection, audited: Sequence[AccountId], what: str) -> None:
    """Request that a running daemon audits accounts now."""
    for account in audited:
        _set(db, account, requested=what)


def _set(db: sqlite3.Connection, account: AccountId, **columns: object) -> None:
    accounts.add(db, [account])
    db.execute(
        "INSERT INTO audit (account_id) SELECT id FROM account WHERE act = ?"
        " ON CONFLICT DO NOTHING",
        (account,),
    )
    db.execute(
        f"""
        UPDATE audit
        SET {", ".join(f"{name} = ?" for name in columns)}
        WHERE account_id = (SELECT id FROM account WHERE act = ?)
        """,
        (*columns.values(), account),
    )
