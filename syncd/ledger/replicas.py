"""Statements about replicas: which image is wanted, held, missing or rejected in which account."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence

import msgspec

from syncd.ledger import accounts, history, unanswered
from syncd.ledger.history import What
from syncd.ledger.statements import MOST_VARIABLES, read, write, write_rows
from syncd.model import AccountId, Digest, Entry, ImageHash, Sent
from syncd.rules.unanswered import SentAs


class Facts(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """One replica as the ledger has it; the image's size in bytes."""

    digest: Digest
    wanted: bool
    held: bool
    rejected: bool
    size: int
    format: str | None
    name: bytes | None
    """The name of one of its files."""


class Missing(msgspec.Struct, frozen=True):
    """A page of missing images, and the key of the last one; the next page begins after it."""

    digests: list[Digest]
    last: MissingKey


MissingKey = tuple[int, int]
"""Since when an image is wanted, in unix seconds, and its id: the order of arrival."""

FIRST_MISSING: MissingKey = (-1, -1)
"""The key before every other."""


@read
def facts(
    db: sqlite3.Connection, account: AccountId, digests: Sequence[Digest]
) -> dict[Digest, Facts]:
    """Return what is known about these replicas; one that is not in the result is not wanted."""
    marks = ",".join("?" * len(digests))
    rows = db.execute(
        f"""
        SELECT image.sha256, replica.wanted, replica.hash IS NOT NULL,
            replica.rejected IS NOT NULL, image.size, image.format,
            (
                SELECT name
                FROM file INDEXED BY file_by_image
                WHERE file.image_id = image.id
                LIMIT 1
            )
        FROM image
        JOIN replica
            ON replica.image_id = image.id
            AND replica.account_id = (SELECT id FROM account WHERE act = ?)
        WHERE image.sha256 IN ({marks})
        """,
        (account, *digests),
    )
    return {
        Digest(digest): Facts(
            digest=Digest(digest),
            wanted=bool(wanted),
            held=bool(held),
            rejected=bool(rejected),
            size=size,
            format=image_format,
            name=name,
        )
        for digest, wanted, held, rejected, size, image_format, name in rows
    }


@read
def missing_after(
    db: sqlite3.Connection, account: AccountId, after: MissingKey, limit: int
) -> Missing:
    """Return the next `limit` missing images of an account in the order of their arrival."""
    rows = db.execute(
        """
        SELECT image.sha256, replica.wanted_at, replica.image_id
        FROM replica INDEXED BY replica_missing
        CROSS JOIN image ON image.id = replica.image_id
        WHERE replica.account_id = (SELECT id FROM account WHERE act = ?)
            AND replica.wanted = 1 AND replica.hash IS NULL AND replica.rejected IS NULL
            AND (replica.wanted_at, replica.image_id) > (?, ?)
        ORDER BY replica.wanted_at, replica.image_id
        LIMIT ?
        """,
        (account, *after, limit),
    ).fetchall()
    return Missing([Digest(row[0]) for row in rows], rows[-1][1:] if rows else after)


@read
def count_missing(db: sqlite3.Connection, account: AccountId, most: int) -> int:
    """Return how many images an account misses, or `most` if there are more."""
    (count,) = db.execute(
        """
        SELECT count(*)
        FROM (
            SELECT 1
            FROM replica INDEXED BY replica_missing
            WHERE account_id = (SELECT id FROM account WHERE act = ?)
                AND wanted = 1 AND hash IS NULL AND rejected IS NULL
            LIMIT ?
        )
        """,
        (account, most),
    ).fetchone()
    return int(count)


@write
def record_sending(
    db: sqlite3.Connection, account: AccountId, images: Mapping[Digest, SentAs], sent: Sent
) -> list[Digest]:
    """Record, before the call, that images are sent, and as what; return those that are to be sent.

    The last file of an image may have gone since a worker read it. Sent nevertheless, it would be
    in the account without a deletion.
    """
    sending = [
        digest
        for digest in images
        if db.execute(
            f"""
            UPDATE replica
            SET sent_at = coalesce(sent_at, ?3),
                clock_offset = iif(sent_at IS NULL, ?4, clock_offset)
            WHERE {OF_IMAGE} AND wanted = 1 AND hash IS NULL AND rejected IS NULL
            """,
            (account, digest, sent.at, sent.clock_offset),
        ).rowcount
    ]
    if sent.clock_offset is not None:
        unanswered.record(db, account, [(digest, images[digest]) for digest in sending], sent.at)
    return sending


@write
def record_held(
    db: sqlite3.Connection,
    account: AccountId,
    held: Sequence[tuple[Digest, Entry]],
    at: float,
    sent: Sent | None = None,
    source: AccountId | None = None,
) -> None:
    """Record that an account holds images, and under which hashes; `at` is in unix seconds.

    They were copied from the account `source`, or uploaded.

    `sent` is when they were sent, unless `record_sending` has recorded an earlier time by the same
    clock, the server's.
    """
    accounts.add(db, [account])
    (account_id,) = db.execute("SELECT id FROM account WHERE act = ?", (account,)).fetchone()
    sent_at, clock_offset = (None, None) if sent is None else (sent.at, sent.clock_offset)
    write_rows(
        db,
        """
        WITH taken (sha256, hash, name) AS (VALUES {rows})
        INSERT INTO replica (
            account_id, image_id, wanted, hash, held_at, sent_at, clock_offset, remote_name,
            copied_from
        )
        SELECT ?1, image.id, 0, taken.hash, CAST(?2 AS INTEGER), ?3, ?4, taken.name, ?5
        FROM taken CROSS JOIN image ON image.sha256 = taken.sha256
        WHERE true
        ON CONFLICT DO UPDATE SET
            hash = excluded.hash,
            held_at = excluded.held_at,
            resent_at = iif(delete_sent_at IS NULL, NULL, ?2),
            check_at = NULL,
            rejected = NULL,
            last_error = NULL,
            doubted_at = NULL,
            sent_at = iif(clock_offset IS NULL, coalesce(excluded.sent_at, sent_at), sent_at),
            clock_offset = coalesce(clock_offset, excluded.clock_offset),
            remote_name = excluded.remote_name,
            remote_status = NULL,
            copied_from = excluded.copied_from
        """,
        [(digest, entry.hash, entry.name) for digest, entry in held],
        *(account_id, at, sent_at, clock_offset, source),
    )
    images = sorted(image_ids(db, [digest for digest, _ in held]).values())
    unanswered.forget(db, account_id, images)
    what = What.UPLOADED if source is None else What.COPIED
    history.record_held(db, account_id, what, images)


def image_ids(db: sqlite3.Connection, digests: Sequence[Digest]) -> dict[Digest, int]:
    """Return the ids of images that are recorded, by their digests."""
    found: dict[Digest, int] = {}
    for first in range(0, len(digests), MOST_VARIABLES):
        some = digests[first : first + MOST_VARIABLES]
        marks = ",".join("?" * len(some))
        found.update(
            db.execute(f"SELECT sha256, id FROM image WHERE sha256 IN ({marks})", some).fetchall()
        )
    return found


def missing_among(db: sqlite3.Connection, folder_id: int, image_ids: Sequence[int]) -> set[int]:
    """Return those of these images that an account which the folder feeds misses."""
    if not image_ids:
        return set()
    marks = ",".join("?" * len(image_ids))
    (missing,) = db.execute(
        f"""
        SELECT group_concat(replica.image_id)
        FROM replica
        JOIN route ON route.account_id = replica.account_id AND route.folder_id = ?
        WHERE replica.image_id IN ({marks})
            AND replica.wanted = 1 AND replica.hash IS NULL AND replica.rejected IS NULL
        """,
        (folder_id, *image_ids),
    ).fetchone()  # one row: each row is a step
    return set() if missing is None else set(map(int, missing.split(",")))


@write
def record_not_held(
    db: sqlite3.Connection, account: AccountId, image_hash: ImageHash, what: What = What.LOST
) -> int:
    """Record that an account does not hold an image: where a file wants it, it is missing again.

    `what` has happened to it: lost or deleted.
    Returns the number of replicas that were recorded as held.
    """
    where = "hash = ?2 AND account_id = (SELECT id FROM account WHERE act = ?1)"
    history.record_replicas(db, what, where, (account, image_hash))
    unwanted = db.execute(
        f"DELETE FROM replica WHERE {where} AND wanted = 0", (account, image_hash)
    ).rowcount
    missing = db.execute(
        f"""
        UPDATE replica
        SET hash = NULL, held_at = NULL, sent_at = NULL, clock_offset = NULL,
            remote_name = NULL, remote_status = NULL, delete_sent_at = NULL, delete_failed = 0,
            resent_at = NULL, check_at = NULL, copied_from = NULL,
            wanted_at = CAST(strftime('%s', 'now') AS INTEGER)
        WHERE {where}
        """,
        (account, image_hash),
    ).rowcount
    return unwanted + missing


@write
def record_rejected(db: sqlite3.Connection, account: AccountId, digest: Digest, why: str) -> None:
    """Record that an account rejects an image, and why: it is not sent again."""
    accounts.add(db, [account])
    # Also where no file wants it any longer: the file may return, and its image is still rejected.
    rejected = db.execute(
        """
        INSERT INTO replica (account_id, image_id, wanted, rejected)
        SELECT account.id, image.id, 0, ?3
        FROM account JOIN image ON image.sha256 = ?2
        WHERE account.act = ?1
        ON CONFLICT DO UPDATE SET
            rejected = excluded.rejected,
            last_error = NULL,
            doubted_at = NULL,
            delete_sent_at = NULL
        WHERE hash IS NULL
        """,
        (account, digest, why),
    ).rowcount
    if rejected:
        history.record_replicas(db, What.REJECTED, OF_IMAGE, (account, digest))
    db.execute(f"DELETE FROM unanswered WHERE {OF_IMAGE}", (account, digest))


@write
def record_trouble(
    db: sqlite3.Connection, account: AccountId, digests: Sequence[Digest], why: str
) -> None:
    """Record the error of the last attempt to send images; they stay missing."""
    db.executemany(
        f"""
        UPDATE replica
        SET last_error = ?3
        WHERE {OF_IMAGE} AND hash IS NULL AND last_error IS NOT ?3
        """,
        [(account, digest, why) for digest in digests],
    )


@read
def doubted_at(db: sqlite3.Connection, account: AccountId, digest: Digest) -> float | None:
    """Return when an image first met an error that may reject it, in unix seconds."""
    row = db.execute(f"SELECT doubted_at FROM replica WHERE {OF_IMAGE}", (account, digest))
    found = row.fetchone()
    return None if found is None else found[0]


@write
def record_doubt(db: sqlite3.Connection, account: AccountId, digest: Digest, at: float) -> None:
    """Record that an image met an error at `at`, in unix seconds, that may reject it."""
    db.execute(
        f"""
        UPDATE replica
        SET doubted_at = ?3
        WHERE {OF_IMAGE}
        """,
        (account, digest, at),
    )


@write
def retry_rejected(db: sqlite3.Connection) -> int:
    """Make every rejected image missing again, and return the number of replicas."""
    db.execute("UPDATE image SET unsupported = NULL WHERE unsupported IS NOT NULL")
    db.execute("DELETE FROM replica WHERE rejected IS NOT NULL AND wanted = 0 AND hash IS NULL")
    return db.execute(
        """
        UPDATE replica
        SET rejected = NULL, wanted_at = CAST(strftime('%s', 'now') AS INTEGER)
        WHERE rejected IS NOT NULL
        """
    ).rowcount


OF_IMAGE = """account_id = (SELECT id FROM account WHERE act = ?1)
            AND image_id = (SELECT id FROM image WHERE sha256 = ?2)"""
"""The replica of the image ?2 in the account ?1."""
