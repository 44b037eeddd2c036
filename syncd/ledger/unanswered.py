"""Statements about unanswered calls: they sent an image, and no response to them was recorded.

Each is recorded before it is sent, and forgotten once the account is known to hold the image. An
image that no file needs any longer may be in the account all the same, under an unknown hash.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterable, Sequence
from typing import assert_never

import msgspec

from syncd.ledger import audits, history
from syncd.ledger.history import What
from syncd.ledger.statements import full_path, read, write
from syncd.model import AccountId, Digest, ImageHash, Listed
from syncd.rules.unanswered import Copied, Named, SentAs, SentCalls


class UnansweredImage(msgspec.Struct, frozen=True, kw_only=True):
    """A condemned image that an account may hold, and the calls that sent it."""

    digest: Digest
    pixels: tuple[int, int] | None
    file: bytes  # the whole path of its deleted file
    calls: tuple[SentCalls, ...]  # none: the account rejected it, or the times are not known
    hashes: tuple[ImageHash, ...] = ()
    """Under which other accounts have it, or this one had it until syncd deleted it."""


def record(
    db: sqlite3.Connection,
    account: AccountId,
    images: Iterable[tuple[Digest, SentAs]],
    at: float,
) -> None:
    """Record the images that a call at `at`, by the server's clock, is about to send."""
    db.executemany(
        """
        INSERT INTO unanswered (account_id, image_id, sent_as, first_at, last_at)
        SELECT account.id, image.id, ?3, ?4, ?4
        FROM account JOIN image ON image.sha256 = ?2
        WHERE account.act = ?1
        ON CONFLICT DO UPDATE SET last_at = excluded.last_at
        """,
        [(account, digest, _code(sent_as), at) for digest, sent_as in images],
    )


def forget(db: sqlite3.Connection, account_id: int, images: Sequence[int]) -> None:
    """Forget the calls that sent images: the account has taken or rejected them."""
    if db.execute("SELECT 1 FROM unanswered LIMIT 1").fetchone() is None:
        return
    db.execute(
        f"""
        DELETE FROM unanswered
        WHERE account_id = ? AND image_id IN ({",".join("?" * len(images))})
        """,
        (account_id, *images),
    )


@read
def next_condemned(
    db: sqlite3.Connection, account: AccountId, before: float
) -> UnansweredImage | None:
    """Return the next condemned image without a hash whose calls began before `before`.

    That is a time of the server's clock at which these calls have had their effect.
    """
    row = db.execute(
        f"""
        SELECT replica.account_id, image.id, image.sha256, image.width, image.height,
            {full_path("deletion.path")}
        FROM account
        JOIN deletion ON deletion.account_id = account.id
        JOIN replica
            ON replica.account_id = account.id AND replica.image_id = deletion.image_id
        JOIN image ON image.id = deletion.image_id
        JOIN folder ON folder.id = deletion.folder_id
        WHERE account.act = ?1 AND deletion.state <> 'withdrawn' AND {_WITHOUT_HASH}
        ORDER BY deletion.image_id
        LIMIT 1
        """,
        (account, before),
    ).fetchone()
    if row is None:
        return None
    account_id, image_id, digest, width, height, file = row
    calls = db.execute(
        """
        SELECT sent_as, first_at, last_at
        FROM unanswered
        WHERE account_id = ? AND image_id = ?
        """,
        (account_id, image_id),
    )
    hashes = db.execute(
        """
        SELECT hash
        FROM replica
        WHERE image_id = ?2 AND hash IS NOT NULL
        UNION
        SELECT hash
        FROM former_hash
        WHERE account_id = ?1 AND image_id = ?2
        """,
        (account_id, image_id),
    )
    return UnansweredImage(
        digest=digest,
        pixels=None if width is None or height is None else (width, height),
        file=file,
        calls=tuple(_sent_calls(*call) for call in calls),
        hashes=tuple(ImageHash(image_hash) for (image_hash,) in hashes),
    )


@read
def other_hashes(
    db: sqlite3.Connection, account: AccountId, hashes: Sequence[ImageHash]
) -> set[ImageHash]:
    """Return those of these hashes that are of known images of the account.

    A deleted image remains in lists until the deletion has taken effect.
    """
    taken = audits.known_hashes(account, hashes)(db)
    deleted = {one for one in hashes if _was_deleted(db, account, one)}
    return taken | deleted


@write
def settle(
    db: sqlite3.Connection,
    account: AccountId,
    image: UnansweredImage,
    before: float,
    found: Listed | None,
) -> bool:
    """Record that the account holds such an image, or forget the image; return whether it is held.

    `before` is as in `next_condemned`: what was sent since then, or is needed again, stays as it
    is. An image that is found is as if condemned now: its grace begins.
    """
    row = db.execute(
        f"""
        SELECT replica.account_id, replica.image_id
        FROM replica
        JOIN account ON account.id = replica.account_id AND account.act = ?1
        WHERE replica.image_id = (SELECT id FROM image WHERE sha256 = ?3) AND {_WITHOUT_HASH}
        """,
        (account, before, image.digest),
    ).fetchone()
    if row is None:
        return False
    forget(db, row[0], row[1:])
    if found is None or _is_known(db, row[0], found.hash):
        db.execute("DELETE FROM deletion WHERE account_id = ? AND image_id = ?", row)
        db.execute(
            "DELETE FROM replica WHERE account_id = ? AND image_id = ? AND rejected IS NULL", row
        )
        return False
    db.execute(
        """
        UPDATE replica
        SET hash = ?3, held_at = CAST(?4 AS INTEGER), remote_name = ?5, last_error = NULL
        WHERE account_id = ?1 AND image_id = ?2
        """,
        (*row, found.hash, time.time(), found.name),
    )
    history.record_held(db, row[0], What.UPLOADED, row[1:])
    db.execute(
        """
        UPDATE deletion
        SET found_at = ?3, found_age = NULL
        WHERE account_id = ?1 AND image_id = ?2
        """,
        (*row, time.time()),
    )
    return True


def _is_known(db: sqlite3.Connection, account_id: int, image_hash: ImageHash) -> bool:
    """Return whether the account holds another image under this hash."""
    found = db.execute(
        "SELECT 1 FROM replica WHERE account_id = ? AND hash = ?", (account_id, image_hash)
    )
    return found.fetchone() is not None


def _was_deleted(db: sqlite3.Connection, account: AccountId, image_hash: ImageHash) -> bool:
    """Return whether syncd has deleted an image with this hash from the account."""
    found = db.execute(
        """
        SELECT 1
        FROM own
        WHERE account_id = (SELECT id FROM account WHERE act = ?) AND hash = ?
        """,
        (account, image_hash),
    )
    return found.fetchone() is not None


def _code(sent_as: SentAs) -> str:
    match sent_as:
        case Named(name):
            return f"name {name}"
        case Copied(source_hash):
            return f"hash {source_hash}"
        case _:
            assert_never(sent_as)


def _sent_calls(sent_as: str, first_at: float, last_at: float) -> SentCalls:
    code, _, text = sent_as.partition(" ")
    decoded = Copied(ImageHash(text)) if code == "hash" else Named(text)
    return SentCalls(decoded, first_at, last_at)


_WITHOUT_HASH = """replica.wanted = 0 AND replica.hash IS NULL AND replica.delete_sent_at IS NULL
            AND NOT EXISTS (
                SELECT 1
                FROM unanswered
                WHERE unanswered.account_id = replica.account_id
                    AND unanswered.image_id = replica.image_id
                    AND unanswered.last_at >= ?2
            )"""
"""A replica that no file needs, that has no hash, and to which nothing was sent since ?2."""
