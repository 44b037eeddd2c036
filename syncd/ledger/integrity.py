"""Whether a ledger is sound: SQLite's own checks, and what the triggers promise."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator

from syncd.ledger.statements import read

MOST = 20
"""Findings of one kind: a damaged ledger has more than anybody reads."""

PARTS = 256
"""Reads in which the counts are compared, so that each is short: by the first byte of a digest."""


@read
def pages(
    db: sqlite3.Connection,
) -> list[str]:
    """Return what is wrong with tables and indexes: one read, of the whole file."""
    found = [text for (text,) in db.execute(f"PRAGMA integrity_check({MOST})")]
    return [] if found == ["ok"] else found


@read
def references(
    db: sqlite3.Connection,
) -> list[str]:
    """Return the rows that name another row which is not there."""
    return [
        f"a row of {table} names a row of {parent} that is not there"
        for _, (table, _, parent, _) in zip(
            range(MOST), db.execute("PRAGMA foreign_key_check"), strict=False
        )
    ]


@read
def counts(db: sqlite3.Connection, part: int) -> list[str]:
    """Return the replicas of one part whose `files` is not the number of files that want them."""
    # The last part has no end: a blob sorts after every text and number, and before none.
    begin, end = bytes([part]), bytes([part + 1]) if part + 1 < PARTS else b"\xff" * 33
    return [
        f"replica of {digest.hex()} in act_{account}: its files are {counted}, it has {kept}"
        for account, digest, kept, counted in db.execute(_COUNTS, (begin, end, MOST))
    ]


def all_counts(db: sqlite3.Connection) -> Iterator[list[str]]:
    """Compare all parts, one short read after the other."""
    return (counts(part)(db) for part in range(PARTS))


EACH_ACCOUNT = (
    "WITH RECURSIVE each_account (account) AS (SELECT min(account) FROM replica UNION ALL"
    " SELECT (SELECT min(account) FROM replica WHERE account > each_account.account)"
    " FROM each_account WHERE account IS NOT NULL)"
)
"""The accounts of all replicas, a search of their key for each: who asks by digest needs them."""

_COUNTS = (
    f"{EACH_ACCOUNT} SELECT account, digest, sum(kept), sum(counted) FROM ("
    " SELECT replica.account, digest, files AS kept, 0 AS counted FROM each_account CROSS JOIN"
    " replica ON replica.account = each_account.account AND digest >= ?1 AND digest < ?2"
    " UNION ALL"
    " SELECT route.account, file.digest, 0, 1 FROM file INDEXED BY file_by_digest"
    " JOIN directory ON directory.id = file.directory_id"
    " JOIN route ON route.folder_id = directory.folder_id"
    " WHERE file.digest >= ?1 AND file.digest < ?2"
    ") GROUP BY account, digest HAVING sum(kept) <> sum(counted) LIMIT ?3"
)
