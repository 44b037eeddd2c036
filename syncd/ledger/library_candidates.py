"""The images that one condition of a filter selects, where these are few."""

from __future__ import annotations

import re
import sqlite3

import msgspec

from syncd.ledger.library_filter import NAMED, Filter, State, like, times

_DIGITS = re.compile(r"[0-9a-fA-F]{6,64}")
"""A SHA-256 or its beginning."""

_HASH = re.compile(r"[0-9A-Za-z_-]{6,128}")
"""The hash of an image in an account, or its beginning."""


def few_candidates(
    db: sqlite3.Connection, wanted: Filter, few: int
) -> tuple[Filter, set[int] | None]:
    """Return all images that one condition selects, if these are few, and the other conditions."""
    if wanted.text and (found := _by_digits(db, wanted.text, few)):
        return msgspec.structs.replace(wanted, text=""), found
    sources = (
        _of_state(db, wanted),
        _of_folder(db, wanted),
        _of_time(db, wanted),
        _of_name(db, wanted),
    )
    for rows in sources:
        if rows is None:
            continue
        candidates = {image for (image,) in rows.fetchmany(few + 1)}
        if len(candidates) <= few and rows.fetchone() is None:
            return wanted, candidates
    return wanted, None


def _by_digits(db: sqlite3.Connection, text: str, few: int) -> set[int]:
    """Return the images whose SHA-256 or hash begins with the text; `few` of each at most."""
    found: set[int] = set()
    if _DIGITS.fullmatch(text):
        first, last = (bytes.fromhex(text.ljust(64, digit)) for digit in "0f")
        rows = db.execute(
            """
            SELECT id
            FROM image
            WHERE sha256 BETWEEN ? AND ?
            LIMIT ?
            """,
            (first, last, few),
        )
        found |= {image for (image,) in rows}
    if _HASH.fullmatch(text):
        rows = db.execute(
            """
            SELECT image_id
            FROM replica INDEXED BY replica_by_hash
            WHERE account_id IN (SELECT id FROM account) AND hash BETWEEN ? AND ?
            LIMIT ?
            """,
            (text, f"{text}~", few),  # ~ is behind each character of a hash
        )
        found |= {image for (image,) in rows}
    return found


_INDEXES = {
    State.MISSING: ("replica_missing", "wanted = 1 AND hash IS NULL AND rejected IS NULL"),
    State.REJECTED: ("replica_rejected", "rejected IS NOT NULL"),
    State.UNCONFIRMED: ("replica_unconfirmed", "delete_sent_at IS NOT NULL"),
    State.UNWANTED: ("replica_unwanted", "wanted = 0 AND hash IS NOT NULL"),
}
"""The index of each state that is usually rare, and its condition."""


def _of_state(db: sqlite3.Connection, wanted: Filter) -> sqlite3.Cursor | None:
    if wanted.state is None or wanted.state not in _INDEXES:
        return None
    index, condition = _INDEXES[wanted.state]
    only = "" if wanted.account is None else " WHERE act = ?"
    return db.execute(
        f"""
        SELECT image_id
        FROM replica INDEXED BY {index}
        WHERE account_id IN (SELECT id FROM account{only}) AND {condition}
        """,
        () if wanted.account is None else (wanted.account,),
    )


def _of_folder(db: sqlite3.Connection, wanted: Filter) -> sqlite3.Cursor | None:
    if not wanted.folder:
        return None
    return db.execute(
        """
        SELECT file.image_id
        FROM directory
        CROSS JOIN file ON file.directory_id = directory.id
        WHERE directory.folder_id = (SELECT id FROM folder WHERE name = ?)
            AND file.image_id IS NOT NULL
        """,
        (wanted.folder,),
    )


def _of_time(db: sqlite3.Connection, wanted: Filter) -> sqlite3.Cursor | None:
    """Select by the times of files, which reads all files.

    The `+` keeps SQLite from an index, which would look each file up in the table.
    """
    found = times(wanted)
    if not found:
        return None
    return db.execute(
        f"""
        SELECT image_id
        FROM file
        WHERE +image_id IS NOT NULL AND {" AND ".join(condition for condition, _ in found)}
        """,
        [value for _, values in found for value in values],
    )


def _of_name(db: sqlite3.Connection, wanted: Filter) -> sqlite3.Cursor | None:
    """Select by a part of the name, which reads all names in an index that has them."""
    if not wanted.text:
        return None
    return db.execute(
        f"""
        SELECT image_id
        FROM file INDEXED BY file_by_image
        WHERE {NAMED} AND image_id IS NOT NULL
        """,
        (like(wanted.text),),
    )
