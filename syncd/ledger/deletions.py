"""Statements about condemned images: nothing wants them any more, because files were deleted."""

from __future__ import annotations

import sqlite3

import msgspec

from syncd.ledger import replicas, tree
from syncd.ledger.database import Change, Question
from syncd.model import AccountId, Digest, FolderName, HoldAbove, ImageHash
from syncd.rules.believing import is_too_many

_HELD_REPLICA = (
    "EXISTS (SELECT 1 FROM replica WHERE replica.account = condemned.account"
    " AND replica.digest = condemned.digest AND replica.hash IS NOT NULL)"
)
_WANTED_REPLICA = (
    "EXISTS (SELECT 1 FROM replica WHERE replica.account = condemned.account"
    " AND replica.digest = condemned.digest AND replica.files > 0)"
)


class Gone(msgspec.Struct, frozen=True):
    """What a scan took out of the ledger: files, and images that nothing wants any more."""

    files: int
    condemned: int


class Pending(msgspec.Struct, frozen=True):
    """A folder's condemned images: how many wait, how many are held for a person already, and how
    many files the folder still has."""

    folder_id: int
    folder: str
    waiting: int
    held: int
    files: int


class Due(msgspec.Struct, frozen=True):
    """An image that may be deleted as far as the ledger knows; sent_at in unix seconds."""

    digest: Digest
    hash: ImageHash
    sent_at: float | None
    folder: str
    path: bytes


class Leaving(msgspec.Struct, frozen=True):
    """An image whose deletion an account has taken so often, first at that time (unix seconds)."""

    hash: ImageHash
    path: bytes
    asked: int
    asked_at: float


class Facts(msgspec.Struct, frozen=True):
    """What is known of a condemned image at this moment."""

    wanted: bool
    held: bool
    due: bool
    needed: bool


class Case(msgspec.Struct, frozen=True):
    """What waits for a person in one folder: images, of how many, since when (unix seconds)."""

    folder: str
    path: bytes
    device: int | None
    inode: int | None
    images: int
    files: int
    since: float
    believed_at: float | None
    names: list[bytes]


def condemn_missed(scan: int, at: float) -> Change[Gone]:
    """Forget what a scan missed, and condemn the images of which that was the last file."""

    def change(db: sqlite3.Connection) -> Gone:
        db.execute(
            f"{tree.BRANCHES} INSERT OR REPLACE INTO condemned"
            " (account, digest, folder_id, path, since)"
            " SELECT route.account, went.digest, folder.id, CASE directory.path WHEN x'' THEN"
            " went.name ELSE CAST(directory.path || '/' || went.name AS BLOB) END, ?2"
            " FROM (SELECT directory_id, name, digest FROM file WHERE missed_by = ?1"
            " UNION SELECT directory_id, name, digest FROM file WHERE directory_id IN branch)"
            " AS went JOIN directory ON directory.id = went.directory_id"
            " JOIN folder ON folder.id = directory.folder_id AND folder.deletions = 'propagate'"
            " JOIN route ON route.folder_id = folder.id WHERE went.digest IS NOT NULL",
            (scan, at),
        )
        files = tree.forget_missed(scan)(db)
        db.execute(f"DELETE FROM condemned WHERE since = ? AND {_WANTED_REPLICA}", (at,))
        (condemned,) = db.execute(
            "SELECT count(DISTINCT digest) FROM condemned WHERE since = ?", (at,)
        ).fetchone()
        return Gone(files, condemned)

    return change


def withdraw() -> Change[list[tuple[str, bytes]]]:
    """Let be what files want again; answers each image's folder and file."""

    def change(db: sqlite3.Connection) -> list[tuple[str, bytes]]:
        rows = db.execute(
            "SELECT DISTINCT folder.name, condemned.path FROM condemned"
            f" JOIN folder ON folder.id = folder_id WHERE {_WANTED_REPLICA}"
        ).fetchall()
        if rows:
            db.execute(f"DELETE FROM condemned WHERE {_WANTED_REPLICA}")
        return [(folder, path) for folder, path in rows]

    return change


def let_unheld_be(before: float) -> Change[None]:
    """Drop what no account holds, once an upload that was under way must have ended."""

    def change(db: sqlite3.Connection) -> None:
        db.execute(
            "DELETE FROM replica WHERE files = 0 AND hash IS NULL AND rejected IS NULL"
            " AND (account, digest) IN"
            " (SELECT account, digest FROM condemned WHERE since < ? AND hash IS NULL)",
            (before,),
        )
        db.execute(
            f"DELETE FROM condemned WHERE since < ? AND hash IS NULL AND NOT {_HELD_REPLICA}",
            (before,),
        )

    return change


def pending() -> Question[list[Pending]]:
    """Return the folders that have condemned images which no person has seen to."""

    def question(db: sqlite3.Connection) -> list[Pending]:
        rows = db.execute(
            "SELECT folder_id, folder.name,"
            " count(DISTINCT CASE standing WHEN 'waits' THEN digest END),"
            " count(DISTINCT CASE standing WHEN 'held' THEN digest END),"
            " (SELECT count(*) FROM directory JOIN file ON file.directory_id = directory.id"
            " WHERE directory.folder_id = condemned.folder_id)"
            " FROM condemned JOIN folder ON folder.id = folder_id"
            f" WHERE standing <> 'approved' AND condemned.hash IS NULL AND {_HELD_REPLICA}"
            " GROUP BY folder_id"
        )
        return [Pending(*row) for row in rows]

    return question


def hold(above: HoldAbove) -> Change[list[Pending]]:
    """Let what is condemned in a folder wait for a person, where that is too much at once.

    Answers what was pending before. What a scan condemns later is not due before the next pass.
    """

    def change(db: sqlite3.Connection) -> list[Pending]:
        found = pending()(db)
        for it in found:
            if it.held or is_too_many(it.waiting, it.files + it.waiting, above):
                db.execute(
                    "UPDATE condemned SET standing = 'held' WHERE folder_id = ?"
                    " AND standing = 'waits' AND hash IS NULL",
                    (it.folder_id,),
                )
        db.execute("UPDATE folder SET passed_at = believed_at WHERE passed_at IS NOT believed_at")
        return found

    return change


_DUE = (
    " FROM condemned JOIN folder ON folder.id = condemned.folder_id"
    " JOIN route ON route.folder_id = folder.id AND route.account = condemned.account"
    " JOIN replica ON replica.account = condemned.account AND replica.digest = condemned.digest"
    " WHERE condemned.account = ?1 AND condemned.standing <> 'held'"
    " AND condemned.since <= ?2 AND condemned.since <= folder.passed_at"
    " AND folder.doubt IS NULL AND folder.deletions = 'propagate'"
)


def due(account: AccountId, before: float, now: float, limit: int) -> Question[list[Due]]:
    """Return images that were condemned before a time, and whose account is to be asked now."""

    def question(db: sqlite3.Connection) -> list[Due]:
        rows = db.execute(
            # The image is as old as the first content that became it.
            "SELECT condemned.digest, replica.hash, (SELECT min(same.sent_at) FROM replica AS same"
            " WHERE same.hash = replica.hash AND same.account = replica.account),"
            f" folder.name, condemned.path{_DUE} AND condemned.not_before <= ?3"
            " AND replica.files = 0 AND replica.hash IS NOT NULL"
            " ORDER BY condemned.since, condemned.digest LIMIT ?4",
            (account, before, now, limit),
        )
        return [Due(*row) for row in rows]

    return question


def facts(account: AccountId, digest: Digest, before: float) -> Question[Facts]:
    """Return what is known at this moment of an image that may be deleted."""

    def question(db: sqlite3.Connection) -> Facts:
        row = db.execute(
            "SELECT files > 0, hash FROM replica WHERE account = ? AND digest = ?",
            (account, digest),
        ).fetchone()
        if row is None:
            return Facts(wanted=False, held=False, due=False, needed=False)
        wanted, image_hash = row
        found = db.execute(
            f"SELECT 1{_DUE} AND condemned.digest = ?3", (account, before, digest)
        ).fetchone()
        needed = db.execute(
            "SELECT 1 FROM replica AS other WHERE hash = ?1 AND account = ?2 AND digest <> ?3"
            " AND (files > 0 OR NOT EXISTS (SELECT 1 FROM condemned WHERE account = other.account"
            " AND digest = other.digest AND standing <> 'held'))",
            (image_hash, account, digest),
        ).fetchone()
        return Facts(bool(wanted), image_hash is not None, found is not None, needed is not None)

    return question


def deletion_taken(account: AccountId, image_hash: ImageHash, at: float) -> Change[None]:
    """Write down that an account has taken an image's deletion, which is to be confirmed.

    Every replica of that hash is no longer held: the image was all of them.
    """

    def change(db: sqlite3.Connection) -> None:
        db.execute(
            "UPDATE condemned SET hash = ?2, asked = 1, asked_at = ?3, not_before = ?3, note = NULL"
            " WHERE account = ?1 AND digest IN"
            " (SELECT digest FROM replica WHERE hash = ?2 AND account = ?1)",
            (account, image_hash, at),
        )
        replicas.no_longer_held(account, image_hash)(db)

    return change


def gone(account: AccountId, image_hash: ImageHash) -> Change[None]:
    """Write down that a condemned image is no longer in its account."""

    def change(db: sqlite3.Connection) -> None:
        db.execute(
            "DELETE FROM condemned WHERE account = ?1 AND (hash = ?2 OR digest IN"
            " (SELECT digest FROM replica WHERE hash = ?2 AND account = ?1))",
            (account, image_hash),
        )
        replicas.no_longer_held(account, image_hash)(db)

    return change


def leaving(account: AccountId, now: float, limit: int) -> Question[list[Leaving]]:
    """Return images whose deletion was taken, and that are to be looked at now."""

    def question(db: sqlite3.Connection) -> list[Leaving]:
        rows = db.execute(
            "SELECT hash, min(path), max(asked), min(asked_at) FROM condemned"
            " WHERE account = ? AND hash IS NOT NULL AND not_before <= ? GROUP BY hash LIMIT ?",
            (account, now, limit),
        )
        return [Leaving(*row) for row in rows]

    return question


def is_leaving(account: AccountId, image_hash: ImageHash) -> Question[bool]:
    """Tell whether an image is still to leave its account, and has not come again."""

    def question(db: sqlite3.Connection) -> bool:
        row = db.execute(
            "SELECT 1 FROM condemned WHERE account = ?1 AND hash = ?2"
            f" AND NOT {_WANTED_REPLICA} AND NOT EXISTS"
            " (SELECT 1 FROM replica WHERE hash = ?2 AND account = ?1)",
            (account, image_hash),
        ).fetchone()
        return row is not None

    return question


def look_later(
    account: AccountId, image_hash: ImageHash, asked: int, look_at: float
) -> Change[None]:
    """Write down how often a deletion was taken that has not come true, and look again then."""

    def change(db: sqlite3.Connection) -> None:
        db.execute(
            "UPDATE condemned SET asked = ?, not_before = ?, note = 'still there'"
            " WHERE account = ? AND hash = ?",
            (asked, look_at, account, image_hash),
        )

    return change


def keep_for_now(account: AccountId, digest: Digest, note: str, until: float) -> Change[bool]:
    """Ask the account about an image again then, and note why; answers whether that is news."""

    def change(db: sqlite3.Connection) -> bool:
        row = db.execute(
            "SELECT note FROM condemned WHERE account = ? AND digest = ?", (account, digest)
        ).fetchone()
        db.execute(
            "UPDATE condemned SET not_before = ?, note = ? WHERE account = ? AND digest = ?",
            (until, note, account, digest),
        )
        return row is not None and row[0] != note

    return change


def let_be(account: AccountId, digest: Digest) -> Change[None]:
    """Let an image stay in its account for good, as far as this deletion goes."""

    def change(db: sqlite3.Connection) -> None:
        db.execute("DELETE FROM condemned WHERE account = ? AND digest = ?", (account, digest))

    return change


def let_unrouted_be() -> Change[int]:
    """Drop what the configuration no longer asks to delete; answers how many."""

    def change(db: sqlite3.Connection) -> int:
        return db.execute(
            "DELETE FROM condemned WHERE hash IS NULL AND NOT EXISTS (SELECT 1 FROM folder"
            " JOIN route ON route.folder_id = folder.id WHERE folder.id = condemned.folder_id"
            " AND route.account = condemned.account AND folder.deletions = 'propagate')"
        ).rowcount

    return change


def shift(seconds: float) -> Change[None]:
    """Move every condemnation by so much: the wall clock has jumped, and no time has passed."""

    def change(db: sqlite3.Connection) -> None:
        db.execute("UPDATE condemned SET since = since + ?", (seconds,))

    return change


def cases(names: int) -> Question[list[Case]]:
    """Return what waits for a person, with the first names of each."""

    def question(db: sqlite3.Connection) -> list[Case]:
        rows = db.execute(
            "SELECT folder.id, folder.name, folder.path, folder.root_device, folder.root_inode,"
            " folder.believed_at, count(DISTINCT digest), min(since),"
            " (SELECT count(*) FROM directory JOIN file ON file.directory_id = directory.id"
            " WHERE directory.folder_id = folder.id)"
            " FROM condemned JOIN folder ON folder.id = folder_id WHERE standing = 'held'"
            " GROUP BY folder.id ORDER BY folder.name"
        ).fetchall()
        return [
            Case(folder, path, device, inode, images, files, since, at, _names(db, number, names))
            for number, folder, path, device, inode, at, images, since, files in rows
        ]

    return question


def _names(db: sqlite3.Connection, folder_id: int, limit: int) -> list[bytes]:
    rows = db.execute(
        "SELECT DISTINCT path FROM condemned WHERE folder_id = ? AND standing = 'held'"
        " ORDER BY path LIMIT ?",
        (folder_id, limit),
    )
    return [path for (path,) in rows]


def approve(folder: FolderName) -> Change[int]:
    """Let a folder's held deletions go on; answers of how many images."""
    return _seen_to(folder, "UPDATE condemned SET standing = 'approved'")


def dismiss(folder: FolderName) -> Change[int]:
    """Let the images of a folder's held deletions stay in the accounts; answers how many."""
    return _seen_to(folder, "DELETE FROM condemned")


def _seen_to(folder: FolderName, verb: str) -> Change[int]:
    def change(db: sqlite3.Connection) -> int:
        where = " WHERE standing = 'held' AND folder_id = (SELECT id FROM folder WHERE name = ?)"
        (images,) = db.execute(
            f"SELECT count(DISTINCT digest) FROM condemned{where}", (folder,)
        ).fetchone()
        db.execute(f"{verb}{where}", (folder,))
        return int(images)

    return change
