"""Statements about replicas: which image is wanted, held, missing or rejected in which account."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence

import msgspec

from syncd.ledger.stat_columns import kept
from syncd.ledger.statements import read, write
from syncd.model import AccountId, Digest, Entry, ImageHash, Stat, printable

_SOURCES = 8  # files of one image worth trying before it is asked about again


class Facts(msgspec.Struct, frozen=True, gc=False):
    """What the ledger says of one replica, and how large its image is in bytes."""

    digest: Digest
    wanted: bool
    held: bool
    rejected: bool
    size: int
    format: str | None


class Source(msgspec.Struct, frozen=True, gc=False):
    """A file that held an image when it was last read."""

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
        """The whole path, as a person reads it."""
        return printable(self.root.rstrip(b"/") + b"/" + self.path)


@read
def facts(
    db: sqlite3.Connection, account: AccountId, digests: Sequence[Digest]
) -> dict[Digest, Facts]:
    """Return what is known of those replicas; one that is not there is not wanted any more."""
    marks = ",".join("?" * len(digests))
    rows = db.execute(
        "SELECT replica.digest, files > 0, hash IS NOT NULL, rejected IS NOT NULL,"
        " coalesce(image.size, 0), image.format FROM replica LEFT JOIN image USING (digest)"
        f" WHERE account = ? AND digest IN ({marks})",
        (account, *digests),
    )
    return {
        Digest(digest): Facts(Digest(digest), bool(w), bool(h), bool(r), size, form)
        for digest, w, h, r, size, form in rows
    }


@read
def missing_after(
    db: sqlite3.Connection, account: AccountId, digest: bytes, limit: int
) -> list[Digest]:
    """Return the next missing digests of an account in key order: a page, never the list."""
    return [
        Digest(row[0])
        for row in db.execute(
            "SELECT digest FROM replica INDEXED BY replica_missing"
            " WHERE account = ? AND digest > ? AND files > 0 AND hash IS NULL"
            " AND rejected IS NULL ORDER BY digest LIMIT ?",
            (account, digest, limit),
        )
    ]


@read
def sources(
    db: sqlite3.Connection, account: AccountId, digest: Digest, limit: int = _SOURCES
) -> list[Source]:
    """Return files that hold an image, in folders that this account stands for."""
    return _sources(db, account, digest, limit)


@read
def sources_of(
    db: sqlite3.Connection, account: AccountId, digests: Sequence[Digest]
) -> list[tuple[Digest, list[Source]]]:
    """Return, in order, each image with its files as `sources` does."""
    return [(digest, _sources(db, account, digest, _SOURCES)) for digest in digests]


def _sources(
    db: sqlite3.Connection, account: AccountId, digest: Digest, limit: int
) -> list[Source]:
    rows = db.execute(
        "SELECT folder.id, folder.path, directory.path, file.name, device, inode, file.size,"
        " mtime_ns, ctime_ns FROM file JOIN directory ON directory.id = file.directory_id"
        " JOIN folder ON folder.id = directory.folder_id"
        " JOIN route ON route.folder_id = folder.id AND route.account = ?"
        " WHERE file.digest = ? ORDER BY file.missed_by IS NOT NULL LIMIT ?",
        (account, digest, limit),
    )
    return [
        Source(folder_id, root, directory, name, kept(*stat))
        for folder_id, root, directory, name, *stat in rows
    ]


@write
def sending(
    db: sqlite3.Connection, account: AccountId, digests: Sequence[Digest], at: float
) -> None:
    """Write down when images are first sent to an account, before they are; unix seconds."""
    db.executemany(
        "UPDATE replica SET sent_at = ? WHERE account = ? AND digest = ? AND sent_at IS NULL",
        [(at, account, digest) for digest in digests],
    )


@write
def hold_all(
    db: sqlite3.Connection,
    account: AccountId,
    held: Sequence[tuple[Digest, Entry]],
    at: float,
    sent_at: float | None = None,
) -> None:
    """Write down that an account holds images, under which hashes; unix seconds.

    sent_at is when they were sent, unless `sending` has an earlier time.
    """
    db.executemany(
        "INSERT INTO replica (account, digest, hash, held_at, sent_at) VALUES (?, ?, ?, ?, ?)"
        " ON CONFLICT (account, digest) DO UPDATE SET hash = excluded.hash,"
        " held_at = excluded.held_at, rejected = NULL, rejected_at = NULL, trouble = NULL,"
        " sent_at = coalesce(sent_at, excluded.sent_at)",
        [(account, digest, entry.hash, at, sent_at) for digest, entry in held],
    )
    db.executemany(
        "INSERT OR REPLACE INTO answer"
        " (account, digest, name, width, height, url, url_128, url_256)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        [
            (account, digest, e.name, e.width, e.height, e.url, e.url_128, e.url_256)
            for digest, e in held
        ],
    )


@write
def no_longer_held(db: sqlite3.Connection, account: AccountId, image_hash: ImageHash) -> int:
    """Write down that an account does not hold an image: what wants it is missing again.

    Answers how many replicas that were believed to be held are not.
    """
    rows = db.execute(
        "SELECT account, digest FROM replica WHERE hash = ? AND account = ?",
        (image_hash, account),
    ).fetchall()
    db.executemany("DELETE FROM answer WHERE account = ? AND digest = ?", rows)
    db.executemany("DELETE FROM replica WHERE account = ? AND digest = ? AND files = 0", rows)
    db.executemany(
        "UPDATE replica SET hash = NULL, held_at = NULL, sent_at = NULL,"
        " wanted_at = CAST(strftime('%s', 'now') AS INTEGER) WHERE account = ? AND digest = ?",
        rows,
    )
    return len(rows)


@write
def reject(db: sqlite3.Connection, account: AccountId, digest: Digest, why: str, at: float) -> None:
    """Write down that an account refuses an image, and why: it is not asked again."""
    # Also where no file wants it any more: it may come back, and is not asked again then.
    db.execute(
        "INSERT INTO replica (account, digest, rejected, rejected_at) VALUES (?, ?, ?, ?)"
        " ON CONFLICT (account, digest) DO UPDATE SET rejected = excluded.rejected,"
        " rejected_at = excluded.rejected_at, trouble = NULL WHERE hash IS NULL",
        (account, digest, why, at),
    )


@write
def trouble(
    db: sqlite3.Connection, account: AccountId, digests: Sequence[Digest], why: str
) -> None:
    """Write down what the last try to bring images met; they stay missing."""
    db.executemany(
        "UPDATE replica SET trouble = ? WHERE account = ? AND digest = ?"
        " AND hash IS NULL AND trouble IS NOT ?",
        [(why, account, digest, why) for digest in digests],
    )


@write
def ask_again(
    db: sqlite3.Connection,
) -> int:
    """Let every rejected image be asked once more; answers how many replicas."""
    db.execute("UPDATE image SET unfit = NULL WHERE unfit IS NOT NULL")
    db.execute("DELETE FROM replica WHERE rejected IS NOT NULL AND files = 0 AND hash IS NULL")
    return db.execute(
        "UPDATE replica SET rejected = NULL, rejected_at = NULL,"
        " wanted_at = CAST(strftime('%s', 'now') AS INTEGER) WHERE rejected IS NOT NULL"
    ).rowcount
