"""The differences between a directory and the ledger, a slice of names at a time."""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from syncd.folders.patterns import Patterns
from syncd.folders.safe_open import Unreadable, Way
from syncd.folders.scanning.walk import Directory, Trouble, opened
from syncd.ledger import directories, files
from syncd.ledger.directories import Renumbered
from syncd.ledger.files import Place
from syncd.ledger.stat_columns import Row, signed, stat_of
from syncd.model import Stat, joined


@dataclass(frozen=True, slots=True)
class Missed:
    """Entries of one directory that are in the ledger and not on disk."""

    directory_id: int
    files: tuple[bytes, ...] = ()
    directories: tuple[int, ...] = ()


@dataclass(slots=True)
class Part:
    """The differences in a part of a directory; the last part lists its sub-directories."""

    seen: int = 0  # files, whether new or known
    found: list[tuple[Place, Stat]] = field(default_factory=list)  # new or changed
    with_other_numbers: list[tuple[Place, Stat]] = field(default_factory=list)  # else unchanged
    missed: Missed | None = None
    troubles: list[Trouble] = field(default_factory=list)
    below: list[bytes] = field(default_factory=list)  # paths of the sub-directories to enter
    renumbered: Renumbered | None = None
    skipped: Counter[str] = field(default_factory=Counter)  # files not taken, by reason
    recognised: bool = False  # a known file is unchanged, apart from device and inode


@dataclass(frozen=True, slots=True)
class _Range:
    """Names of one slice, and the range of names from which no other slice has one."""

    names: list[bytes]
    first: bytes
    end: bytes | None  # exclusive; None for the last one


class Comparison:
    """A comparison of directories of one folder with the ledger. Blocks."""

    def __init__(
        self, db: sqlite3.Connection, folder_id: int, way: Way, patterns: Patterns
    ) -> None:
        self._db = db
        self._folder_id = folder_id
        self._way = way
        self._patterns = patterns

    def parts(self, path: bytes) -> Iterator[Part]:
        """Compare the directory at `path`, part by part."""
        # Read before the disk is: files that are recorded meanwhile do not count as missed.
        known = files.known_directory(self._folder_id, path)(self._db)
        try:
            with opened(self._way, path, self._patterns) as directory:
                is_known, same = known.directory_id is not None, False
                for names in _ranges(directory.slices()):
                    part = self._part(path, known.directory_id, directory, names)
                    is_known, same = is_known or bool(part.found), same or part.recognised
                    yield part
                below = [joined(path, name) for name in directory.directories]
                gone = known.directories.keys() - set(below)
                yield Part(
                    missed=_missed(
                        known.directory_id, directories=[known.directories[path] for path in gone]
                    ),
                    troubles=directory.troubles,
                    below=below,
                    skipped=directory.skipped,
                    renumbered=Renumbered(path, directory.inode, same)
                    if known.inode != signed(directory.inode)
                    and (is_known or directories.is_recorded(directory.inode)(self._db))
                    else None,
                )
        except Unreadable as error:
            if not error.gone:  # a directory that is gone is missed in its parent
                yield Part(troubles=[Trouble(path, error.reason)])

    def _part(
        self, path: bytes, directory_id: int | None, directory: Directory, part: _Range
    ) -> Part:
        names = part.names
        rows: list[Row] = []
        if directory_id is not None:
            rows = files.known_files(directory_id, part.first, part.end)(self._db)
        # In a new directory no file is unchanged, and `images` alone takes half the time.
        seen = directory.rows(names) if rows else []
        if seen == rows and len(seen) == len(names):
            return Part(seen=len(names), recognised=bool(names))
        known = {row[0]: row for row in rows}
        same = {row[0] for row in set(rows).intersection(seen)}
        # A file that is known but was not listed may have been added since, so it is checked, too.
        added = {n for n in known.keys() - names if self._patterns.admits(joined(path, n))}
        images, troubles = directory.images(sorted({*names, *added} - same))
        places = {name: Place(self._folder_id, path, name) for name in images}
        renumbered = set() if same else _renumbered(known, images)
        found = [
            (places[name], stat)
            for name, stat in images.items()
            if name not in known or (name not in renumbered and stat_of(known[name]) != stat)
        ]
        unlisted = {trouble.path.rpartition(b"/")[2] for trouble in troubles}
        gone = known.keys() - same - images.keys() - unlisted
        return Part(
            seen=len(same) + len(images),
            found=found,
            with_other_numbers=[(places[name], images[name]) for name in sorted(renumbered)],
            missed=_missed(directory_id, files=sorted(gone)),
            troubles=troubles,
            recognised=not {(name, *stat) for name, _, _, *stat in rows}.isdisjoint(
                (name, *stat) for name, _, _, *stat in seen
            ),
        )


def _renumbered(known: Mapping[bytes, Row], images: Mapping[bytes, Stat]) -> set[bytes]:
    """Return the files that are unchanged apart from their device and inode numbers.

    A remount, NFS, FUSE or btrfs gives other numbers to all files of a directory, and to all of
    them the same device.
    """
    pairs = {
        name: (before, images[name])
        for name in known.keys() & images.keys()
        if (before := stat_of(known[name])) is not None
    }
    devices = {(before.device, now.device) for before, now in pairs.values()}
    if len(devices) > 1 or any(_numbers(before) == _numbers(now) for before, now in pairs.values()):
        return set()
    return {
        name
        for name, (before, now) in pairs.items()
        if (before.size, before.mtime_ns, before.ctime_ns) == (now.size, now.mtime_ns, now.ctime_ns)
    }


def _numbers(stat: Stat) -> tuple[int, int]:
    return stat.device, stat.inode


def _missed(
    directory_id: int | None, *, files: Sequence[bytes] = (), directories: Sequence[int] = ()
) -> Missed | None:
    if directory_id is None or not (files or directories):
        return None
    return Missed(directory_id, tuple(files), tuple(directories))


def _ranges(slices: Iterator[list[bytes]]) -> Iterator[_Range]:
    """Return the slices with their ranges, which together leave no gap."""
    names, first = next(slices, []), b""
    for later in slices:
        yield _Range(names, first, later[0])
        names, first = later, later[0]
    yield _Range(names, first, None)
