"""Statements about images that an operator uploads, copies or deletes with `syncd images`.

Where a file wants such an image, it is held, as if the daemon had sent it. Otherwise it is kept.
Each statement also requests that a running daemon looks at the ledger again.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence

from syncd.ledger import accounts, delete_calls, history, replicas, requests
from syncd.ledger.files import Content, add_images
from syncd.ledger.history import What
from syncd.ledger.kept import KeepReason
from syncd.ledger.statements import read, write
from syncd.model import AccountId, Digest, Entry, ImageHash, Sent


@write
def record_uploaded(
    db: sqlite3.Connection,
    account: AccountId,
    uploaded: Sequence[tuple[Content, Entry]],
    at: float,
    sent: Sent,
    user: str,
) -> None:
    """Record that an account holds images that `user` has uploaded; `at` is in unix seconds."""
    add_images(db, [content for content, _ in uploaded])
    held = [(content.digest, entry) for content, entry in uploaded]
    replicas.record_held(account, held, at, sent)(db)
    _keep(db, account, [digest for digest, _ in held], at, user)
    requests.add()(db)


@write
def record_copied(
    db: sqlite3.Connection,
    account: AccountId,
    source: tuple[AccountId, ImageHash],
    entry: Entry,
    at: float,
    sent: Sent,
    user: str,
) -> None:
    """Record that an account holds an image that `user` has copied from the account `source`.

    Without a replica of it in that account, its bytes are unknown: then its hash alone is recorded.
    """
    digests = [
        Digest(digest)
        for (digest,) in db.execute(
            """
            SELECT image.sha256
            FROM replica JOIN image ON image.id = replica.image_id
            WHERE replica.account_id = (SELECT id FROM account WHERE act = ?)
                AND replica.hash = ?
            """,
            source,
        )
    ]
    replicas.record_held(account, [(d, entry) for d in digests], at, sent, source[0])(db)
    _keep(db, account, digests, at, user)
    if not digests:
        db.execute(
            """
            INSERT INTO kept_hash (account_id, hash, kept_at)
            SELECT id, ?, ? FROM account WHERE act = ?
            ON CONFLICT DO NOTHING
            """,
            (entry.hash, at, account),
        )
    requests.add()(db)


def _keep(
    db: sqlite3.Connection, account: AccountId, digests: Sequence[Digest], at: float, user: str
) -> None:
    accounts.add(db, [account])
    for digest in digests:
        kept = db.execute(
            f"""
            INSERT INTO kept (account_id, image_id, reason, kept_at)
            SELECT account_id, image_id, ?3, ?4
            FROM replica
            WHERE {replicas.OF_IMAGE} AND wanted = 0
            ON CONFLICT DO NOTHING
            RETURNING account_id, image_id, folder_id, path, reason
            """,
            (account, digest, KeepReason.BY_HAND.value, at),
        ).fetchall()
        history.record_kept(db, What.KEPT, kept, user)


@read
def wanted(
    db: sqlite3.Connection, account: AccountId, hashes: Sequence[ImageHash]
) -> set[ImageHash]:
    """Return those of the hashes whose images a file wants in an account."""
    marks = ",".join("?" * len(hashes))
    rows = db.execute(
        f"""
        SELECT hash
        FROM replica
        WHERE account_id = (SELECT id FROM account WHERE act = ?)
            AND hash IN ({marks}) AND wanted = 1
        """,
        (account, *hashes),
    )
    return {ImageHash(image_hash) for (image_hash,) in rows}


@write
def record_deleting(
    db: sqlite3.Connection, account: AccountId, image_hash: ImageHash, at: float, until: float
) -> None:
    """Record, before the call, that a DELETE is sent, which ends before `until`.

    If the command ends before it has read the result, a daemon reads it after that time.
    """
    db.execute(
        f"""
        UPDATE replica
        SET delete_sent_at = ?3, delete_failed = 0, resent_at = NULL, check_at = ?4
        WHERE {_OF_HASH}
        """,
        (account, image_hash, at, until),
    )


@write
def record_deleted(
    db: sqlite3.Connection, account: AccountId, image_hash: ImageHash, clock_offset: float | None
) -> None:
    """Record that an image is no longer in its account: where a file wants it, it is missing.

    `clock_offset` is as in `delete_calls.record_gone`.
    """
    db.execute(
        f"""
        DELETE FROM kept
        WHERE reason = 'by_hand' AND (image_id, account_id) IN (
            SELECT image_id, account_id
            FROM replica
            WHERE {_OF_HASH}
        )
        """,
        (account, image_hash),
    )
    db.execute(f"DELETE FROM kept_hash WHERE {_OF_HASH}", (account, image_hash))
    delete_calls.record_gone(account, image_hash, clock_offset)(db)
    requests.add()(db)


@write
def record_not_deleted(db: sqlite3.Connection, account: AccountId, image_hash: ImageHash) -> None:
    """Record that an account has rejected a DELETE: the image is held as before."""
    delete_calls.record_present(account, image_hash)(db)
    requests.add()(db)


_OF_HASH = "account_id = (SELECT id FROM account WHERE act = ?1) AND hash = ?2"
