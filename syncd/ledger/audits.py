"""Statements about audits: what is believed to be held, and what an account said of it."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence

import msgspec

from syncd.ledger import replicas
from syncd.ledger.database import Change, Question
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


def believed_after(account: AccountId, digest: bytes, limit: int) -> Question[list[Believed]]:
    """Return the next images that an account is believed to hold, in key order."""

    def question(db: sqlite3.Connection) -> list[Believed]:
        rows = db.execute(
            "SELECT replica.digest, hash, name, status FROM replica"
            " LEFT JOIN answer USING (account, digest)"
            " WHERE account = ? AND replica.digest > ? AND hash IS NOT NULL"
            " ORDER BY replica.digest LIMIT ?",
            (account, digest, limit),
        )
        return [Believed(*row) for row in rows]

    return question


def known(account: AccountId, hashes: Sequence[ImageHash]) -> Question[set[ImageHash]]:
    """Return which of those hashes the ledger has for an account."""

    def question(db: sqlite3.Connection) -> set[ImageHash]:
        marks = ",".join("?" * len(hashes))
        rows = db.execute(
            f"SELECT hash FROM replica WHERE account = ? AND hash IN ({marks})"
            f" UNION SELECT hash FROM condemned WHERE account = ? AND hash IN ({marks})",
            (account, *hashes, account, *hashes),
        )
        return {ImageHash(image_hash) for (image_hash,) in rows}

    return question


def held(account: AccountId) -> Question[int]:
    """Count the images that an account is believed to hold, wanted or not."""

    def question(db: sqlite3.Connection) -> int:
        (count,) = db.execute(
            "SELECT count(*) FROM replica WHERE account = ? AND hash IS NOT NULL", (account,)
        ).fetchone()
        return int(count)

    return question


def removed(account: AccountId, image_hash: ImageHash, at: float) -> Change[int]:
    """Write down that somebody took an image out of an account: it is not sent again.

    Answers as `replicas.no_longer_held` does.
    """

    def change(db: sqlite3.Connection) -> int:
        db.execute(
            "UPDATE replica SET rejected = ?, rejected_at = ?"
            " WHERE hash = ? AND account = ? AND files > 0",
            (REMOVED, at, image_hash, account),
        )
        return replicas.no_longer_held(account, image_hash)(db)

    return change


def said(account: AccountId, digest: Digest, listed: Listed) -> Change[None]:
    """Remember the name and status that an account said of an image."""

    def change(db: sqlite3.Connection) -> None:
        db.execute(
            "INSERT INTO answer (account, digest, name, status) VALUES (?, ?, ?, ?)"
            " ON CONFLICT (account, digest) DO UPDATE SET name = excluded.name,"
            " status = excluded.status",
            (account, digest, listed.name, listed.status.value),
        )

    return change


def standing(account: AccountId) -> Question[Standing]:
    """Return where an account's audit stands."""

    def question(db: sqlite3.Connection) -> Standing:
        row = db.execute(
            "SELECT coalesce(audited_to, x''), audit_began, audit_ended, audit_asked"
            " FROM account WHERE account = ?",
            (account,),
        ).fetchone()
        return Standing(Digest(b""), None, None, None) if row is None else Standing(*row)

    return question


def begin(account: AccountId, at: float) -> Change[None]:
    """Write down that an audit begins: what a person asked for is under way."""
    return _set(account, audited_to=b"", audit_began=at, audit_asked=None)


def reach(account: AccountId, digest: Digest) -> Change[None]:
    """Write down how far the audit under way has come: a restart goes on from there."""
    return _set(account, audited_to=digest)


def end(account: AccountId, at: float) -> Change[None]:
    """Write down that an audit has seen everything."""
    return _set(account, audited_to=None, audit_began=None, audit_ended=at)


def ask(accounts: Sequence[AccountId], what: str) -> Change[None]:
    """Let a running daemon audit accounts now."""

    def change(db: sqlite3.Connection) -> None:
        for account in accounts:
            _set(account, audit_asked=what)(db)

    return change


def _set(account: AccountId, **values: object) -> Change[None]:
    names = list(values)

    def change(db: sqlite3.Connection) -> None:
        db.execute(
            f"INSERT INTO account (account, {', '.join(names)})"
            f" VALUES (?, {', '.join('?' * len(names))}) ON CONFLICT (account) DO UPDATE SET "
            + ", ".join(f"{name} = excluded.{name}" for name in names),
            (account, *values.values()),
        )

    return change
