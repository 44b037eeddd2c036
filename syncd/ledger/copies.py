"""Statements about copies: which accounts hold what another one misses, and who refused."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence

import msgspec

from syncd.ledger.statements import read, write
from syncd.model import AccountId, Copying, Digest, ImageHash


class Holder(msgspec.Struct, frozen=True):
    """An account that holds an image, and under which hash."""

    account: AccountId
    hash: ImageHash


class Held(msgspec.Struct, frozen=True):
    """Where an image may be copied from, the best first, and how its folder wants that."""

    how: Copying
    holders: tuple[Holder, ...]


@read
def sources(
    db: sqlite3.Connection, account: AccountId, digests: Sequence[Digest], now: float
) -> tuple[dict[Digest, Held], set[Digest]]:
    """Return which of those images a mirror may copy, and which it may wait for.

    What comes to be held meanwhile is in both, and never in neither.
    """
    soon, held = coming(account, digests, now), holders(account, digests, now)
    waited_for = soon(db)
    return held(db), waited_for


@read
def holders(
    db: sqlite3.Connection, account: AccountId, digests: Sequence[Digest], now: float
) -> dict[Digest, Held]:
    """Return which of those images a mirror may copy; accounts that refused lately are left out."""
    marks = ",".join("?" * len(digests))
    rows = db.execute(
        "SELECT DISTINCT file.digest, folder.copying, replica.account, replica.hash,"
        " min(theirs.place)"
        " FROM file JOIN directory ON directory.id = file.directory_id"
        " JOIN folder ON folder.id = directory.folder_id AND folder.copying <> 'upload'"
        " JOIN route AS mine ON mine.folder_id = folder.id AND mine.account = ?"
        " AND mine.place > 0"
        " JOIN route AS theirs ON theirs.folder_id = folder.id"
        " AND theirs.account <> mine.account"
        " JOIN replica ON replica.account = theirs.account AND replica.digest = file.digest"
        " AND replica.hash IS NOT NULL"
        " LEFT JOIN copy_refused ON copy_refused.destination = mine.account"
        " AND copy_refused.source = theirs.account AND copy_refused.until > ?"
        f" WHERE file.digest IN ({marks}) AND copy_refused.source IS NULL"
        " GROUP BY file.digest, folder.copying, replica.account ORDER BY min(theirs.place)",
        (account, now, *digests),
    )
    found: dict[Digest, tuple[list[Copying], dict[AccountId, ImageHash]]] = {}
    for digest, how, source, image_hash, _ in rows:
        ways, sources = found.setdefault(Digest(digest), ([], {}))
        ways.append(Copying(how))
        sources.setdefault(AccountId(source), ImageHash(image_hash))
    return {
        digest: Held(
            Copying.COPY if Copying.COPY in ways else Copying.AUTO,
            tuple(Holder(*source) for source in sources.items()),
        )
        for digest, (ways, sources) in found.items()
    }


@read
def coming(
    db: sqlite3.Connection, account: AccountId, digests: Sequence[Digest], now: float
) -> set[Digest]:
    """Return which images a mirror that copies alone may wait for: the folder's own account is
    about to hold them, is not paused, and has had no trouble with them."""
    marks = ",".join("?" * len(digests))
    rows = db.execute(
        "SELECT DISTINCT file.digest"
        " FROM file JOIN directory ON directory.id = file.directory_id"
        " JOIN folder ON folder.id = directory.folder_id AND folder.copying = 'copy'"
        " JOIN route AS mine ON mine.folder_id = folder.id AND mine.account = ?"
        " AND mine.place > 0"
        " JOIN route AS own ON own.folder_id = folder.id AND own.place = 0"
        " JOIN replica ON replica.account = own.account AND replica.digest = file.digest"
        " AND replica.files > 0 AND replica.hash IS NULL AND replica.rejected IS NULL"
        " AND replica.trouble IS NULL"
        f" WHERE file.digest IN ({marks})"
        " AND NOT EXISTS (SELECT 1 FROM pause WHERE pause.account = own.account)"
        " AND NOT EXISTS (SELECT 1 FROM copy_refused WHERE destination = mine.account"
        " AND source = own.account AND until > ?)",
        (account, *digests, now),
    )
    return {Digest(digest) for (digest,) in rows}


@write
def refuse(
    db: sqlite3.Connection, source: AccountId, destination: AccountId, until: float, why: str
) -> None:
    """Remember that an account may not copy out of another; unix seconds."""
    db.execute(
        "INSERT OR REPLACE INTO copy_refused (source, destination, until, why) VALUES (?, ?, ?, ?)",
        (source, destination, until, why),
    )
