"""Statements about audits: what is believed to be held, and what an account said of it."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence

import msgspec

from syncd.ledger import replicas
from syncd.ledger.statements import read, write
from syncd.model import AccountId, Digest, ImageHash, Listed

REMOVED = "removed from the account by hand"
"""Why an image is not sent again that somebody took out of its account."""


class Believed(msgspec.Struct, frozen=True):
    """An image that an account is believed to hold, its name and status as they were last said."""

    digest: Digest
    hash: ImageHash
    name: str | None
    status: str | None


class Standing(msgspec.Struct, frozen=True):
    """Where an account's audit stands; times in unix seconds, asked what a person asked for."""

    audited_to: Digest
    began: float | None
    ended: float | None
    asked: str | None


@read
def believed_after(
    db: sqlite3.Connection, account: AccountId, digest: bytes, limit: int
) -> list[Believed]:
    """Return the next images that an account is believed to hold, in key order."""
    rows = db.execute(
        "SELECT replica.digest, hash, name, status FROM replica"
        " LEFT JOIN answer USING (account, digest)"
        " WHERE account = ? AND replica.digest > ? AND hash IS NOT NULL"
        " ORDER BY replica.digest LIMIT ?",
        (account, digest, limit),
    )
    return [Believed(*row) for row in rows]


@read
def known(
    db: sqlite3.Connection, account: AccountId, hashes: Sequence[ImageHash]
) -> set[ImageHash]:
    """Return which of those hashes the ledger has for an account."""
    marks = ",".join("?" * len(hashes))
    rows = db.execute(
        f"SELECT hash FROM replica WHERE account = ? AND hash IN ({marks})"
        f" UNION SELECT hash FROM condemned WHERE account = ? AND hash IN ({marks})",
        (account, *hashes, account, *hashes),
    )
    return {ImageHash(image_hash) for (image_hash,) in rows}


@read
def held(db: sqlite3.Connection, account: AccountId) -> int:
    """Count the images that an account is believed to hold, wanted or not."""
    (count,) = db.execute(
        "SELECT count(*) FROM replica WHERE account = ? AND hash IS NOT NULL", (account,)
    ).fetchone()
    return int(count)


@write
def removed(db: sqlite3.Connection, account: AccountId, image_hash: ImageHash, at: float) -> int:
    """Write down that somebody took an image out of an account: it is not sent again.

    Answers as `replicas.no_longer_held` does.
    """
    db.execute(
        "UPDATE replica SET rejected = ?, rejected_at = ?"
        " WHERE hash = ? AND account = ? AND files > 0",
        (REMOVED, at, image_hash, account),
    )
    return replicas.no_longer_held(account, image_hash)(db)


@write
def said(db: sqlite3.Connection, account: AccountId, digest: Digest, listed: Listed) -> None:
    """Remember the name and status that an account said of an image."""
    db.execute(
        "INSERT INTO answer (account, digest, name, status) VALUES (?, ?, ?, ?)"
        " ON CONFLICT (account, digest) DO UPDATE SET name = excluded.name,"
        " status = excluded.status",
        (account, digest, listed.name, listed.status.value),
    )


@read
def standing(db: sqlite3.Connection, account: AccountId) -> Standing:
    """Return where an account's audit stands."""
    row = db.execute(
        "SELECT coalesce(audited_to, x''), audit_began, audit_ended, audit_asked"
        " FROM account WHERE account = ?",
        (account,),
    ).fetchone()
    return Standing(Digest(b""), None, None, None) if row is None else Standing(*row)


@write
def begin(db: sqlite3.Connection, account: AccountId, at: float) -> None:
    """Write down that an audit begins: what a person asked for is under way."""
    _set(db, account, audited_to=b"", audit_began=at, audit_asked=None)


@write
def reach(db: sqlite3.Connection, account: AccountId, digest: Digest) -> None:
    """Write down how far the audit under way has come: a restart goes on from there."""
    _set(db, account, audited_to=digest)


@write
def end(db: sqlite3.Connection, account: AccountId, at: float) -> None:
    """Write down that an audit has seen everything."""
    _set(db, account, audited_to=None, audit_began=None, audit_ended=at)


@write
def ask(db: sqlite3.Connection, accounts: Sequence[AccountId], what: str) -> None:
    """Let a running daemon audit accounts now."""
    for account in accounts:
        _set(db, account, audit_asked=what)


def _set(db: sqlite3.Connection, account: AccountId, **values: object) -> None:
    names = list(values)
    db.execute(
        f"INSERT INTO account (account, {', '.join(names)})"
        f" VALUES (?, {', '.join('?' * len(names))}) ON CONFLICT (account) DO UPDATE SET "
        + ", ".join(f"{name} = excluded.{name}" for name in names),
        (account, *values.values()),
    )
