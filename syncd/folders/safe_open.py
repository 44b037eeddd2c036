"""Opens what lies below a root, and never what lies outside it, whatever is swapped meanwhile."""

from __future__ import annotations

import errno
import os

from syncd.model import Stat

DIRECTORY = os.O_RDONLY | os.O_DIRECTORY
WAYPOINT = os.O_PATH | os.O_DIRECTORY | os.O_NOFOLLOW
FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NOCTTY | os.O_NONBLOCK  # a FIFO would block its opening

GONE = {errno.ENOENT, errno.ENOTDIR, errno.ELOOP, errno.ENXIO, errno.ESTALE}
SENTENCES = {
    errno.EACCES: "permission denied",
    errno.ENOENT: "there is no such file or directory",
    errno.ENOTDIR: "a file or a link stands where a directory was",
    errno.ELOOP: "a link that leads in a circle or out of the folder",
    errno.ENXIO: "no regular file stands there any more",
    errno.ESTALE: "the file server knows it no more",
    errno.EIO: "the disk cannot read it (input/output error)",
    errno.EMFILE: "syncd has too many files open",
    errno.ENFILE: "the system has too many files open",
}


class Unreadable(Exception):
    """A file or directory that could not be read; `gone` when that is because it is not there."""

    def __init__(self, reason: str, *, gone: bool = False) -> None:
        super().__init__(reason)
        self.reason = reason
        self.gone = gone


def unreadable(error: OSError) -> Unreadable:
    """Return what the error means, in an operator's words."""
    return Unreadable(sentence(error), gone=error.errno in GONE)


def sentence(error: OSError) -> str:
    """Return the system's error in an operator's words."""
    if error.errno is None:
        return str(error)
    return SENTENCES.get(error.errno) or os.strerror(error.errno).lower()


def stat_of(result: os.stat_result) -> Stat:
    """Return what tells this version of a file from the next."""
    return Stat(
        device=result.st_dev,
        inode=result.st_ino,
        size=result.st_size,
        mtime_ns=result.st_mtime_ns,
        ctime_ns=result.st_ctime_ns,
    )


def joined(directory: bytes, name: bytes) -> bytes:
    """Return the path of a name in a directory, which is empty for the root."""
    return directory + b"/" + name if directory else name


class Way:
    """Opens directories below a root one after the other; keeps the way to the last one's parent.

    No link below the root is followed. Leaving the context closes it.
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
            return os.open(self.root, DIRECTORY)  # the root itself may be a link: the operator's
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
    """Return a descriptor of the file at `path`, or of what it links to inside the root.

    Raises OSError. What was opened may be no regular file: ask fstat.
    """
    try:
        return _open_unlinked(root, path)
    except OSError as error:
        target = link_target(root, path) if error.errno == errno.ELOOP else None
        if target is None:
            raise
        return _open_unlinked(root, target)


def link_target(root: bytes, path: bytes) -> bytes | None:
    """Return where the link at `path` leads, relative to the root; None when that is outside."""
    home = os.path.realpath(root).rstrip(b"/") + b"/"
    target = os.path.realpath(os.path.join(root, path))
    return target.removeprefix(home) if target.startswith(home) else None


def _open_unlinked(root: bytes, path: bytes) -> int:
    parent, _, name = path.rpartition(b"/")
    above = open_waypoint(root, parent)
    try:
        return os.open(name, FILE, dir_fd=above)
    finally:
        os.close(above)


def open_waypoint(root: bytes, path: bytes) -> int:
    """Return a descriptor of the directory at `path` from which to go on; no link is followed.

    Raises OSError.
    """
    here = os.open(root, os.O_PATH | os.O_DIRECTORY)
    for name in path.split(b"/") if path else ():
        try:
            below = os.open(name, WAYPOINT, dir_fd=here)
        finally:
            os.close(here)
        here = below
    return here
