"""Opening of files and directories below a root, and never outside it.

That holds even if a directory is replaced by a link meanwhile.
"""

from __future__ import annotations

import errno
import os

from syncd.model import Stat

DIRECTORY = os.O_RDONLY | os.O_DIRECTORY
WAYPOINT = os.O_PATH | os.O_DIRECTORY | os.O_NOFOLLOW
FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NOCTTY | os.O_NONBLOCK  # opening a FIFO would block

GONE = {errno.ENOENT, errno.ENOTDIR, errno.ELOOP, errno.ENXIO}
SENTENCES = {
    errno.EACCES: "permission denied",
    errno.ENOENT: "there is no such file or directory",
    errno.ENOTDIR: "a file or a link is in place of a directory",
    errno.ELOOP: "a link that leads in a circle or out of the folder",
    errno.ENXIO: "it is no longer a regular file",
    errno.ESTALE: "the file server no longer knows it (stale file handle)",
    errno.ENOTCONN: "its file system no longer responds (transport endpoint is not connected)",
    errno.EIO: "the disk cannot read it (input/output error)",
    errno.EROFS: "its file system is mounted read-only",
    errno.EMFILE: "syncd has too many files open; allow it more (LimitNOFILE= in its unit, or"
    " ulimit -n)",
    errno.ENFILE: "the system has too many files open",
}


class Unreadable(Exception):
    """A file or directory could not be read; `gone` if it is not (or no longer) there."""

    def __init__(self, reason: str, *, gone: bool = False) -> None:
        super().__init__(reason)
        self.reason = reason
        self.gone = gone


def unreadable(error: OSError) -> Unreadable:
    """Return the exception for an error of the system."""
    return Unreadable(sentence(error), gone=error.errno in GONE)


def sentence(error: OSError) -> str:
    """Return an error of the system in the operator's words."""
    if error.errno is None:
        return str(error)
    return SENTENCES.get(error.errno) or os.strerror(error.errno).lower()


def stat_of(result: os.stat_result) -> Stat:
    """Return the values that distinguish this version of a file from the next."""
    return Stat(
        device=result.st_dev,
        inode=result.st_ino,
        size=result.st_size,
        mtime_ns=result.st_mtime_ns,
        ctime_ns=result.st_ctime_ns,
    )


class Way:
    """The way to one directory after the other below a root; the last one's parent stays open.

    Links below the root are not followed. Leaving the context closes the parent.
    """

    def __init__(self, root: bytes) -> None:
        self.root = root
        self._above: tuple[bytes, int] | None = None  # the parent's path and descriptor

    def __enter__(self) -> Way:
        return self

    def __exit__(self, *_: object) -> None:
        self._leave()

    def open(self, path: bytes) -> int:
        """Return a descriptor of the directory at `path`. Raises OSError."""
        if not path:
            return os.open(self.root, DIRECTORY)  # the root itself may be a link of the operator's
        parent, _, name = path.rpartition(b"/")
        return os.open(name, DIRECTORY | os.O_NOFOLLOW, dir_fd=self._enter(parent))

    def _enter(self, path: bytes) -> int:
        if self._above is not None and self._above[0] == path:
            return self._above[1]
        self._leave()
        descriptor = open_waypoint(self.root, path)
        self._above = (path, descriptor)
        return descriptor

    def _leave(self) -> None:
        if self._above is not None:
            os.close(self._above[1])
            self._above = None


def open_file(root: bytes, path: bytes) -> int:
    """Return a descriptor of the file at `path`, or of its link's target inside the root.

    Raises OSError. The descriptor may be of something other than a regular file: check fstat.
    """
    try:
        return _open_unlinked(root, path)
    except OSError as error:
        target = link_target(root, path) if error.errno == errno.ELOOP else None
        if target is None:
            raise
        return _open_unlinked(root, target)


def link_target(root: bytes, path: bytes) -> bytes | None:
    """Return the target of the link at `path`, relative to the root; None if it is outside.

    It is also None for a link that leads in a circle, or over more links than the system follows.
    Raises OSError if the target does not exist.
    """
    home = os.path.realpath(root).rstrip(b"/") + b"/"
    link = os.path.join(root, path)
    target = real_path(link)
    return target.removeprefix(home) if target is not None and target.startswith(home) else None


def real_path(path: bytes) -> bytes | None:
    """Return a path without links; None if it has more links than the system follows, 40.

    Resolving a link that leads to another one is a recursion in Python. Raises OSError if the path
    does not exist.
    """
    try:
        os.stat(path)
    except OSError as error:
        if error.errno == errno.ELOOP:
            return None
        raise
    return os.path.realpath(path)


def _open_unlinked(root: bytes, path: bytes) -> int:
    parent, _, name = path.rpartition(b"/")
    above = open_waypoint(root, parent)
    try:
        return os.open(name, FILE, dir_fd=above)
    finally:
        os.close(above)


def open_waypoint(root: bytes, path: bytes) -> int:
    """Return a descriptor of the directory at `path`, for paths relative to it.

    Links are not followed. Raises OSError.
    """
    here = os.open(root, os.O_PATH | os.O_DIRECTORY)
    for name in path.split(b"/") if path else ():
        try:
            below = os.open(name, WAYPOINT, dir_fd=here)
        finally:
            os.close(here)
        here = below
    return here
