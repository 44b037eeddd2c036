"""Statements about replicas: which image is wanted, held, missing or rejected in which account."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence

import msgspec

from syncd.ledger.stat_columns import from_columns
from syncd.ledger.statements import read, write
from syncd.model import AccountId, Digest, Entry, ImageHash, Stat, printable

_SOURCES = 8  # files of one image that are worth trying before the ledger is read again


class Facts(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """One replica as the ledger has it; the image's size in bytes."""

    digest: Digest
    wanted: bool
    held: bool
    rejected: bool
    size: int
    format: str | None


class Source(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """A file that contained an image when it was last read."""

    folder_id: int
    root: bytes
    directory: bytes
    name: bytes
    stat: Stat

    @property
    def path(self) -> bytes:
        """The path relative to the folder."""
        return self.directory + b"/" + self.name if self.directory else self.name

    def __str__(self) -> str:
        """Return the absolute path as printable text."""
        return printable(self.root.rstrip(b"/") + b"/" + self.path)


@read
def facts(
    db: sqlite3.Connection, account: AccountId, digests: Sequence[Digest]
) -> dict[Digest, Facts]:
    """Return what is known about these replicas; one that is not in the result is not wanted."""
    marks = ",".join("?" * len(digests))
    rows = db.execute(
        f"""
        SELECT replica.digest, files > 0, hash IS NOT NULL, rejected IS NOT NULL,
            coalesce(image.size, 0), image.format
        FROM replica
        LEFT JOIN image USING (digest)
        WHERE account = ? AND digest IN ({marks})
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
        )
        for digest, wanted, held, rejected, size, image_format in rows
    }


@read
def missing_after(
    db: sqlite3.Connection, account: AccountId, digest: bytes, limit: int
) -> list[Digest]:
    """Return the next `limit` missing images of an account in the order of their digests."""
    rows = db.execute(
        """
        SELECT digest
        FROM replica INDEXED BY replica_missing
        WHERE account = ? AND digest > ? AND files > 0 AND hash IS NULL AND rejected IS NULL
        ORDER BY digest
        LIMIT ?
        """,
        (account, digest, limit),
    )
    return [Digest(row[0]) for row in rows]


@read
def sources(
    db: sqlite3.Connection, account: AccountId, digest: Digest, limit: int = _SOURCES
) -> list[Source]:
    """Return at most `limit` files that contain an image, in folders that feed this account."""
    rows = db.execute(
        """
        SELECT folder.id, folder.path, directory.path, file.name,
            device, inode, file.size, mtime_ns, ctime_ns
        FROM file
        JOIN directory ON directory.id = file.directory_id
        JOIN folder ON folder.id = directory.folder_id
        JOIN route ON route.folder_id = folder.id AND route.account = ?
        WHERE file.digest = ?
        ORDER BY file.missed_by IS NOT NULL
        LIMIT ?
        """,
        (account, digest, limit),
    )
    return [
        Source(
            folder_id=folder_id,
            root=root,
            directory=directory,
            name=name,
            stat=from_columns(*stat),
        )
        for folder_id, root, directory, name, *stat in rows
    ]


@read
def sources_of(
    db: sqlite3.Connection, account: AccountId, digests: Sequence[Digest]
) -> list[tuple[Digest, list[Source]]]:
    """Return each image with its files as `sources` does, in the order of the arguments."""
    return [(digest, sources(account, digest)(db)) for digest in digests]


@write
def record_sending(
    db: sqlite3.Connection, account: AccountId, digests: Sequence[Digest], at: float
) -> None:
    """Record, before the call, when images are first sent to an account, in unix seconds."""
    db.executemany(
        """
        UPDATE replica
        SET sent_at = ?
        WHERE account = ? AND digest = ? AND sent_at IS NULL
        """,
        [(at, account, digest) for digest in digests],
    )


@write
def record_held(
    db: sqlite3.Connection,
    account: AccountId,
    held: Sequence[tuple[Digest, Entry]],
    at: float,
    sent_at: float | None = None,
) -> None:
    """Record that an account holds images, and under which hashes; times in unix seconds.

    `sent_at` is when they were sent, unless `record_sending` has recorded an earlier time.
    """
    db.executemany(
        """
        INSERT INTO replica (account, digest, hash, held_at, sent_at)
        VALUES (?, ?, ?, ?, ?)
        ON CONFLICT (account, digest) DO UPDATE SET
            hash = excluded.hash,
            held_at = excluded.held_at,
            rejected = NULL,
            rejected_at = NULL,
            trouble = NULL,
            sent_at = coalesce(sent_at, excluded.sent_at)
        """,
        [(account, digest, entry.hash, at, sent_at) for digest, entry in held],
    )
    db.executemany(
        """
        INSERT OR REPLACE INTO answer
            (account, digest, name, width, height, url, url_128, url_256)
        VALUES (?, ?, ?, ?, ?, ?, ?, ?)
        """,
        [
            (account, digest, e.name, e.width, e.height, e.url, e.url_128, e.url_256)
            for digest, e in held
        ],
    )


@write
def record_not_held(db: sqlite3.Connection, account: AccountId, image_hash: ImageHash) -> int:
    """Record that an account does not hold an image: where a file wants it, it is missing again.

    Returns the number of replicas that were recorded as held.
    """
    rows = db.execute(
        "SELECT account, digest FROM replica WHERE hash = ? AND account = ?",
        (image_hash, account),
    ).fetchall()
    db.executemany("DELETE FROM answer WHERE account = ? AND digest = ?", rows)
    db.executemany("DELETE FROM replica WHERE account = ? AND digest = ? AND files = 0", rows)
    db.executemany(
        """
        UPDATE replica
        SET hash = NULL, held_at = NULL, sent_at = NULL,
            wanted_at = CAST(strftime('%s', 'now') AS INTEGER)
        WHERE account = ? AND digest = ?
        """,
        rows,
    )
    return len(rows)


@write
def record_rejected(
    db: sqlite3.Connection, account: AccountId, digest: Digest, why: str, at: float
) -> None:
    """Record that an account rejects an image, and why: it is not sent again."""
    # Also where no file wants it any longer: the file may return, and its image is still rejected.
    db.execute(
        """
        INSERT INTO replica (account, digest, rejected, rejected_at)
        VALUES (?, ?, ?, ?)
        ON CONFLICT (account, digest) DO UPDATE SET
            rejected = excluded.rejected,
            rejected_at = excluded.rejected_at,
            trouble = NULL
        WHERE hash IS NULL
        """,
        (account, digest, why, at),
    )


@write
def record_trouble(
    db: sqlite3.Connection, account: AccountId, digests: Sequence[Digest], why: str
) -> None:
    """Record the error of the last attempt to send images; they stay missing."""
    db.executemany(
        """
        UPDATE replica
        SET trouble = ?
        WHERE account = ? AND digest = ? AND hash IS NULL AND trouble IS NOT ?
        """,
        [(why, account, digest, why) for digest in digests],
    )


@write
def retry_rejected(db: sqlite3.Connection) -> int:
    """Make every rejected image missing again, and return the number of replicas."""
    db.execute("UPDATE image SET unfit = NULL WHERE unfit IS NOT NULL")
    db.execute("DELETE FROM replica WHERE rejected IS NOT NULL AND files = 0 AND hash IS NULL")
    return db.execute(
        """
        UPDATE replica
        SET rejected = NULL, rejected_at = NULL,
            wanted_at = CAST(strftime('%s', 'now') AS INTEGER)
        WHERE rejected IS NOT NULL
        """
    ).rowcount
