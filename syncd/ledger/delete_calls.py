"""Statements about DELETE calls: each is recorded before it is sent, until its effect is known."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from typing import Any

import msgspec

from syncd.ledger import history, replicas
from syncd.ledger.deletions import Due, facts
from syncd.ledger.history import What
from syncd.ledger.statements import as_structs, full_path, read, write
from syncd.model import AccountId, ImageHash
from syncd.rules.deletion import RECHECK_INTERVAL, Condemned


class UnconfirmedDeletion(msgspec.Struct, frozen=True, kw_only=True):
    """A DELETE that was sent, and whose effect is not known yet; times in unix seconds."""

    hash: ImageHash
    file: bytes | None  # the whole path of the deleted file, where it is known
    wanted: bool  # a file needs the image again
    sent_at: float  # the DELETE
    resent_at: float | None  # the image, since then
    attempts: int  # DELETE calls that the account did not reject
    failed: bool = False  # the API responded to it with an error, and no file needs it since


@write
def record_sending(
    db: sqlite3.Connection,
    account: AccountId,
    image: Due,
    before: float,
    at: float,
    until: float,
    is_allowed: Callable[[Condemned], bool],
) -> bool:
    """Record, before the call, that a DELETE is sent; return whether the facts now allow it.

    Until its effect is known, no image of its hash is held. `before` is as in `facts`; the call
    ends before `until`: the account is not read earlier.
    """
    known = facts(account, image.digest, before, image.failed_at)(db)
    if known is None or not is_allowed(known):
        return False
    db.execute(
        f"""
        UPDATE replica
        SET delete_sent_at = ?3, delete_failed = 0, resent_at = NULL, check_at = ?4
        WHERE {_OF_HASH}
        """,
        (account, image.hash, at, until),
    )
    return True


@write
def record_sent(
    db: sqlite3.Connection,
    account: AccountId,
    image_hash: ImageHash,
    failed_until: float | None = None,
) -> None:
    """Record that a DELETE was accepted, or may have been: a read must confirm its effect.

    `failed_until`: the API responded with an error, and the account is read then, in unix seconds,
    unless a file needs the image again: then at once.
    """
    db.execute(
        f"""
        UPDATE deletion
        SET state = 'requested', attempts = attempts + 1, reason = NULL
        WHERE {_CONDEMNED_OF_HASH}
        """,
        (account, image_hash),
    )
    db.execute(
        f"""
        UPDATE replica
        SET check_at = iif(wanted, NULL, ?3),
            delete_failed = (wanted = 0 AND ?3 IS NOT NULL)
        WHERE {_OF_HASH}
        """,
        (account, image_hash, failed_until),
    )


@write
def record_present(
    db: sqlite3.Connection, account: AccountId, image_hash: ImageHash, retry_at: float = 0
) -> None:
    """Record that an image is in its account: its DELETE was not sent, was rejected, or has ended.

    Another DELETE is not sent before `retry_at`, in unix seconds.
    """
    db.execute(
        f"""
        UPDATE replica
        SET delete_sent_at = NULL, delete_failed = 0, resent_at = NULL, check_at = NULL
        WHERE {_OF_HASH}
        """,
        (account, image_hash),
    )
    if retry_at:
        db.execute(
            f"UPDATE deletion SET retry_at = max(retry_at, ?3) WHERE {_CONDEMNED_OF_HASH}",
            (account, image_hash, retry_at),
        )


@write
def record_gone(
    db: sqlite3.Connection,
    account: AccountId,
    image_hash: ImageHash,
    clock_offset: float | None = None,
) -> None:
    """Record that an image is no longer in its account: where a file wants it, it is missing.

    `clock_offset` is by how many seconds the server's clock is ahead; None: unknown.
    """
    _remember_own(db, account, image_hash, clock_offset)
    db.execute(f"DELETE FROM deletion WHERE {_CONDEMNED_OF_HASH}", (account, image_hash))
    replicas.record_not_held(account, image_hash, What.DELETED)(db)


@write
def record_absent(
    db: sqlite3.Connection,
    account: AccountId,
    image_hash: ImageHash,
    clock_offset: float | None = None,
) -> None:
    """Record that an image is absent a moment after its DELETE: if sent again, it is confirmed.

    `clock_offset` is as in `record_gone`.
    """
    _remember_own(db, account, image_hash, clock_offset)
    history.record_replicas(db, What.DELETED, _OF_HASH, (account, image_hash))
    db.execute(
        f"""
        DELETE FROM deletion
        WHERE {_CONDEMNED_OF_HASH}
            AND NOT EXISTS (
                SELECT 1
                FROM replica
                WHERE replica.account_id = deletion.account_id
                    AND replica.image_id = deletion.image_id
                    AND replica.wanted = 1
            )
        """,
        (account, image_hash),
    )
    db.execute(
        f"""
        UPDATE replica
        SET hash = NULL, held_at = NULL, sent_at = NULL, clock_offset = NULL, remote_name = NULL,
            remote_status = NULL, delete_failed = 0, check_at = NULL, copied_from = NULL
        WHERE {_OF_HASH}
        """,
        (account, image_hash),
    )


@read
def to_confirm(
    db: sqlite3.Connection, account: AccountId, now: float, limit: int
) -> list[UnconfirmedDeletion]:
    """Return `limit` deletions that are due to be confirmed by a read now.

    A time that lies further ahead than the longest wait was recorded while the clock was wrong.
    """
    rows = db.execute(
        f"""
        SELECT replica.hash, min({full_path("deletion.path")}) AS file,
            max(replica.wanted) AS wanted, max(replica.delete_sent_at) AS sent_at,
            max(replica.resent_at) AS resent_at, coalesce(max(deletion.attempts), 0) AS attempts,
            max(replica.delete_failed) AS failed
        FROM replica INDEXED BY replica_unconfirmed
        LEFT JOIN deletion USING (account_id, image_id)
        LEFT JOIN folder ON folder.id = deletion.folder_id
        WHERE replica.account_id = (SELECT id FROM account WHERE act = ?1)
            AND replica.hash IS NOT NULL AND replica.delete_sent_at IS NOT NULL
            AND (coalesce(replica.check_at, 0) <= ?2 OR replica.check_at > ?2 + ?3)
        GROUP BY replica.hash
        LIMIT ?4
        """,
        (account, now, RECHECK_INTERVAL, limit),
    )

    def unconfirmed(wanted: int, failed: int, **columns: Any) -> UnconfirmedDeletion:
        return UnconfirmedDeletion(wanted=bool(wanted), failed=bool(failed), **columns)

    return as_structs(rows, unconfirmed)


@read
def unconfirmed_accounts(db: sqlite3.Connection) -> list[AccountId]:
    """Return the accounts with DELETE calls whose effect is not known or not final yet."""
    rows = db.execute(
        """
        SELECT act
        FROM account
        WHERE EXISTS (
            SELECT 1
            FROM replica INDEXED BY replica_unconfirmed
            WHERE replica.account_id = account.id AND replica.delete_sent_at IS NOT NULL
        )
        """
    )
    return [AccountId(act) for (act,) in rows]


@read
def has_absent(db: sqlite3.Connection, account: AccountId, until: float, now: float) -> bool:
    """Return whether `forget_absent` has anything to forget."""
    found = db.execute(f"SELECT 1 FROM replica WHERE {_ABSENT} LIMIT 1", (account, until, now))
    return found.fetchone() is not None


@write
def forget_absent(db: sqlite3.Connection, account: AccountId, until: float, now: float) -> None:
    """Forget the DELETE calls until then of absent images that no file needs."""
    of = account, until, now
    db.execute(f"DELETE FROM replica WHERE {_ABSENT} AND sent_at IS NULL", of)
    db.execute(f"UPDATE replica SET delete_sent_at = NULL WHERE {_ABSENT}", of)


@write
def confirm_all_now(db: sqlite3.Connection, account: AccountId) -> None:
    """Let every deletion of an account whose effect is not known be confirmed at once.

    A DELETE that failed keeps the time of its next read.
    """
    db.execute(
        """
        UPDATE replica
        SET check_at = NULL
        WHERE account_id = (SELECT id FROM account WHERE act = ?)
            AND delete_sent_at IS NOT NULL AND delete_failed = 0
        """,
        (account,),
    )


@write
def confirm_later(
    db: sqlite3.Connection, account: AccountId, image_hash: ImageHash, at: float
) -> None:
    """Record that an image is still there after its DELETE; the next read is at `at`."""
    db.execute(f"UPDATE replica SET check_at = ?3 WHERE {_OF_HASH}", (account, image_hash, at))
    db.execute(
        f"""
        UPDATE deletion
        SET reason = 'still there'
        WHERE state = 'requested' AND reason IS NULL AND {_CONDEMNED_OF_HASH}
        """,
        (account, image_hash),
    )


def _remember_own(
    db: sqlite3.Connection, account: AccountId, image_hash: ImageHash, clock_offset: float | None
) -> None:
    """Remember that an image which syncd deleted was its own, where the server's times are known.

    An account may give an image that is uploaded again the time of its first upload. Other bytes
    can have the same hash there: the image is remembered by its hash.
    """
    db.execute(
        f"""
        INSERT INTO own (account_id, hash, sent_at, deleted_at)
        SELECT account_id, hash, min(sent_at), max(delete_sent_at) + ?3
        FROM replica
        WHERE {_OF_HASH}
            AND sent_at IS NOT NULL AND clock_offset IS NOT NULL AND ?3 IS NOT NULL
            AND delete_sent_at IS NOT NULL AND resent_at IS NULL
        GROUP BY account_id, hash
        ON CONFLICT DO NOTHING
        """,
        (account, image_hash, clock_offset),
    )
    db.execute(
        f"""
        INSERT INTO former_hash (image_id, account_id, hash)
        SELECT image_id, account_id, hash
        FROM replica
        WHERE {_OF_HASH} AND delete_sent_at IS NOT NULL
        ON CONFLICT DO UPDATE SET hash = excluded.hash
        """,
        (account, image_hash),
    )


_OF_HASH = "hash = ?2 AND account_id = (SELECT id FROM account WHERE act = ?1)"
"""The replicas in the account ?1 whose images it has under the hash ?2."""

_ABSENT = """account_id = (SELECT id FROM account WHERE act = ?1)
            AND wanted = 0 AND hash IS NULL AND delete_sent_at IS NOT NULL
            AND delete_sent_at NOT BETWEEN ?2 AND ?3"""
"""The replicas in the account ?1 that no file needs, absent after a DELETE until ?2, or after now,
?3: the clock was set back."""

_CONDEMNED_OF_HASH = f"""account_id = (SELECT id FROM account WHERE act = ?1)
            AND image_id IN (SELECT image_id FROM replica WHERE {_OF_HASH})"""
"""The deletions of these replicas."""
