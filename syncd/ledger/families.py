"""Reads behind the view of families: motifs of a directory with the files of each, page by page.

Families are in the order of their folders, directories and first files. Each read examines a
limited number of files from a key on, so that it is short, and returns where the next one begins.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from itertools import chain

import msgspec

from syncd.ledger.library_filter import NAMED, like
from syncd.ledger.statements import read
from syncd.model import decoded_name, encoded_name
from syncd.rules.family import Family, beginnings, family, member, same_motif

SAMPLE = 300
"""Names of a directory that are read for the ratios that its motifs have, and of one beginning."""

EXAMINED = 5_000
"""Files, and directories, that one read examines: some 30 ms."""


class Key(msgspec.Struct, frozen=True):
    """The last file of a directory that a read has examined."""

    directory: int
    name: bytes


class FamilyFile(msgspec.Struct, frozen=True):
    """A file of a family, and the id of its image."""

    name: bytes
    image: int


class FoundFamily(msgspec.Struct, frozen=True, kw_only=True):
    """A motif of a directory, which is relative to the folder."""

    folder: str
    directory: bytes
    motif: str
    files: Sequence[FamilyFile]
    ratios: Family


class FamilyPage(msgspec.Struct, frozen=True):
    """Families, and the key of the next page; None after the last page."""

    families: list[FoundFamily]
    after: Key | None


class _Directory(msgspec.Struct, frozen=True):
    id: int
    folder_id: int
    folder: str
    path: bytes


@read
def page(
    db: sqlite3.Connection,
    folder: str,
    part: str,
    after: Key | None,
    limit: int,
    examined: int = EXAMINED,
) -> FamilyPage:
    """Return the next `limit` families, of one folder or all, with `part` in the motif."""
    if part and (files := _few(db, folder, part)) is not None:
        return _among(db, files, part=part, after=after, limit=limit)
    directory = _next(db, folder, None) if after is None else _directory(db, after.directory)
    name = b"" if after is None else after.name
    found: list[FoundFamily] = []
    left = examined
    while directory is not None:
        names = _names(db, directory.id, name, left)
        found_here = _Examined(db, directory, part.lower())
        for name in names:
            if (one := found_here.begun_by(name)) is not None:
                found.append(one)
            if len(found) == limit:
                return FamilyPage(found, Key(directory.id, name))
        if len(names) == left:
            return FamilyPage(found, Key(directory.id, name))
        left -= len(names) + 1
        if left <= 0:
            return FamilyPage(found, Key(directory.id, b"\xff"))  # after every name
        directory, name = _next(db, folder, directory), b""
    return FamilyPage(found, None)


@read
def of_file(db: sqlite3.Connection, folder: str, directory: bytes, name: bytes) -> Family | None:
    """Return the ratios of the family of a file; None for a name without a ratio."""
    row = db.execute(
        """
        SELECT id
        FROM directory
        WHERE folder_id = (SELECT id FROM folder WHERE name = ?) AND path = ?
        """,
        (folder, directory),
    ).fetchone()
    own = member(decoded_name(name))
    if row is None or own is None:
        return None
    sample = _sample(db, row[0])
    files = _members(db, row[0], name, sample)
    return family(own.motif, [decoded_name(file.name) for file in (*files, *sample)])


FEW = 20_000
"""Files whose names have a part that is searched for, of which all are found at once."""


def _few(db: sqlite3.Connection, folder: str, part: str) -> list[tuple[_Directory, bytes]] | None:
    """Return all files with `part` in their name, in the order of families; None for many."""
    rows = db.execute(
        f"""
        SELECT directory_id, name
        FROM file INDEXED BY file_by_image
        WHERE {NAMED} AND image_id IS NOT NULL
        LIMIT {FEW + 1}
        """,
        (like(part),),
    ).fetchall()
    if len(rows) > FEW:
        return None
    known = {id_: _directory(db, id_) for id_ in {id_ for id_, _ in rows}}
    files = [(known[id_], name) for id_, name in rows]
    of_folder = [
        (directory, name)
        for directory, name in files
        if directory is not None and folder in ("", directory.folder)
    ]
    return sorted(of_folder, key=_place)


def _among(
    db: sqlite3.Connection,
    files: Sequence[tuple[_Directory, bytes]],
    *,
    part: str,
    after: Key | None,
    limit: int,
) -> FamilyPage:
    """Return the next families that begin with one of these files."""
    last = None if after is None else _directory(db, after.directory)
    begin = (-1, b"", b"") if after is None or last is None else _place((last, after.name))
    found: list[FoundFamily] = []
    of_directory: dict[int, _Examined] = {}
    for directory, name in files:
        if _place((directory, name)) <= begin:
            continue
        examined = of_directory.setdefault(directory.id, _Examined(db, directory, part.lower()))
        if (one := examined.begun_by(name)) is not None:
            found.append(one)
        if len(found) == limit:
            return FamilyPage(found, Key(directory.id, name))
    return FamilyPage(found, None)


def _place(file: tuple[_Directory, bytes]) -> tuple[int, bytes, bytes]:
    directory, name = file
    return directory.folder_id, directory.path, name


class _Examined:
    """The families of a directory that a read has come upon."""

    def __init__(self, db: sqlite3.Connection, directory: _Directory, part: str) -> None:
        self._db = db
        self._directory = directory
        self._part = part  # of the motif
        self._seen: set[str] = set()
        self._sample: list[FamilyFile] | None = None

    def begun_by(self, name: bytes) -> FoundFamily | None:
        """Return the family whose first file has this name; None for any other name."""
        own = member(decoded_name(name))
        if own is None or self._part not in own.motif or own.motif in self._seen:
            return None
        self._seen.add(own.motif)
        if self._sample is None:
            self._sample = _sample(self._db, self._directory.id)
        files = _members(self._db, self._directory.id, name, self._sample)
        if not files or files[0].name != name:  # not read yet, or on an earlier page
            return None
        names = [decoded_name(file.name) for file in (*files, *self._sample)]
        return FoundFamily(
            folder=self._directory.folder,
            directory=self._directory.path,
            motif=own.motif,
            files=files,
            ratios=family(own.motif, names),
        )


def _members(
    db: sqlite3.Connection, directory: int, name: bytes, sample: Sequence[FamilyFile]
) -> list[FamilyFile]:
    """Return the files of the family that a file belongs to, in the order of their names.

    In a directory with more files than the sample has, those in an unusual case are not found.
    """
    ranges = (
        _with_beginning(db, directory, encoded_name(one)) for one in beginnings(decoded_name(name))
    )
    found = {file.name: file for file in (*sample, *chain.from_iterable(ranges))}
    own = member(decoded_name(name))
    motif = "" if own is None else own.motif
    of_motif = same_motif(motif, [decoded_name(one) for one in found])
    return [found[one] for one in sorted(map(encoded_name, of_motif))]


def _with_beginning(db: sqlite3.Connection, directory: int, begin: bytes) -> Iterator[FamilyFile]:
    rows = db.execute(
        """
        SELECT name, image_id
        FROM file
        WHERE directory_id = ?1 AND name >= ?2 AND name < CAST(?2 || x'ff' AS BLOB)
            AND image_id IS NOT NULL
        ORDER BY name
        LIMIT ?3
        """,
        (directory, begin, SAMPLE),
    )
    return (FamilyFile(*row) for row in rows)


def _names(db: sqlite3.Connection, directory: int, after: bytes, limit: int) -> list[bytes]:
    rows = db.execute(
        """
        SELECT name
        FROM file
        WHERE directory_id = ? AND name > ?
        ORDER BY name
        LIMIT ?
        """,
        (directory, after, limit),
    )
    return [name for (name,) in rows]


def _sample(db: sqlite3.Connection, directory: int) -> list[FamilyFile]:
    """Return the first files of a directory."""
    return list(_with_beginning(db, directory, b""))


_DIRECTORY = """
        SELECT directory.id, folder.id, folder.name, directory.path
        FROM directory
        JOIN folder ON folder.id = directory.folder_id"""


def _directory(db: sqlite3.Connection, directory: int) -> _Directory | None:
    row = db.execute(f"{_DIRECTORY}\n        WHERE directory.id = ?", (directory,)).fetchone()
    return None if row is None else _Directory(*row)


def _next(db: sqlite3.Connection, folder: str, after: _Directory | None) -> _Directory | None:
    """Return the first directory, or that after another, of one folder or all."""
    only = "AND directory.folder_id = (SELECT id FROM folder WHERE name = ?3)" if folder else ""
    row = db.execute(
        f"""{_DIRECTORY}
        WHERE (directory.folder_id, directory.path) > (?1, ?2) {only}
        ORDER BY directory.folder_id, directory.path
        LIMIT 1
        """,
        (*((-1, b"") if after is None else (after.folder_id, after.path)), *[folder][: len(only)]),
    ).fetchone()
    return None if row is None else _Directory(*row)
