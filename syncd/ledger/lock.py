"""One process at a time for each ledger: a lock on the inode of the database file.

A lock on the inode is the same lock through every symlink and hard link, and cannot be removed with
a lock file. It is an open file description lock (fcntl(2)) on one byte far behind the data, where
neither SQLite nor the file ever gets.

Closing any descriptor of a database drops the POSIX locks that SQLite holds on it in this process
(sqlite.org/howtocorrupt.html, 2.2). A descriptor that was opened here is therefore kept until the
process ends.
"""

from __future__ import annotations

import fcntl
import os
import struct
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from syncd.ledger.errors import LedgerBusyError, LedgerDiskError

_OFFSET = 2**62
_FLOCK = struct.Struct("hhqqi4x")  # l_type, l_whence, l_start, l_len, l_pid of struct flock

_CHUNK = 2**20  # bytes

_Inode = tuple[int, int]  # device, inode

_descriptors: dict[_Inode, int] = {}
"""Open for writing; never closed."""

_asked: dict[_Inode, int] = {}
"""Open for reading, by those that ask for the lock or read the whole file; never closed."""

_locked: set[_Inode] = set()
"""Locked by this process: a second lock on the same open file description would succeed."""


class LedgerLock:
    """The lock that this process holds on a ledger."""

    def __init__(self, path: Path, inode: _Inode) -> None:
        self._path = path
        self._inode = inode

    def is_in_place(self) -> bool:
        """Return whether the locked file is still the one at the ledger's path. Raises OSError."""
        try:
            return _inode_of(os.stat(self._path)) == self._inode
        except FileNotFoundError:
            return False


@contextmanager
def exclusive_lock(ledger: Path) -> Iterator[LedgerLock]:
    """Hold the lock of a ledger, which has to exist. Open its connections inside.

    Raises LedgerBusyError when another process holds it, LedgerDiskError when it cannot be opened.
    """
    inode = _open(ledger)
    if inode in _locked or not _set(inode, fcntl.F_WRLCK):
        raise LedgerBusyError(str(ledger), _holder(inode))
    _locked.add(inode)
    try:
        yield LedgerLock(ledger, inode)
    finally:
        _locked.remove(inode)
        _set(inode, fcntl.F_UNLCK)


def is_in_use(ledger: Path) -> bool:
    """Return whether another process holds the lock, without taking it.

    Raises OSError when the file cannot be opened.
    """
    found = fcntl.fcntl(_reader(ledger), fcntl.F_OFD_GETLK, _flock(fcntl.F_WRLCK))
    return bool(_FLOCK.unpack(found)[0] != fcntl.F_UNLCK)


def read_through(ledger: Path) -> None:
    """Read the whole file and its WAL; raise OSError if the disk cannot."""
    descriptor, offset = _reader(ledger), 0
    while chunk := os.pread(descriptor, _CHUNK, offset):
        offset += len(chunk)
    with suppress(FileNotFoundError), open(f"{ledger}-wal", "rb", buffering=0) as wal:
        while wal.read(_CHUNK):
            pass


def _reader(ledger: Path) -> int:
    inode = _inode_of(os.stat(ledger))
    if inode not in _asked:
        descriptor = os.open(ledger, os.O_RDONLY | os.O_CLOEXEC)
        inode = _inode_of(os.fstat(descriptor))
        _asked[inode] = descriptor
    return _asked[inode]


def _open(ledger: Path) -> _Inode:
    try:
        inode = _inode_of(os.stat(ledger))
        if inode not in _descriptors:
            descriptor = os.open(ledger, os.O_RDWR | os.O_CLOEXEC)
            inode = _inode_of(os.fstat(descriptor))
            _descriptors[inode] = descriptor
    except OSError as error:
        why = (error.strerror or str(error)).lower()
        raise LedgerDiskError(
            f"cannot open {ledger}: {why}; `syncd check` shows what to do"
        ) from None
    return inode


def _set(inode: _Inode, kind: int) -> bool:
    try:
        fcntl.fcntl(_descriptors[inode], fcntl.F_OFD_SETLK, _flock(kind))
    except BlockingIOError:
        return False
    return True


def _flock(kind: int) -> bytes:
    return _FLOCK.pack(kind, os.SEEK_SET, _OFFSET, 1, 0)


def _inode_of(found: os.stat_result) -> _Inode:
    return found.st_dev, found.st_ino


def _holder(inode: _Inode) -> int | None:
    """Return the id of the process that holds the lock; None where /proc does not show it."""
    if inode in _locked:
        return os.getpid()
    device = f"{os.major(inode[0]):02x}:{os.minor(inode[0]):02x}:{inode[1]} {_OFFSET} "
    for process in filter(str.isdigit, os.listdir("/proc")):
        try:
            numbers = os.listdir(f"/proc/{process}/fdinfo")
            for number in numbers:
                with open(f"/proc/{process}/fdinfo/{number}", encoding="ascii") as file:
                    if any(line.startswith("lock:") and device in line for line in file):
                        return int(process)
        except OSError:  # another user's process, or one that has just ended
            continue
    return None
