"""Statements about the receivers of notifications: what each has accepted, and what is pending.

The history is the outbox of notifications about images: its rows are in the commits of the facts
that they are about, so that no crash loses one, and `ledger.history` bounds it. A receiver has a
position in it, which moves once the receiver has accepted the rows before it.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Sequence

import msgspec

from syncd.ledger import history_rows
from syncd.ledger.history_rows import Filter, Row
from syncd.ledger.statements import as_structs, read, write


class KnownAlert(msgspec.Struct, frozen=True):
    """An alert that a receiver knows; `since` in unix seconds."""

    event: str
    subject: str
    since: float


class Position(msgspec.Struct, frozen=True):
    """How far a receiver is: the last row of the history, and its last notification (unix time)."""

    history_id: int
    sent_at: float | None


class Pending(msgspec.Struct, frozen=True, kw_only=True):
    """Rows of the history that a receiver has not accepted, the oldest first, and what it knows.

    `end` is the id up to which the history was read. `counts` are the images of all rows up to
    there, by what happened to them; `rows` can be fewer. `removed` is the number of rows that the
    receiver never gets, because they were removed from the history before.
    """

    position: Position
    known: Sequence[KnownAlert]
    rows: Sequence[Row]
    end: int
    counts: dict[str, int]
    removed: int


@read
def registered(db: sqlite3.Connection) -> set[str]:
    """Return the receivers that are recorded."""
    return {code for (code,) in db.execute("SELECT code FROM receiver")}


@write
def register(db: sqlite3.Connection, codes: Collection[str]) -> None:
    """Record these receivers, and forget others; a new one begins at the end of the history."""
    last = history_rows.last_id()(db)
    known = registered()(db)
    for code in known.difference(codes):
        db.execute("DELETE FROM notified WHERE receiver = ?", (code,))
        db.execute("DELETE FROM receiver WHERE code = ?", (code,))
    db.executemany(
        """
        INSERT INTO receiver (code, history_id)
        VALUES (?, ?)
        """,
        [(code, last) for code in sorted(set(codes).difference(known))],
    )


@read
def position(db: sqlite3.Connection, code: str) -> Position:
    """Return how far a registered receiver is."""
    (found,) = as_structs(
        db.execute(
            """
            SELECT history_id, sent_at
            FROM receiver
            WHERE code = ?
            """,
            (code,),
        ),
        Position,
    )
    return found


@read
def known(db: sqlite3.Connection, code: str) -> list[KnownAlert]:
    """Return the alerts that a receiver knows."""
    rows = db.execute(
        """
        SELECT event, subject, since
        FROM notified
        WHERE receiver = ?
        ORDER BY event, subject
        """,
        (code,),
    )
    return as_structs(rows, KnownAlert)


@read
def pending(
    db: sqlite3.Connection,
    code: str,
    whats: Sequence[str],
    limit: int,
    *,
    seen: int = 0,
    summed: bool = False,
) -> Pending:
    """Return what a registered receiver has not accepted of the rows that are about `whats`.

    Those are the first `limit` rows and the others of the last one's commit. Rows up to the id
    `seen` are not looked at. `summed`: `counts` and `end` are of all rows, however few are
    returned.
    """
    at = position(code)(db)
    after = max(at.history_id, seen)
    (first,) = db.execute("SELECT coalesce(min(id), 0) FROM history").fetchone()
    last = max(after, history_rows.last_id()(db))  # before the rows, of which more may be committed
    found = history_rows.after(Filter(whats=whats), after, limit)(db) if whats else []
    end = last if summed or len(found) < limit else found[-1].id
    return Pending(
        position=at,
        known=known(code)(db),
        rows=[row for row in found if row.id <= end],
        end=end,
        counts=_counts(db, after, end, whats) if found else {},
        removed=max(0, first - after - 1) if whats else 0,
    )


def _counts(db: sqlite3.Connection, after: int, end: int, whats: Sequence[str]) -> dict[str, int]:
    return dict(
        db.execute(
            f"""
            SELECT what, sum(coalesce(length(images) / 4, 1))
            FROM history
            WHERE id > ? AND id <= ? AND what IN ({",".join("?" * len(whats))})
            GROUP BY what
            """,
            (after, end, *whats),
        )
    )


@write
def skip(db: sqlite3.Connection, code: str, history_id: int) -> None:
    """Record that no row up to this one concerns a receiver."""
    db.execute(
        """
        UPDATE receiver
        SET history_id = max(history_id, ?)
        WHERE code = ?
        """,
        (history_id, code),
    )


@write
def accept(
    db: sqlite3.Connection,
    code: str,
    history_id: int,
    at: float,
    *,
    begun: Sequence[KnownAlert] = (),
    ended: Sequence[KnownAlert] = (),
) -> None:
    """Record that a receiver has accepted a notification: up to which row, and of which alerts."""
    db.execute(
        """
        UPDATE receiver
        SET history_id = max(history_id, ?), sent_at = ?
        WHERE code = ?
        """,
        (history_id, at, code),
    )
    know(code, begun=begun, ended=ended)(db)


@write
def know(
    db: sqlite3.Connection, code: str, *, begun: Sequence[KnownAlert], ended: Sequence[KnownAlert]
) -> None:
    """Record which alerts a receiver knows now, and which it knows to have ended."""
    db.executemany(
        """
        DELETE FROM notified
        WHERE receiver = ? AND event = ? AND subject = ?
        """,
        [(code, one.event, one.subject) for one in ended],
    )
    db.executemany(
        """
        INSERT INTO notified (receiver, event, subject, since)
        SELECT code, ?, ?, ?
        FROM receiver
        WHERE code = ?
        ON CONFLICT DO NOTHING
        """,
        [(one.event, one.subject, one.since, code) for one in begun],
    )
