"""Statements about replaced images: condemned ones whose file contains something else now."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable

import msgspec

from syncd.ledger.statements import as_structs, full_path, read

HELD_REPLICA = """EXISTS (
            SELECT 1
            FROM replica
            WHERE replica.account_id = deletion.account_id
                AND replica.image_id = deletion.image_id
                AND replica.hash IS NOT NULL
        )"""

REPLACEMENT = """(
            SELECT CASE
                WHEN now.image_id IS NULL THEN 'unreadable'
                WHEN its.hash IS NOT NULL AND its.delete_sent_at IS NULL THEN 'held'
                WHEN image.unsupported IS NOT NULL THEN 'unsupported'
                WHEN its.rejected IS NOT NULL THEN 'rejected'
                ELSE 'missing'
            END
            FROM directory
            CROSS JOIN file AS now
                ON now.directory_id = directory.id
                AND now.name = substr(
                    deletion.path, iif(directory.path = x'', 1, length(directory.path) + 2)
                )
            LEFT JOIN image ON image.id = now.image_id
            LEFT JOIN replica AS its
                ON its.image_id = now.image_id AND its.account_id = deletion.account_id
            WHERE directory.id = deletion.directory_id
                AND directory.folder_id = deletion.folder_id
        )"""
"""The state in the account of what the condemned image's file contains now; NULL: it is gone.

The image is replaced, not deleted: it is due once the account holds the replacement."""


class NotReplaced(msgspec.Struct, frozen=True):
    """A rewritten file, and why its former image stays: unreadable, unsupported, rejected."""

    folder: str
    file: bytes  # its whole path
    why: str


def restart_grace(db: sqlite3.Connection, found: Iterable[tuple[int, bytes]]) -> None:
    """Let the grace begin again for what these files, (folder id, path), contained long ago.

    They could not be read until now: only now it is certain that they were rewritten.
    """
    db.executemany(
        """
        UPDATE deletion
        SET found_at = (julianday('now') - 2440587.5) * 86400.0, found_age = NULL
        WHERE folder_id = ? AND path = ? AND state <> 'requested'
        """,
        found,
    )


@read
def not_replaced(db: sqlite3.Connection) -> list[NotReplaced]:
    """Return the rewritten files whose images stay: the new content is not in the accounts."""
    rows = db.execute(
        f"""
        SELECT folder, file, why
        FROM (
            SELECT DISTINCT folder.name AS folder, {full_path("deletion.path")} AS file,
                {REPLACEMENT} AS why
            FROM deletion
            JOIN folder ON folder.id = deletion.folder_id
            WHERE deletion.state <> 'requested' AND {HELD_REPLICA}
        )
        WHERE why IN ('unreadable', 'unsupported', 'rejected')
        ORDER BY folder, file
        """
    )
    return as_structs(rows, NotReplaced)
