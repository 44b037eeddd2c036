"""What one directory of a folder holds: images to be, directories to walk into, troubles."""

from __future__ import annotations

import heapq
import os
import stat
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice

from syncd.folders.patterns import Patterns
from syncd.folders.safe_open import Way, link_target, sentence, stat_of, unreadable
from syncd.ledger.stat_columns import Row
from syncd.model import RootIdentity, Stat

SLICE = 2000
"""Names that are looked at in one go: a directory may hold a million."""


@dataclass(frozen=True, slots=True)
class Trouble:
    """A path below the root that could not be looked at, and why, in an operator's words."""

    path: bytes
    reason: str


@dataclass(frozen=True, slots=True)
class Listing:
    """What is in one directory, by name; a link to a file inside the folder is what it links to."""

    files: dict[bytes, Stat]
    directories: tuple[bytes, ...]
    troubles: tuple[Trouble, ...]


class Directory:
    """An open directory: the names in it were read when it was opened, what they are is asked."""

    def __init__(self, descriptor: int, root: bytes, path: bytes, patterns: Patterns) -> None:
        """Raise OSError for one that cannot be read."""
        self._descriptor = descriptor
        self._root = root
        self._path = path
        self._within = path + b"/" if path else b""
        self._patterns = patterns
        self._runs: list[list[bytes]] = []  # each sorted
        self.directories: list[bytes] = []  # that are walked into
        self.troubles: list[Trouble] = []
        with os.scandir(descriptor) as entries:
            while some := list(islice(entries, SLICE)):
                self._take(some)

    def slices(self) -> Iterator[list[bytes]]:
        """Return the names of what may be images to be in slices, all of them in their order."""
        if len(self._runs) == 1:
            return iter(self._runs)
        names = heapq.merge(*self._runs)  # not one sort of all: it would hold the GIL
        return iter(lambda: list(islice(names, SLICE)), [])

    def rows(self, names: Sequence[bytes]) -> list[Row]:
        """Return what stands at these names as the ledger would have it, were it an image to be.

        Nothing where something cannot be looked at: ask `images` then, and for what differs.
        """
        lstat, here = os.lstat, self._descriptor
        try:
            return [
                (name, s.st_dev, s.st_ino, s.st_size, s.st_mtime_ns, s.st_ctime_ns)
                for name in names
                for s in (lstat(name, dir_fd=here),)
            ]
        except OSError:
            return []

    def images(self, names: Iterable[bytes]) -> tuple[dict[bytes, Stat], list[Trouble]]:
        """Return which images to be are at these names, and what cannot be looked at."""
        found: dict[bytes, Stat] = {}
        troubles: list[Trouble] = []
        for name in names:
            try:
                if (stat_now := self._image(name)) is not None:
                    found[name] = stat_now
            except OSError as error:
                troubles.append(Trouble(self._within + name, sentence(error)))
        return found, troubles

    def _image(self, name: bytes) -> Stat | None:
        if not self._patterns.admits(self._within + name):
            return None
        try:
            found = os.lstat(name, dir_fd=self._descriptor)
            if stat.S_ISLNK(found.st_mode):
                target = link_target(self._root, self._within + name)
                if target is None:
                    return None
                found = os.lstat(os.path.join(self._root, target))  # a circle ends in a link
        except FileNotFoundError:
            return None  # it went while we looked
        return stat_of(found) if stat.S_ISREG(found.st_mode) else None

    def _take(self, entries: Iterable[os.DirEntry[str]]) -> None:
        names: list[str] = []
        directories: list[str] = []
        for entry in entries:
            try:
                (directories if entry.is_dir(follow_symlinks=False) else names).append(entry.name)
            except OSError as error:  # a file system that tells not what an entry is
                where = self._within + os.fsencode(entry.name)
                self.troubles.append(Trouble(where, sentence(error)))
        if admitted := self._patterns.admitted(self._path, _bytes(names)):
            self._runs.append(sorted(admitted))
        self.directories += [
            name for name in _bytes(directories) if self._patterns.enters(self._within + name)
        ]


@contextmanager
def opened(way: Way, path: bytes, patterns: Patterns) -> Iterator[Directory]:
    """Open the directory at `path`, relative to the way's root; raise Unreadable."""
    try:
        descriptor = way.open(path)
        try:
            directory = Directory(descriptor, way.root, path, patterns)
        except BaseException:
            os.close(descriptor)
            raise
    except OSError as error:
        raise unreadable(error) from error
    try:
        yield directory
    finally:
        os.close(descriptor)


def list_directory(root: bytes, path: bytes, patterns: Patterns) -> Listing:
    """List the directory at `path`, relative to the root; raise Unreadable when that cannot be."""
    files: dict[bytes, Stat] = {}
    with Way(root) as way, opened(way, path, patterns) as directory:
        troubles = directory.troubles
        for names in directory.slices():
            images, more = directory.images(names)
            files |= images
            troubles += more
        return Listing(files, tuple(directory.directories), tuple(troubles))


def root_identity(root: bytes) -> RootIdentity | None:
    """Return which directory the root is; None when it is not there or is none."""
    try:
        found = os.stat(root)
    except OSError:
        return None
    if not stat.S_ISDIR(found.st_mode):
        return None
    return RootIdentity(found.st_dev, found.st_ino, found.st_nlink)


def _bytes(names: Sequence[str]) -> list[bytes]:
    return os.fsencode("\0".join(names)).split(b"\0") if names else []
