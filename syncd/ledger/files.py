"""Statements about folders, directories and files: the disk as it was last seen."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence

import msgspec

from syncd.ledger.stat_columns import Row, columns, kept
from syncd.ledger.statements import read, write
from syncd.model import AccountId, Copying, Deletions, Digest, FolderName, Stat


class Place(msgspec.Struct, frozen=True, gc=False):
    """A file by where it lies: folder, directory below it (empty for the folder), name."""

    folder_id: int
    directory: bytes
    name: bytes

    @property
    def path(self) -> bytes:
        """The path relative to the folder."""
        return self.directory + b"/" + self.name if self.directory else self.name


class Known(msgspec.Struct, frozen=True):
    """What the ledger has of one directory beside its files."""

    directory_id: int | None
    directories: dict[bytes, int]  # path relative to the folder → id


class Content(msgspec.Struct, frozen=True, gc=False):
    """What was found in a file's bytes: size in bytes, width and height in pixels."""

    digest: Digest
    size: int
    format: str | None
    width: int | None
    height: int | None
    unfit: str | None


@write
def declare_folder(
    db: sqlite3.Connection,
    name: FolderName,
    path: bytes,
    accounts: Sequence[AccountId],
    deletions: Deletions = Deletions.KEEP,
    copying: Copying = Copying.AUTO,
) -> int:
    """Make the folder's row and its routes what the configuration says; answers its id.

    The first of the accounts is the folder's own, the others are its mirrors in their order.
    """
    (folder_id,) = db.execute(
        "INSERT INTO folder (name, path, deletions, copying) VALUES (?, ?, ?, ?)"
        " ON CONFLICT (name) DO UPDATE SET path = excluded.path,"
        " deletions = excluded.deletions, copying = excluded.copying RETURNING id",
        (name, path, deletions.value, copying.value),
    ).fetchone()
    known = {
        account
        for (account,) in db.execute("SELECT account FROM route WHERE folder_id = ?", (folder_id,))
    }
    db.executemany(
        "DELETE FROM route WHERE folder_id = ? AND account = ?",
        [(folder_id, account) for account in known - set(accounts)],
    )
    db.executemany(
        "INSERT INTO route (folder_id, account, place) VALUES (?, ?, ?)"
        " ON CONFLICT (folder_id, account) DO UPDATE SET place = excluded.place",
        [(folder_id, account, place) for place, account in enumerate(accounts)],
    )
    return int(folder_id)


@read
def routes(db: sqlite3.Connection, name: FolderName) -> set[AccountId]:
    """Return the accounts that a folder's images have gone to so far; none when it is not known."""
    rows = db.execute(
        "SELECT account FROM route JOIN folder ON folder.id = route.folder_id WHERE name = ?",
        (name,),
    )
    return {AccountId(account) for (account,) in rows}


@write
def retire_other_folders(db: sqlite3.Connection, names: Sequence[FolderName]) -> list[str]:
    """Take the routes of every folder that the configuration no longer names; answers which."""
    rows = db.execute(
        "SELECT id, name FROM folder WHERE EXISTS"
        " (SELECT 1 FROM route WHERE route.folder_id = folder.id)"
    ).fetchall()
    gone = [(folder_id, name) for folder_id, name in rows if name not in names]
    db.executemany("DELETE FROM route WHERE folder_id = ?", [(i,) for i, _ in gone])
    return [name for _, name in gone]


@read
def known_directory(db: sqlite3.Connection, folder_id: int, path: bytes) -> Known:
    """Return what is known of one directory, but for its files."""
    row = db.execute(
        "SELECT id FROM directory WHERE folder_id = ? AND path = ?", (folder_id, path)
    ).fetchone()
    if row is None:
        return Known(None, {})
    (directory_id,) = row
    directories = dict(
        db.execute("SELECT path, id FROM directory WHERE parent_id = ?", (directory_id,))
    )
    return Known(directory_id, directories)


@read
def known_files(
    db: sqlite3.Connection, directory_id: int, first: bytes, end: bytes | None
) -> list[Row]:
    """Return the files of one directory in the order of their names, from `first` to before `end`.

    No end: all that come after it.
    """
    before = "" if end is None else " AND name < ?"
    statement = (
        "SELECT name, iif(trouble IS NULL, device, NULL), inode, size, mtime_ns, ctime_ns"
        f" FROM file WHERE directory_id = ? AND name >= ?{before} ORDER BY name"
    )
    bounds = (first,) if end is None else (first, end)
    return db.execute(statement, (directory_id, *bounds)).fetchall()


@read
def known_stat(db: sqlite3.Connection, place: Place) -> Stat | None:
    """Return what the ledger has of one file."""
    row = db.execute(
        "SELECT device, inode, size, mtime_ns, ctime_ns FROM file WHERE name = ?"
        " AND directory_id = (SELECT id FROM directory WHERE folder_id = ? AND path = ?)",
        (place.name, place.folder_id, place.directory),
    ).fetchone()
    return None if row is None else kept(*row)


@write
def record_all_since(
    db: sqlite3.Connection, found: Sequence[tuple[Place, Stat, Content | str]], at: float
) -> tuple[dict[Place, float], list[bool]]:
    """Do what `record_all` does, and note since when a file has not been readable: that moment.

    Answers since when that was known of each that could not be read before; unix seconds.
    """
    record = record_all(found)
    before = _in_trouble(db, [place for place, _, _ in found])
    news = record(db)
    changed = [
        (at if troubled else None, place.name, place.folder_id, place.directory)
        for place, _, content in found
        if (troubled := isinstance(content, str)) != (place in before)
    ]
    db.executemany(
        "UPDATE file SET trouble_since = ? WHERE name = ? AND directory_id ="
        " (SELECT id FROM directory WHERE folder_id = ? AND path = ?)",
        changed,
    )
    return before, news


def _in_trouble(db: sqlite3.Connection, places: Sequence[Place]) -> dict[Place, float]:
    any_at_all = db.execute(
        "SELECT 1 FROM file INDEXED BY file_in_trouble WHERE trouble IS NOT NULL LIMIT 1"
    ).fetchone()
    if any_at_all is None:  # mostly
        return {}
    names: dict[tuple[int, bytes], list[bytes]] = {}
    for place in places:
        names.setdefault((place.folder_id, place.directory), []).append(place.name)
    return {
        Place(*where, name): since
        for where, some in names.items()
        for name, since in db.execute(
            "SELECT name, trouble_since FROM file WHERE directory_id ="
            " (SELECT id FROM directory WHERE folder_id = ? AND path = ?)"
            f" AND name IN ({','.join('?' * len(some))}) AND trouble IS NOT NULL",
            (*where, *some),
        )
        if since is not None
    }


@write
def record_all(
    db: sqlite3.Connection, found: Sequence[tuple[Place, Stat, Content | str]]
) -> list[bool]:
    """Write down what each file holds, or why it could not be read.

    Answers of each whether some account misses it that its folder stands for, once all of them
    are written down.
    """
    contents = [content for _, _, content in found if isinstance(content, Content)]
    db.executemany(
        "INSERT INTO image (digest, size, format, width, height, unfit)"
        " VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
        [(c.digest, c.size, c.format, c.width, c.height, c.unfit) for c in contents],
    )
    ids = {
        where: _seen_directory(db, *where)
        for where in {(place.folder_id, place.directory) for place, _, _ in found}
    }
    db.executemany(
        "INSERT INTO file (directory_id, name, device, inode, size, mtime_ns, ctime_ns, digest,"
        " trouble) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"
        " ON CONFLICT (directory_id, name) DO UPDATE SET device = excluded.device,"
        " inode = excluded.inode, size = excluded.size, mtime_ns = excluded.mtime_ns,"
        " ctime_ns = excluded.ctime_ns, digest = excluded.digest, trouble = excluded.trouble,"
        " missed_by = NULL",
        [
            (
                ids[place.folder_id, place.directory],
                place.name,
                *columns(stat),
                *((content.digest, None) if isinstance(content, Content) else (None, content)),
            )
            for place, stat, content in found
        ],
    )
    missing = {
        folder_id: _missing(db, folder_id, [c.digest for c in contents])
        for folder_id in {place.folder_id for place, _, _ in found}
    }
    return [
        isinstance(content, Content) and content.digest in missing[place.folder_id]
        for place, _, content in found
    ]


def _missing(db: sqlite3.Connection, folder_id: int, digests: Sequence[Digest]) -> set[Digest]:
    """Return which of these images some account misses that the folder stands for."""
    if not digests:
        return set()
    marks = ",".join("?" * len(digests))
    rows = db.execute(
        "SELECT digest FROM replica INDEXED BY replica_missing"
        " WHERE account IN (SELECT account FROM route WHERE folder_id = ?)"
        f" AND digest IN ({marks}) AND files > 0 AND hash IS NULL AND rejected IS NULL",
        (folder_id, *digests),
    )
    return {Digest(digest) for (digest,) in rows}


@write
def folder_scanned(db: sqlite3.Connection, folder_id: int, at: float) -> None:
    """Write down when a whole scan of a folder ended without an error; unix seconds."""
    db.execute("UPDATE folder SET scanned_at = ?, trouble = NULL WHERE id = ?", (at, folder_id))


@write
def folder_in_trouble(db: sqlite3.Connection, folder_id: int, why: str) -> None:
    """Write down why a folder cannot be read, or not all of it."""
    db.execute("UPDATE folder SET trouble = ? WHERE id = ?", (why, folder_id))


def _seen_directory(db: sqlite3.Connection, folder_id: int, path: bytes) -> int:
    """Return the id of a directory in which a file has just been seen."""
    directory_id = _directory_id(db, folder_id, path)
    # A scan that missed this file's directory was overtaken: the file has been seen since.
    db.execute(
        "UPDATE directory INDEXED BY directory_missed SET missed_by = NULL"
        " WHERE missed_by IS NOT NULL AND folder_id = ?1"
        " AND (path IN (?2, x'') OR substr(?2, 1, length(path) + 1) = CAST(path || '/' AS BLOB))",
        (folder_id, path),
    )
    return directory_id


def _directory_id(db: sqlite3.Connection, folder_id: int, path: bytes) -> int:
    row = db.execute(
        "SELECT id FROM directory WHERE folder_id = ? AND path = ?", (folder_id, path)
    ).fetchone()
    if row is not None:
        return int(row[0])
    parent = _directory_id(db, folder_id, path.rpartition(b"/")[0]) if path else None
    (directory_id,) = db.execute(
        "INSERT INTO directory (folder_id, parent_id, path) VALUES (?, ?, ?) RETURNING id",
        (folder_id, parent, path),
    ).fetchone()
    return int(directory_id)
