"""Checks of the ledger's integrity: SQLite's own, and that the replicas are what the files want."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator

from syncd.ledger.statements import read

MOST = 20
"""Findings of one kind that are reported: a damaged ledger has more than anyone reads."""

IMAGES_PER_READ = 5000
"""Images of one read of a check, so that each read is short."""


@read
def pages(db: sqlite3.Connection) -> list[str]:
    """Return what is wrong with tables and indexes: one read of the whole file."""
    found = [text for (text,) in db.execute(f"PRAGMA integrity_check({MOST})")]
    return [] if found == ["ok"] else found


@read
def references(db: sqlite3.Connection) -> list[str]:
    """Return the rows that refer to a row which does not exist."""
    return [
        f"a row of {table} refers to a row of {parent} that does not exist"
        for _, (table, _, parent, _) in zip(
            range(MOST), db.execute("PRAGMA foreign_key_check"), strict=False
        )
    ]


@read
def wanted(db: sqlite3.Connection, first: int) -> list[str]:
    """Return the replicas whose `wanted` is not what the files want, of images from an id on."""
    rows = db.execute(
        """
        SELECT account.act, image.sha256, max(recorded), max(needed)
        FROM (
            SELECT account_id, image_id, wanted AS recorded, 0 AS needed
            FROM replica
            WHERE image_id >= ?1 AND image_id < ?2
            UNION ALL
            SELECT account_id, image_id, 0, 1
            FROM wanted
            WHERE image_id >= ?1 AND image_id < ?2
        ) AS compared
        JOIN account ON account.id = compared.account_id
        JOIN image ON image.id = compared.image_id
        GROUP BY compared.account_id, compared.image_id
        HAVING max(recorded) <> max(needed)
        LIMIT ?3
        """,
        (first, first + IMAGES_PER_READ, MOST),
    )
    return [
        f"replica of {digest.hex()} in act_{account}: "
        + ("a file wants it" if needed else "no file wants it")
        + f", but it is recorded as {'wanted' if recorded else 'not wanted'}"
        for account, digest, recorded, needed in rows
    ]


def all_wanted(db: sqlite3.Connection) -> Iterator[list[str]]:
    """Yield the findings of `wanted` part by part, each in a short read of its own."""
    return (wanted(first)(db) for first in parts(db))


def parts(db: sqlite3.Connection) -> range:
    """Return the first image id of each part."""
    (last,) = db.execute("SELECT coalesce(max(id), 0) FROM image").fetchone()
    return range(0, last + 1, IMAGES_PER_READ)
