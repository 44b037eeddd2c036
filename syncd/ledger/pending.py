"""The deletions that have not ended, and the next step of each."""

from __future__ import annotations

import sqlite3

import msgspec

from syncd.ledger.replaced import HELD_REPLICA, REPLACEMENT
from syncd.ledger.statements import as_structs, read

PENDING = f"""(
            deletion.state = 'requested'
            OR deletion.state IN ('held', 'approved') AND {HELD_REPLICA}
            OR deletion.state = 'waiting' AND {HELD_REPLICA}
                AND {REPLACEMENT} IS NOT 'unreadable'
        )"""
"""The deletions that have not ended."""


class DeletionStep(msgspec.Struct, frozen=True, kw_only=True):
    """Condemned images of a folder whose deletions have the same next step."""

    folder: str
    state: str  # waiting, held, approved, requested, or postponed
    reason: str | None  # why they are postponed
    images: int
    retry_at: float  # unix seconds; of the last of them that are postponed


@read
def steps(db: sqlite3.Connection, now: float) -> list[DeletionStep]:
    """Return the condemned images of each folder by the next step of their deletion."""
    rows = db.execute(
        f"""
        SELECT folder.name AS folder,
            iif(reason IS NOT NULL AND retry_at > ?1, 'postponed', deletion.state) AS state,
            iif(reason IS NOT NULL AND retry_at > ?1, reason, NULL) AS reason,
            count(DISTINCT image_id) AS images,
            max(retry_at) AS retry_at
        FROM deletion
        JOIN folder ON folder.id = deletion.folder_id
        WHERE {PENDING}
        GROUP BY 1, 2, 3
        ORDER BY 1, 2, 3
        """,
        (now,),
    )
    return as_structs(rows, DeletionStep)
