"""Statements about directories and files: the disk as it was last seen.

A scan marks the files and directories that it does not find as missed. They are forgotten once
the scan is trusted, or unmarked if it is not.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence

import msgspec

from syncd.ledger.stat_columns import Row, from_columns, signed, to_columns
from syncd.ledger.statements import read, write
from syncd.model import Digest, Stat


class Place(msgspec.Struct, frozen=True, gc=False):
    """The place of a file: folder, directory below it (empty for the folder itself), name."""

    folder_id: int
    directory: bytes
    name: bytes

    @property
    def path(self) -> bytes:
        """The path relative to the folder."""
        return self.directory + b"/" + self.name if self.directory else self.name


class KnownDirectory(msgspec.Struct, frozen=True):
    """A directory as the ledger has it, without its files; no id: the ledger does not have it."""

    directory_id: int | None
    directories: dict[bytes, int]  # path relative to the folder → id


class Content(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """The content of a file: size in bytes, width and height in pixels."""

    digest: Digest
    size: int
    format: str | None
    width: int | None
    height: int | None
    unfit: str | None  # why the API does not accept it


@read
def known_directory(db: sqlite3.Connection, folder_id: int, path: bytes) -> KnownDirectory:
    """Return what is known about one directory, without its files."""
    row = db.execute(
        "SELECT id FROM directory WHERE folder_id = ? AND path = ?", (folder_id, path)
    ).fetchone()
    if row is None:
        return KnownDirectory(None, {})
    (directory_id,) = row
    directories = dict(
        db.execute("SELECT path, id FROM directory WHERE parent_id = ?", (directory_id,))
    )
    return KnownDirectory(directory_id, directories)


@read
def known_files(
    db: sqlite3.Connection, directory_id: int, first: bytes, end: bytes | None
) -> list[Row]:
    """Return the files of one directory from the name `first` to before `end`, in their order.

    No end: all from `first` on.
    """
    before = "" if end is None else "AND name < ?"
    bounds = (first,) if end is None else (first, end)
    return db.execute(
        f"""
        SELECT name, iif(trouble IS NULL, device, NULL), inode, size, mtime_ns, ctime_ns
        FROM file
        WHERE directory_id = ? AND name >= ? {before}
        ORDER BY name
        """,
        (directory_id, *bounds),
    ).fetchall()


@read
def known_stat(db: sqlite3.Connection, place: Place) -> Stat | None:
    """Return the recorded stat of one file; None for an unknown file."""
    row = db.execute(
        """
        SELECT device, inode, size, mtime_ns, ctime_ns
        FROM file
        WHERE name = ?
            AND directory_id = (SELECT id FROM directory WHERE folder_id = ? AND path = ?)
        """,
        (place.name, place.folder_id, place.directory),
    ).fetchone()
    return None if row is None else from_columns(*row)


@write
def record_all(
    db: sqlite3.Connection, found: Sequence[tuple[Place, Stat, Content | str]]
) -> list[bool]:
    """Record the content of each file, or why it could not be read.

    Returns, for each file, whether an account that its folder feeds misses its image afterwards.
    """
    contents = [content for _, _, content in found if isinstance(content, Content)]
    db.executemany(
        """
        INSERT INTO image (digest, size, format, width, height, unfit)
        VALUES (?, ?, ?, ?, ?, ?)
        ON CONFLICT DO NOTHING
        """,
        [(c.digest, c.size, c.format, c.width, c.height, c.unfit) for c in contents],
    )
    ids = {
        where: _seen_directory(db, *where)
        for where in {(place.folder_id, place.directory) for place, _, _ in found}
    }
    db.executemany(
        """
        INSERT INTO file
            (directory_id, name, device, inode, size, mtime_ns, ctime_ns, digest, trouble)
        VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
        ON CONFLICT (directory_id, name) DO UPDATE SET
            device = excluded.device,
            inode = excluded.inode,
            size = excluded.size,
            mtime_ns = excluded.mtime_ns,
            ctime_ns = excluded.ctime_ns,
            digest = excluded.digest,
            trouble = excluded.trouble,
            missed_by = NULL
        """,
        [
            (
                ids[place.folder_id, place.directory],
                place.name,
                *to_columns(stat),
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


@write
def record_all_since(
    db: sqlite3.Connection, found: Sequence[tuple[Place, Stat, Content | str]], at: float
) -> tuple[dict[Place, float], list[bool]]:
    """Record files as `record_all` does, and that those in trouble are so since `at`.

    Returns since when each file that was in trouble before was so, in unix seconds, and what
    `record_all` returns.
    """
    before = _in_trouble(db, [place for place, _, _ in found])
    missing = record_all(found)(db)
    changed = [
        (at if in_trouble else None, place.name, place.folder_id, place.directory)
        for place, _, content in found
        if (in_trouble := isinstance(content, str)) != (place in before)
    ]
    db.executemany(
        """
        UPDATE file
        SET trouble_since = ?
        WHERE name = ?
            AND directory_id = (SELECT id FROM directory WHERE folder_id = ? AND path = ?)
        """,
        changed,
    )
    return before, missing


def _in_trouble(db: sqlite3.Connection, places: Sequence[Place]) -> dict[Place, float]:
    """Return since when each of these files could not be read, in unix seconds."""
    any_in_trouble = db.execute(
        "SELECT 1 FROM file INDEXED BY file_in_trouble WHERE trouble IS NOT NULL LIMIT 1"
    ).fetchone()
    if any_in_trouble is None:  # the usual case
        return {}
    names: dict[tuple[int, bytes], list[bytes]] = {}
    for place in places:
        names.setdefault((place.folder_id, place.directory), []).append(place.name)
    return {
        Place(*where, name): since
        for where, some in names.items()
        for name, since in db.execute(
            f"""
            SELECT name, trouble_since
            FROM file
            WHERE directory_id = (SELECT id FROM directory WHERE folder_id = ? AND path = ?)
                AND name IN ({",".join("?" * len(some))})
                AND trouble IS NOT NULL
            """,
            (*where, *some),
        )
        if since is not None
    }


def _missing(db: sqlite3.Connection, folder_id: int, digests: Sequence[Digest]) -> set[Digest]:
    """Return those of these images that an account which the folder feeds misses."""
    if not digests:
        return set()
    marks = ",".join("?" * len(digests))
    rows = db.execute(
        f"""
        SELECT digest
        FROM replica INDEXED BY replica_missing
        WHERE account IN (SELECT account FROM route WHERE folder_id = ?)
            AND digest IN ({marks})
            AND files > 0 AND hash IS NULL AND rejected IS NULL
        """,
        (folder_id, *digests),
    )
    return {Digest(digest) for (digest,) in rows}


def _seen_directory(db: sqlite3.Connection, folder_id: int, path: bytes) -> int:
    """Return the id of a directory in which a file has just been seen."""
    directory_id = _directory_id(db, folder_id, path)
    # A running scan may have missed this directory; the file has been seen since.
    db.execute(
        """
        UPDATE directory INDEXED BY directory_missed
        SET missed_by = NULL
        WHERE missed_by IS NOT NULL
            AND folder_id = ?1
            AND (path IN (?2, x'') OR substr(?2, 1, length(path) + 1) = CAST(path || '/' AS BLOB))
        """,
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
        """
        INSERT INTO directory (folder_id, parent_id, path)
        VALUES (?, ?, ?)
        RETURNING id
        """,
        (folder_id, parent, path),
    ).fetchone()
    return int(directory_id)


BRANCHES = """WITH RECURSIVE branch (id) AS (
            SELECT id FROM directory WHERE missed_by = ?1
            UNION
            SELECT directory.id FROM directory JOIN branch ON directory.parent_id = branch.id
        )"""
"""The directories that the scan ?1 has missed, with all that are below them."""


@write
def mark_missed(
    db: sqlite3.Connection,
    scan: int,
    directory_id: int,
    names: Sequence[bytes],
    directories: Sequence[int],
) -> None:
    """Mark files and sub-directories that a scan did not find; they are not forgotten yet."""
    db.executemany(
        "UPDATE file SET missed_by = ? WHERE directory_id = ? AND name = ?",
        [(scan, directory_id, name) for name in names],
    )
    db.executemany(
        "UPDATE directory SET missed_by = ? WHERE id = ?", [(scan, i) for i in directories]
    )


@write
def forget_missed(db: sqlite3.Connection, scan: int) -> int:
    """Forget what a trusted scan missed, and return the number of files."""
    # Files first: a trigger finds the replicas of a file through its directory.
    db.execute("DELETE FROM file WHERE missed_by = ?", (scan,))
    (files,) = db.execute("SELECT changes()").fetchone()
    db.execute(f"{BRANCHES} DELETE FROM file WHERE directory_id IN branch", (scan,))
    (below,) = db.execute("SELECT changes()").fetchone()
    db.execute(f"{BRANCHES} DELETE FROM directory WHERE id IN branch", (scan,))
    return int(files + below)


@read
def count_missed(db: sqlite3.Connection, scan: int, folder_id: int) -> tuple[int, int]:
    """Return how many of a folder's files a scan has missed, and how many are known."""
    (files,) = db.execute("SELECT count(*) FROM file WHERE missed_by = ?", (scan,)).fetchone()
    (below,) = db.execute(
        f"""
        {BRANCHES}
        SELECT count(*)
        FROM file
        WHERE directory_id IN branch AND missed_by IS NULL
        """,
        (scan,),
    ).fetchone()
    (known,) = db.execute(
        """
        SELECT count(*)
        FROM directory
        JOIN file ON file.directory_id = directory.id
        WHERE directory.folder_id = ?
        """,
        (folder_id,),
    ).fetchone()
    return files + below, known


@read
def has_missed_device(db: sqlite3.Connection, scan: int, folder_id: int, device: int) -> bool:
    """Return whether a scan missed every file of a file system other than the root's, `device`."""
    row = db.execute(
        f"""
        {BRANCHES}, missed (device) AS (
            SELECT DISTINCT device
            FROM file
            WHERE (missed_by = ?1 OR directory_id IN branch) AND device <> ?3
        )
        SELECT 1
        FROM missed
        WHERE NOT EXISTS (
            SELECT 1
            FROM directory
            JOIN file ON file.directory_id = directory.id
            WHERE directory.folder_id = ?2
                AND file.device = missed.device
                AND file.missed_by IS NOT ?1
                AND directory.id NOT IN branch
        )
        """,
        (scan, folder_id, signed(device)),
    ).fetchone()
    return row is not None


@write
def unmark_missed(db: sqlite3.Connection, scan: int) -> None:
    """Remove the marks of a scan that met an error: what it missed proves nothing."""
    db.execute("UPDATE file SET missed_by = NULL WHERE missed_by = ?", (scan,))
    db.execute("UPDATE directory SET missed_by = NULL WHERE missed_by = ?", (scan,))


@write
def unmark_all_missed(db: sqlite3.Connection) -> None:
    """Remove the marks of all scans: those of an earlier process never ended."""
    db.execute("UPDATE file SET missed_by = NULL WHERE missed_by IS NOT NULL")
    db.execute("UPDATE directory SET missed_by = NULL WHERE missed_by IS NOT NULL")
