"""What one directory of a folder holds: images to be, directories to walk into, troubles."""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass

from syncd.folders.inside import link_target, open_directory, sentence, stat_of, unreadable
from syncd.folders.patterns import Patterns
from syncd.model import RootIdentity, Stat


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


def list_directory(root: bytes, path: bytes, patterns: Patterns) -> Listing:
    """List the directory at `path`, relative to the root; raise Unreadable when that cannot be."""
    files: dict[bytes, Stat] = {}
    directories: list[bytes] = []
    troubles: list[Trouble] = []
    prefix = path + b"/" if path else b""
    try:
        descriptor = open_directory(root, path)
        try:
            with os.scandir(descriptor) as entries:
                for entry in entries:
                    name = os.fsencode(entry.name)
                    where = prefix + name
                    try:
                        if entry.is_dir(follow_symlinks=False):
                            if patterns.enters(where):
                                directories.append(name)
                        elif patterns.admits(where) and (found := _file(root, where, entry)):
                            files[name] = found
                    except FileNotFoundError:
                        continue  # it went while we looked
                    except OSError as error:
                        troubles.append(Trouble(where, sentence(error)))
        finally:
            os.close(descriptor)
    except OSError as error:
        raise unreadable(error) from error
    return Listing(files, tuple(directories), tuple(troubles))


def root_identity(root: bytes) -> RootIdentity | None:
    """Return which directory the root is; None when it is not there or is none."""
    try:
        found = os.stat(root)
    except OSError:
        return None
    if not stat.S_ISDIR(found.st_mode):
        return None
    return RootIdentity(found.st_dev, found.st_ino, found.st_nlink)


def _file(root: bytes, path: bytes, entry: os.DirEntry[str]) -> Stat | None:
    if entry.is_file(follow_symlinks=False):
        return stat_of(entry.stat(follow_symlinks=False))
    if entry.is_symlink():
        return _linked_file(root, path)
    return None  # a FIFO, a socket, a device


def _linked_file(root: bytes, path: bytes) -> Stat | None:
    target = link_target(root, path)
    if target is None:
        return None
    found = os.lstat(os.path.join(root, target))  # a circle ends in a link, and is none
    return stat_of(found) if stat.S_ISREG(found.st_mode) else None
