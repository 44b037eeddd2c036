"""Statements about directories and files: the disk as it was last seen."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence

import msgspec

from syncd.images.unfinished import is_unfinished
from syncd.ledger import condemned, history
from syncd.ledger.directories import ensure_directory
from syncd.ledger.history import What
from syncd.ledger.kept import end_for_found
from syncd.ledger.missed import unmark_found
from syncd.ledger.replaced import restart_grace
from syncd.ledger.replicas import image_ids, missing_among
from syncd.ledger.stat_columns import Row, from_columns, to_columns
from syncd.ledger.statements import read, write, write_rows
from syncd.ledger.wanted import refresh, touch
from syncd.model import Digest, Stat, joined


class Place(msgspec.Struct, frozen=True, gc=False):
    """The place of a file: folder, directory below it (empty for the folder itself), name."""

    folder_id: int
    directory: bytes
    name: bytes

    @property
    def path(self) -> bytes:
        """The path relative to the folder."""
        return joined(self.directory, self.name)


class KnownDirectory(msgspec.Struct, frozen=True):
    """A directory as the ledger has it, without its files; no id: the ledger does not have it."""

    directory_id: int | None
    inode: int | None
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
        "SELECT id, inode FROM directory WHERE folder_id = ? AND path = ?", (folder_id, path)
    ).fetchone()
    if row is None:
        return KnownDirectory(None, None, {})
    directory_id, inode = row
    directories = dict(
        db.execute("SELECT path, id FROM directory WHERE parent_id = ?", (directory_id,))
    )
    return KnownDirectory(directory_id, inode, directories)


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
        SELECT name, iif(error IS NULL, device, NULL), inode, size, mtime_ns, ctime_ns
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


@read
def sample(db: sqlite3.Connection, folder_id: int, limit: int) -> list[tuple[bytes, Stat]]:
    """Return up to some `limit` readable files of a folder, spread over its directories.

    Of a directory they are its first and its last ones. Each has its path relative to the folder.
    """
    directories = db.execute(
        """
        SELECT id, path
        FROM (
            SELECT id, path, row_number() OVER (ORDER BY path) AS number, count(*) OVER () AS total
            FROM directory
            WHERE folder_id = ?1
                AND EXISTS (SELECT 1 FROM file WHERE file.directory_id = directory.id)
        )
        WHERE number % (1 + total / ?2) = 0
        """,
        (folder_id, limit),
    ).fetchall()
    each = -(-limit // (2 * len(directories) or 1))
    return [
        (Place(folder_id, path, name).path, from_columns(*columns))
        for directory_id, path in directories
        for name, *columns in {
            *_readable_files(db, directory_id, each, "ASC"),
            *_readable_files(db, directory_id, each, "DESC"),
        }
    ]


def _readable_files(
    db: sqlite3.Connection, directory_id: int, limit: int, order: str
) -> list[tuple[bytes, int, int, int, int, int]]:
    return db.execute(
        f"""
        SELECT name, device, inode, size, mtime_ns, ctime_ns
        FROM file
        WHERE directory_id = ? AND error IS NULL
        ORDER BY name {order}
        LIMIT ?
        """,
        (directory_id, limit),
    ).fetchall()


@write
def record_all(
    db: sqlite3.Connection, found: Sequence[tuple[Place, Stat, Content | str]]
) -> list[bool]:
    """Record the content of each file, or why it could not be read.

    An image that a rewritten file contained before, and that no file wants any longer, is then
    condemned; it stays in an account until that holds what the file contains now.
    Returns, for each file, whether an account that its folder feeds misses its image afterwards.
    """
    contents = [content for _, _, content in found if isinstance(content, Content)]
    images, last = add_images(db, contents)
    directories = {
        where: ensure_directory(db, *where)
        for where in {(place.folder_id, place.directory) for place, _, _ in found}
    }
    unmark_found(db, [(directories[p.folder_id, p.directory], p.name) for p, _, _ in found])
    rows = [
        (
            directories[place.folder_id, place.directory],
            place.name,
            *to_columns(stat),
            *((images[content.digest], None) if isinstance(content, Content) else (None, content)),
        )
        for place, stat, content in found
    ]
    before = _write_files(db, rows)
    replaced = [
        (old, directory, name)
        for directory, name, *_, image, _ in rows
        if (old := before.get((directory, name))) is not None and old != image
    ]
    touched = {*images.values(), *(image for image, *_ in replaced)}
    touch(db, touched)
    refresh(db, only_new=all(image > last for image in touched))
    end_for_found(
        db,
        {
            (image, place.folder_id)
            for place, _, content in found
            if isinstance(content, Content) and (image := images[content.digest]) <= last
        },
    )
    _record_history(db, found, rows, before, last)
    condemned.condemn_replaced(db, replaced)
    missing = {
        folder_id: missing_among(db, folder_id, list(images.values()))
        for folder_id in {place.folder_id for place, _, _ in found}
    }
    return [
        isinstance(content, Content) and images[content.digest] in missing[place.folder_id]
        for place, _, content in found
    ]


@write
def renumber(db: sqlite3.Connection, found: Sequence[tuple[Place, Stat]]) -> None:
    """Record the device and inode numbers of files that are unchanged otherwise."""
    db.executemany(
        """
        UPDATE file
        SET device = ?, inode = ?
        WHERE size = ? AND mtime_ns = ? AND ctime_ns = ? AND name = ?
            AND directory_id = (SELECT id FROM directory WHERE folder_id = ? AND path = ?)
        """,
        [
            (*to_columns(stat), place.name, place.folder_id, place.directory)
            for place, stat in found
        ],
    )


_FileRow = tuple[int, bytes, int, int, int, int, int, int | None, str | None]
"""Directory id, name, device, inode, size, mtime_ns, ctime_ns, image id, error."""


def add_images(
    db: sqlite3.Connection, contents: Sequence[Content]
) -> tuple[dict[Digest, int], int]:
    """Record images; return their ids, and the last id before those of the new ones."""
    (last,) = db.execute("SELECT coalesce(max(id), 0) FROM image").fetchone()
    images = {content.digest: content for content in contents}
    new = write_rows(
        db,
        """
        INSERT INTO image (sha256, size, format, width, height, unsupported)
        VALUES {rows}
        ON CONFLICT DO NOTHING
        """,
        [(c.digest, c.size, c.format, c.width, c.height, c.unfit) for c in images.values()],
    )
    if new == len(images):  # SQLite gives each the id after the largest (sqlite.org/autoinc.html)
        return {digest: last + number for number, digest in enumerate(images, 1)}, last
    return image_ids(db, list(images)), last


def _write_files(db: sqlite3.Connection, rows: Sequence[_FileRow]) -> dict[tuple[int, bytes], int]:
    """Write rows of files, and return the images that some of them contained before."""
    before = _contents(db, [row[:2] for row in rows])
    write_rows(
        db,
        """
        INSERT INTO file
            (directory_id, name, device, inode, size, mtime_ns, ctime_ns, image_id, error)
        VALUES {rows}
        ON CONFLICT (directory_id, name) DO UPDATE SET
            device = excluded.device,
            inode = excluded.inode,
            size = excluded.size,
            mtime_ns = excluded.mtime_ns,
            ctime_ns = excluded.ctime_ns,
            image_id = excluded.image_id,
            error = excluded.error
        """,
        rows,
    )
    return before


def _contents(
    db: sqlite3.Connection, files: Sequence[tuple[int, bytes]]
) -> dict[tuple[int, bytes], int]:
    """Return the images that these files, (directory id, name), contain."""
    names: dict[int, list[bytes]] = {}
    for directory_id, name in files:
        names.setdefault(directory_id, []).append(name)
    return {
        (directory_id, name): image_id
        for directory_id, some in names.items()
        for name, image_id in db.execute(
            f"""
            SELECT name, image_id
            FROM file
            WHERE directory_id = ? AND name IN ({",".join("?" * len(some))})
                AND image_id IS NOT NULL
            """,
            (directory_id, *some),
        )
    }


def _record_history(
    db: sqlite3.Connection,
    found: Sequence[tuple[Place, Stat, Content | str]],
    rows: Sequence[_FileRow],
    before: Mapping[tuple[int, bytes], int],
    last: int,
) -> None:
    """Record which contents were found and which are gone, and what is rejected unsent.

    The images after the id `last` are new.
    """
    new, known, rewritten, unfit = dict[int, None](), [], [], set()
    for (place, _, content), (directory, name, *_, image, _) in zip(found, rows, strict=True):
        old = before.get((directory, name)) if before else None
        if old == image:
            continue
        if old is not None:
            rewritten.append((old, place.folder_id, place.path))
        if image is None:
            continue
        if image > last and image not in new:
            new[image] = None
            if isinstance(content, Content) and content.unfit is not None:
                unfit.add(image)
        else:
            known.append((image, place.folder_id, place.path))
    history.record_rewritten(db, rewritten)
    history.record_new(db, list(new))
    history.record_found(db, known)
    for image in sorted(unfit):
        history.record_replicas(db, What.REJECTED, "image_id = ?1", (image,))


class Unread(msgspec.Struct, frozen=True):
    """Why a file was not read, and since when, in unix seconds."""

    error: str
    since: float


@write
def record_all_since(
    db: sqlite3.Connection, found: Sequence[tuple[Place, Stat, Content | str]], at: float
) -> tuple[dict[Place, Unread], list[bool]]:
    """Record files as `record_all` does, and that those that could not be read are so since `at`.

    Returns why and since when each file could not be read before, and what `record_all` returns.
    """
    before = _unread(db, [place for place, _, _ in found])
    readable = {place for place, _, content in found if isinstance(content, Content)}
    restart_grace(db, [(place.folder_id, place.path) for place in readable & before.keys()])
    missing = record_all(found)(db)
    changed = [
        (at if kind else None, place.name, place.folder_id, place.directory)
        for place, _, content in found
        if (kind := _kind(content)) != (_kind(before[place].error) if place in before else None)
    ]
    db.executemany(
        """
        UPDATE file
        SET error_since = ?
        WHERE name = ?
            AND directory_id = (SELECT id FROM directory WHERE folder_id = ? AND path = ?)
        """,
        changed,
    )
    return before, missing


def _kind(content: Content | str) -> str | None:
    if isinstance(content, Content):
        return None
    return "unfinished" if is_unfinished(content) else "unreadable"


def _unread(db: sqlite3.Connection, places: Sequence[Place]) -> dict[Place, Unread]:
    """Return why and since when each of these files could not be read."""
    any_unread = db.execute(
        "SELECT 1 FROM file INDEXED BY file_with_error WHERE error IS NOT NULL LIMIT 1"
    ).fetchone()
    if any_unread is None:  # the usual case
        return {}
    names: dict[tuple[int, bytes], list[bytes]] = {}
    for place in places:
        names.setdefault((place.folder_id, place.directory), []).append(place.name)
    return {
        Place(*where, name): Unread(error, since)
        for where, some in names.items()
        for name, error, since in db.execute(
            f"""
            SELECT name, error, error_since
            FROM file
            WHERE directory_id = (SELECT id FROM directory WHERE folder_id = ? AND path = ?)
                AND name IN ({",".join("?" * len(some))})
                AND error IS NOT NULL
            """,
            (*where, *some),
        )
        if since is not None
    }
