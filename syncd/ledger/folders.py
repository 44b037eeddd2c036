"""Statements about folders: their routes to accounts, their scans, and whether they are trusted.

A whole scan makes a folder trusted. It becomes suspect when its root is another directory, or
looks like one: then nothing counts as deleted in it until a scan makes it trusted again.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Mapping, Sequence

import msgspec

from syncd.ledger.accounts import add
from syncd.ledger.alerts import folder_subject
from syncd.ledger.kept import keep_condemned
from syncd.ledger.relocation import recognize
from syncd.ledger.stat_columns import from_root, to_root
from syncd.ledger.statements import as_structs, read, write
from syncd.ledger.wanted import request_refresh
from syncd.model import AccountId, Copying, Deletions, FolderName, Moment, RootIdentity

MISSING = "not there"
"""Why a folder is suspect whose directory does not exist; it ends when a scan finds the folder."""

REMEDY_OF_MISSING = "check the path, the mount and its permissions; syncd waits for the folder"
"""It is about the folder alone: most folders have no deletions to decide about."""


class TrustedState(msgspec.Struct, frozen=True, kw_only=True):
    """A folder as it was when it was last trusted; None in each field when it never was."""

    root: RootIdentity | None  # None: the folder is to be accepted as it is found
    patterns: str | None
    files: int | None
    doubt: str | None  # why it is suspect now


class SuspectFolder(msgspec.Struct, frozen=True, kw_only=True):
    """A folder in which nothing counts as deleted, and why; `since` in unix seconds."""

    folder: str
    path: bytes
    why: str
    since: float
    files: int | None  # when it was last trusted


@write
def declare(
    db: sqlite3.Connection,
    name: FolderName,
    path: bytes,
    accounts: Sequence[AccountId],
    deletions: Deletions = Deletions.KEEP,
    copying: Copying = Copying.AUTO,
) -> int:
    """Record a folder and its routes as the configuration has them, and return the folder's id.

    The first of the accounts is the folder's own; the others are its mirrors in their order. After
    a change of routes, `wanted.refresh_next` has to follow.
    """
    recognize(db, name, path)
    (folder_id,) = db.execute(
        """
        INSERT INTO folder (name, path, deletions, copying)
        VALUES (?, ?, ?, ?)
        ON CONFLICT (name) DO UPDATE SET
            path = excluded.path,
            deletions = excluded.deletions,
            copying = excluded.copying
        RETURNING id
        """,
        (name, path, deletions.value, copying.value),
    ).fetchone()
    known = routes(name)(db)
    add(db, accounts)
    _part_from(db, folder_id, known.difference(accounts), "mirror")
    db.executemany(
        """
        INSERT INTO route (folder_id, account_id, position)
        SELECT ?, id, ? FROM account WHERE act = ?
        ON CONFLICT DO UPDATE SET position = excluded.position
        """,
        [(folder_id, position, account) for position, account in enumerate(accounts)],
    )
    if known != set(accounts):
        request_refresh(db)
    return int(folder_id)


@read
def routes(db: sqlite3.Connection, name: FolderName) -> set[AccountId]:
    """Return the accounts that a folder feeds so far; none for an unknown folder."""
    rows = db.execute(
        """
        SELECT act
        FROM route
        JOIN folder ON folder.id = route.folder_id
        JOIN account ON account.id = route.account_id
        WHERE name = ?
        """,
        (name,),
    )
    return {AccountId(account) for (account,) in rows}


@read
def own_accounts(db: sqlite3.Connection) -> dict[FolderName, AccountId]:
    """Return the account of each folder, without its mirrors, as it was declared last."""
    rows = db.execute(
        """
        SELECT name, act
        FROM route
        JOIN folder ON folder.id = route.folder_id
        JOIN account ON account.id = route.account_id
        WHERE position = 0
        """
    )
    return {FolderName(name): AccountId(account) for name, account in rows}


def _part_from(
    db: sqlite3.Connection, folder_id: int, accounts: Iterable[AccountId], reason: str
) -> None:
    """Remove routes of a folder; `wanted.refresh_next` keeps the images of its files there."""
    parted = [(folder_id, account, reason) for account in accounts]
    db.executemany(
        """
        INSERT OR REPLACE INTO former_route (folder_id, account_id, reason)
        SELECT ?1, id, ?3 FROM account WHERE act = ?2
        """,
        parted,
    )
    db.executemany(
        """
        DELETE FROM route
        WHERE folder_id = ? AND account_id = (SELECT id FROM account WHERE act = ?)
        """,
        [row[:2] for row in parted],
    )


@write
def retire_others(
    db: sqlite3.Connection, names: Sequence[FolderName]
) -> dict[FolderName, set[AccountId]]:
    """Remove the routes of all folders but these, and return these routes.

    If there are any, `wanted.refresh_next` has to follow.
    """
    rows = db.execute(
        """
        SELECT id, name
        FROM folder
        WHERE EXISTS (SELECT 1 FROM route WHERE route.folder_id = folder.id)
        """
    ).fetchall()
    retired = {}
    for folder_id, name in rows:
        if name not in names:
            retired[FolderName(name)] = routes(name)(db)
            _part_from(db, folder_id, retired[name], "retired")
    if retired:
        request_refresh(db)
    return retired


@write
def record_scanned(db: sqlite3.Connection, folder_id: int, at: float) -> None:
    """Record when a whole scan of a folder ended without an error, in unix seconds."""
    db.execute("UPDATE folder SET scanned_at = ?, error = NULL WHERE id = ?", (at, folder_id))


@write
def record_trouble(db: sqlite3.Connection, folder_id: int, why: str) -> None:
    """Record why a folder, or a part of it, cannot be read."""
    db.execute("UPDATE folder SET error = ? WHERE id = ?", (why, folder_id))


@write
def record_skipped(db: sqlite3.Connection, folder_id: int, counts: Mapping[str, int]) -> None:
    """Record how many files the last whole scan of a folder has skipped, by reason."""
    db.execute("DELETE FROM skipped WHERE folder_id = ?", (folder_id,))
    db.executemany(
        "INSERT INTO skipped (folder_id, reason, files) VALUES (?, ?, ?)",
        [(folder_id, reason, files) for reason, files in counts.items()],
    )


@read
def trusted_state(db: sqlite3.Connection, folder_id: int) -> TrustedState:
    """Return a folder as it was when it was last trusted."""
    row = db.execute(
        """
        SELECT patterns, files, suspect, device, inode, filesystem, born_ns
        FROM baseline
        WHERE folder_id = ?
        """,
        (folder_id,),
    ).fetchone()
    if row is None:
        return TrustedState(root=None, patterns=None, files=None, doubt=None)
    patterns, files, doubt, device, *others = row
    root = None if device is None else to_root(device, *others)
    return TrustedState(root=root, patterns=patterns, files=files, doubt=doubt)


@read
def most_files(db: sqlite3.Connection) -> int:
    """Return the files of the largest folder that is configured, as it was when last trusted."""
    (found,) = db.execute(
        """
        SELECT coalesce(max(files), 0)
        FROM baseline
        WHERE folder_id IN (SELECT folder_id FROM route)
        """
    ).fetchone()
    return int(found)


@write
def trust(
    db: sqlite3.Connection,
    folder_id: int,
    root: RootIdentity,
    patterns: str,
    files: int,
    began: Moment,
    *,
    was_compared: bool = False,
) -> float | None:
    """Record a folder as trusted, as a whole scan that began then has found it.

    If the scan was compared with a baseline, and the operator has accepted the folder since, it is
    left to the next scan. Returns since when the folder was suspect, in unix seconds; None: it was
    not, or still is.
    """
    row = db.execute(
        "SELECT suspect_since FROM baseline WHERE folder_id = ?", (folder_id,)
    ).fetchone()
    trusted = db.execute(
        """
        INSERT INTO baseline
            (folder_id, device, inode, filesystem, born_ns, patterns, files, trusted_at,
            trusted_age)
        VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
        ON CONFLICT DO UPDATE SET
            device = excluded.device,
            inode = excluded.inode,
            filesystem = excluded.filesystem,
            born_ns = excluded.born_ns,
            patterns = excluded.patterns,
            files = excluded.files,
            trusted_at = excluded.trusted_at,
            trusted_age = excluded.trusted_age,
            suspect = NULL,
            suspect_since = NULL
        WHERE device IS NOT NULL OR NOT ?
        """,
        (
            folder_id,
            *from_root(root),
            patterns,
            files,
            began.at,
            began.age,
            was_compared,
        ),
    )
    return row[0] if row is not None and trusted.rowcount else None


@write
def suspect(db: sqlite3.Connection, folder_id: int, why: str, at: float) -> int:
    """Record that a folder is suspect, and keep its images that no whole scan has confirmed.

    Returns the number of condemned replicas that are kept.
    """
    db.execute(
        """
        INSERT INTO baseline (folder_id, suspect, suspect_since)
        VALUES (?, ?, ?)
        ON CONFLICT DO UPDATE SET
            suspect = excluded.suspect,
            suspect_since = coalesce(suspect_since, excluded.suspect_since)
        """,
        (folder_id, why, at),
    )
    return keep_condemned(
        db,
        """folder_id = ?1 AND state <> 'requested'
            AND (
                found_age IS NULL
                OR found_age > coalesce(
                    (SELECT trusted_age FROM baseline WHERE folder_id = ?1), 0
                )
            )""",
        "'suspect'",
        (folder_id,),
    )


@write
def accept(db: sqlite3.Connection, name: FolderName) -> bool:
    """Let the next whole scan trust a folder that is suspect, or in which names were kept.

    Returns whether it is such a folder.
    """
    accepted = db.execute(
        """
        UPDATE baseline
        SET device = NULL, inode = NULL
        WHERE folder_id = (SELECT id FROM folder WHERE name = ?1)
            AND (
                suspect IS NOT NULL
                OR EXISTS (SELECT 1 FROM alert WHERE event = 'files.kept' AND subject = ?2)
            )
        """,
        (name, folder_subject(name)),
    )
    return accepted.rowcount > 0


@read
def suspects(db: sqlite3.Connection) -> list[SuspectFolder]:
    """Return every suspect folder that has a route."""
    rows = db.execute(
        """
        SELECT folder.name AS folder, folder.path, baseline.suspect AS why,
            baseline.suspect_since AS since, baseline.files
        FROM folder JOIN baseline ON baseline.folder_id = folder.id
        WHERE baseline.suspect IS NOT NULL
            AND EXISTS (SELECT 1 FROM route WHERE route.folder_id = folder.id)
        ORDER BY name
        """
    )
    return as_structs(rows, SuspectFolder)
