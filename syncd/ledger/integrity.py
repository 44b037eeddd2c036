"""Checks of the ledger's integrity: SQLite's own, and what the triggers promise."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator

from syncd.ledger.statements import read

MOST = 20
"""Findings of one kind that are reported: a damaged ledger has more than anyone reads."""

PARTS = 256
"""Reads into which a check is divided by the first byte of a digest, so that each is short."""


def part_bounds(part: int) -> tuple[bytes, bytes]:
    """Return the first digest of a part, and the first after it."""
    # The last part ends after every digest.
    return bytes([part]), bytes([part + 1]) if part + 1 < PARTS else b"\xff" * 33


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
def counts(db: sqlite3.Connection, part: int) -> list[str]:
    """Return the replicas of one part whose `files` is not the number of files that want them."""
    rows = db.execute(
        f"""
        {EACH_ACCOUNT}
        SELECT account, digest, sum(recorded), sum(counted)
        FROM (
            SELECT replica.account, digest, files AS recorded, 0 AS counted
            FROM each_account
            CROSS JOIN replica
                ON replica.account = each_account.account AND digest >= ?1 AND digest < ?2
            UNION ALL
            SELECT route.account, file.digest, 0, 1
            FROM file INDEXED BY file_by_digest
            JOIN directory ON directory.id = file.directory_id
            JOIN route ON route.folder_id = directory.folder_id
            WHERE file.digest >= ?1 AND file.digest < ?2
        )
        GROUP BY account, digest
        HAVING sum(recorded) <> sum(counted)
        LIMIT ?3
        """,
        (*part_bounds(part), MOST),
    )
    return [
        f"replica of {digest.hex()} in act_{account}: {counted} files want it, {recorded} recorded"
        for account, digest, recorded, counted in rows
    ]


def all_counts(db: sqlite3.Connection) -> Iterator[list[str]]:
    """Yield the findings of `counts` part by part, each in a short read of its own."""
    return (counts(part)(db) for part in range(PARTS))


EACH_ACCOUNT = """WITH RECURSIVE each_account (account) AS (
            SELECT min(account) FROM replica
            UNION ALL
            SELECT (SELECT min(account) FROM replica WHERE account > each_account.account)
            FROM each_account
            WHERE account IS NOT NULL
        )"""
"""The accounts of all replicas, found by one search each: replicas have no index by digest."""
