"""The contents of one directory of a folder: image files, directories to enter, troubles."""

from __future__ import annotations

import heapq
import os
import stat
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import islice

from syncd.folders import skipped
from syncd.folders.patterns import Patterns
from syncd.folders.safe_open import Way, link_target, sentence, stat_of, unreadable
from syncd.ledger.stat_columns import Row
from syncd.model import FolderName, Stat

SLICE = 2000
"""Names that are processed at once: a directory may hold a million."""


@dataclass(frozen=True, slots=True)
class FolderTree:
    """A folder on disk, and which of its files are images."""

    folder_id: int  # in the ledger
    name: FolderName
    root: bytes
    patterns: Patterns


@dataclass(frozen=True, slots=True)
class Trouble:
    """A path below the root that could not be read, and the reason in the operator's words."""

    path: bytes
    reason: str


@dataclass(frozen=True, slots=True)
class Listing:
    """The contents of one directory; a link to a file inside the folder counts as that file."""

    files: dict[bytes, Stat]  # by name
    directories: tuple[bytes, ...]
    troubles: tuple[Trouble, ...]
    skipped: Counter[str] = field(default_factory=Counter)  # by reason


class Directory:
    """An open directory, whose names are read when it is opened, and their stats later."""

    def __init__(self, descriptor: int, root: bytes, path: bytes, patterns: Patterns) -> None:
        """Raise OSError for a directory that cannot be read."""
        self._descriptor = descriptor
        self.inode = os.fstat(descriptor).st_ino
        self._root = root
        self._path = path
        self._within = path + b"/" if path else b""
        self._patterns = patterns
        self._runs: list[list[bytes]] = []  # admitted names, each run sorted
        self.directories: list[bytes] = []
        """Names of the sub-directories that the patterns let a scan enter."""
        self.troubles: list[Trouble] = []
        self.skipped = Counter[str]()
        """Files and links that are not taken, by reason; links only after `images`."""
        with os.scandir(descriptor) as entries:
            while some := list(islice(entries, SLICE)):
                self._take(some)

    def slices(self) -> Iterator[list[bytes]]:
        """Return the names that the patterns admit, sorted, in lists of at most SLICE."""
        if len(self._runs) == 1:
            return iter(self._runs)
        names = heapq.merge(*self._runs)  # sorting all at once would hold the GIL
        return iter(lambda: list(islice(names, SLICE)), [])

    def rows(self, names: Sequence[bytes]) -> list[Row]:
        """Return each name's row as the ledger would have it, if all names are plain images.

        The list is empty if one of them cannot be read. A row that the ledger does not have may be
        no image at all: only `images` knows.
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
        """Return which of the names are image files, and those that cannot be read.

        The patterns admit them, as they do those of `slices`.
        """
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
        is_link = False
        try:
            found = os.lstat(name, dir_fd=self._descriptor)
            if is_link := stat.S_ISLNK(found.st_mode):
                target = link_target(self._root, self._within + name)
                if target is not None:
                    found = os.lstat(os.path.join(self._root, target))  # of a loop, this is a link
        except FileNotFoundError:  # deleted meanwhile, or a link to nothing
            found = None
        if found is not None and stat.S_ISREG(found.st_mode):
            return stat_of(found)
        if is_link:
            self.skipped[skipped.LINK] += 1
        return None

    def _take(self, entries: Sequence[os.DirEntry[str]]) -> None:
        names: list[str] = []
        directories: list[str] = []
        for entry in entries:
            try:
                (directories if entry.is_dir(follow_symlinks=False) else names).append(entry.name)
            except OSError as error:  # a file system that does not report the type of an entry
                where = self._within + os.fsencode(entry.name)
                self.troubles.append(Trouble(where, sentence(error)))
        if admitted := self._patterns.admitted(self._path, _bytes(names)):
            self._runs.append(sorted(admitted))
        entered = [
            name for name in _bytes(directories) if self._patterns.enters(self._within + name)
        ]
        self.directories += entered
        if len(admitted) + len(entered) < len(names) + len(directories):
            self._count_skipped(entries, {*admitted, *entered})

    def _count_skipped(self, entries: Iterable[os.DirEntry[str]], taken: set[bytes]) -> None:
        """Count the files, links and directories that are not taken."""
        for entry in entries:
            if (name := os.fsencode(entry.name)) not in taken:
                why = why_left_out(entry, self._within + name, self._patterns)
                self.skipped.update([] if why is None else [why])


def why_left_out(entry: os.DirEntry[str], path: bytes, patterns: Patterns) -> str | None:
    """Return the code of the reason for which the patterns do not take an entry of a directory.

    It is None for pipes and the like. `path` is relative to the folder.
    """
    try:
        leads_to_directory = entry.is_symlink() and entry.is_dir()
        is_ordinary = entry.is_file() or entry.is_dir() or entry.is_symlink()
    except OSError:  # it cannot be read: a link to it counts by its name
        leads_to_directory, is_ordinary = False, True
    if not is_ordinary:
        return None
    why = patterns.why_skipped(path)
    return skipped.LINK if leads_to_directory and why != skipped.HIDDEN else why


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
    """List the directory at `path`, relative to the root; raise Unreadable."""
    files: dict[bytes, Stat] = {}
    with Way(root) as way, opened(way, path, patterns) as directory:
        troubles = directory.troubles
        for names in directory.slices():
            images, more = directory.images(names)
            files |= images
            troubles += more
        directories, left_out = tuple(directory.directories), directory.skipped
        return Listing(files, directories, tuple(troubles), left_out)


def _bytes(names: Sequence[str]) -> list[bytes]:
    return os.fsencode("\0".join(names)).split(b"\0") if names else []
