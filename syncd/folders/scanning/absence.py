"""Whether a name that a scan did not find was deleted.

Absent is not deleted: a disk may be unmounted, another one mounted over a directory, a directory
moved away and replaced by a link. A name counts as deleted only if lstat(2) reports ENOENT in the
directory that it was in. If that directory is gone itself, the same rule applies to its name in its
parent, up to the root; the caller has checked that the root is the one that was trusted.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Callable, Iterable, Mapping
from enum import Enum

import msgspec

from syncd.folders.safe_open import WAYPOINT
from syncd.model import joined

MAX_OPEN = 64
"""Directories that stay open at most, however deep a folder is."""


class Absence(Enum):
    """The finding at a missing name, or on the path to it."""

    DELETED = "deleted"
    BACK = "back"
    """A file has this name: it came back after the scan."""
    PRESENT = "present"
    """Something other than a file has this name: a link or a directory, for example."""
    LINK = "link"
    """A link or a file is where a directory above it was."""
    OTHER_DIRECTORY = "other_directory"
    """Another directory is where a directory above it was."""
    MOUNT = "mount"
    """A file system has been mounted or unmounted above it."""
    UNREADABLE = "unreadable"


class KnownTree(msgspec.Struct, frozen=True):
    """The known directories of a folder. Paths are relative to it, empty for itself."""

    root: bytes
    inodes: Mapping[bytes, int]
    """As last recorded; a directory without an entry may have any."""
    moved_mounts: frozenset[bytes]
    """Mount points that have appeared or disappeared since the folder was last trusted."""


class AbsenceCheck:
    """Looks at missing names of one folder. Blocks; leaving the context closes its descriptors.

    The root and the last directories on the path to the last name stay open, so that names in the
    order of their directories cost one lookup each.
    """

    def __init__(self, tree: KnownTree) -> None:
        self._tree = tree
        self._open_path: list[tuple[bytes, int | Absence]] = []  # down from the root

    def __enter__(self) -> AbsenceCheck:
        self._open_path.append((b"", self._open_root()))
        return self

    def __exit__(self, *_: object) -> None:
        while self._open_path:
            self._leave()

    def of(self, directory: bytes, name: bytes) -> Absence:
        """Return what is at a name of a directory."""
        above = self._enter(directory)
        if isinstance(above, Absence):
            return above
        path = joined(directory, name)
        if any((point + b"/").startswith(path + b"/") for point in self._tree.moved_mounts):
            return Absence.MOUNT
        try:
            found = os.lstat(name, dir_fd=above)
        except FileNotFoundError:
            return Absence.DELETED
        except OSError:
            return Absence.UNREADABLE
        return Absence.BACK if stat.S_ISREG(found.st_mode) else Absence.PRESENT

    def _enter(self, directory: bytes) -> int | Absence:
        """Return a descriptor of a directory, or why it cannot be opened."""
        while (top := self._open_path[-1][0]) and not (directory + b"/").startswith(top + b"/"):
            self._leave()
        path, found = self._open_path[-1]
        for name in directory[len(path) :].strip(b"/").split(b"/"):
            if name:
                path = joined(path, name)
                found = self._open(path, found)
                self._open_path.append((path, found))
                if len(self._open_path) > MAX_OPEN:
                    self._leave(1)
        return found

    def _leave(self, index: int = -1) -> None:
        _, found = self._open_path.pop(index)
        if isinstance(found, int):
            os.close(found)

    def _open_root(self) -> int | Absence:
        try:
            return os.open(self._tree.root, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
        except OSError:
            return Absence.UNREADABLE

    def _open(self, path: bytes, above: int | Absence) -> int | Absence:
        if isinstance(above, Absence):
            return above
        if path in self._tree.moved_mounts:
            return Absence.MOUNT
        try:
            descriptor = os.open(path.rpartition(b"/")[2], WAYPOINT | os.O_CLOEXEC, dir_fd=above)
        except FileNotFoundError:
            return Absence.DELETED
        except OSError as error:
            replaced = error.errno in (errno.ELOOP, errno.ENOTDIR)
            return Absence.LINK if replaced else Absence.UNREADABLE
        if self._tree.inodes.get(path, (inode := os.fstat(descriptor).st_ino)) != inode:
            os.close(descriptor)
            return Absence.OTHER_DIRECTORY
        return descriptor


def check_absence(
    tree: KnownTree,
    missing: Iterable[tuple[bytes, bytes]],
    progress: Callable[[], None] = lambda: None,
) -> dict[tuple[bytes, bytes], Absence]:
    """Return what is at each missing (directory, name).

    `progress` is called before each name. Blocks: run it in a thread.
    """
    found: dict[tuple[bytes, bytes], Absence] = {}
    with AbsenceCheck(tree) as check:
        for directory, name in sorted(missing):
            progress()
            found[directory, name] = check.of(directory, name)
    return found
