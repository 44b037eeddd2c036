"""The reasons for which a disk fails a ledger, in the operator's words.

SQLite has few codes for them: a quota that is full is an input/output error to it, a limit of open
files a file that cannot be opened, and a sector that cannot be read a damaged database. The system
is therefore asked again, by the operations that have failed.
"""

from __future__ import annotations

import errno
import os
import sqlite3
import tempfile
from contextlib import suppress
from pathlib import Path

from syncd.ledger.lock import read_through

ROOM = 32
"""MB of free space with which the ledger works again: twice its WAL, and what SQLite writes at a
start."""

NOTHING_LOST = "nothing that was recorded is lost, and the next start continues from there"

_FULL = f"the disk or a quota is full; make room, at least {ROOM} MB"
_READ_ONLY = (
    "it cannot be written; check the owners and the modes of the file and of its directory, and"
    " whether its file system is mounted read-only"
)
_CLOSED = "it cannot be opened; check the owners and the modes of the file and of its directory"
_FAILING = "the disk reports an input/output error; check the system's log"
_OPEN_FILES = (
    "syncd has too many files open; allow it more (LimitNOFILE= in its unit, or ulimit -n)"
)

_BY_CODE = {
    sqlite3.SQLITE_FULL: _FULL,
    sqlite3.SQLITE_IOERR: _FAILING,
    sqlite3.SQLITE_READONLY: _READ_ONLY,
    sqlite3.SQLITE_CANTOPEN: f"{_CLOSED}; or allow syncd more open files (LimitNOFILE=)",
}
"""Messages for SQLite's result codes about the disk (sqlite.org/rescode.html)."""

_BY_ERRNO = {
    errno.ENOSPC: _FULL,
    errno.EDQUOT: _FULL,
    errno.EFBIG: "the disk takes no larger file; raise the limit (LimitFSIZE= in the unit, or"
    " ulimit -f)",
    errno.EROFS: _READ_ONLY,
    errno.EACCES: _CLOSED,
    errno.EPERM: _CLOSED,
    errno.EMFILE: _OPEN_FILES,
    errno.ENFILE: _OPEN_FILES,
    errno.EIO: _FAILING,
}

_AMBIGUOUS = {
    sqlite3.SQLITE_IOERR,
    sqlite3.SQLITE_CANTOPEN,
    sqlite3.SQLITE_CORRUPT,
    sqlite3.SQLITE_NOTADB,
}
"""Codes with several causes: SQLITE_CORRUPT is also that of a sector that cannot be read."""

_READS = {sqlite3.SQLITE_IOERR_READ, sqlite3.SQLITE_IOERR_SHORT_READ}

_PROBE = 2**20
"""Bytes that are written to learn why a write has failed: more than a nearly full quota takes."""


def code_of(error: sqlite3.DatabaseError) -> int:
    """Return SQLite's primary result code."""
    return getattr(error, "sqlite_errorcode", 0) & 0xFF


def disk_message(path: Path, error: sqlite3.DatabaseError) -> str | None:
    """Return the message for an error of the disk that the ledger is on; None for another error.

    Reads the file, and writes another one next to it.
    """
    code = code_of(error)
    cause = cause_of(path, error) if code in _AMBIGUOUS else None
    if cause is not None:
        return message_of(path, cause)
    return f"{path}: {_BY_CODE[code]}; {NOTHING_LOST}" if code in _BY_CODE else None


def message_of(path: Path, cause: OSError) -> str:
    """Return the message for an error of the system at the ledger."""
    why = _BY_ERRNO.get(cause.errno or 0)
    if why is None:
        why = (
            f"the disk or file server reports: {(cause.strerror or str(cause)).lower()};"
            " check its mount and the system's log"
        )
    return f"{path}: {why}; {NOTHING_LOST}"


def cause_of(path: Path, error: sqlite3.DatabaseError) -> OSError | None:
    """Return the error of the system behind an error of SQLite; None if it has passed."""
    try:
        os.close(os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC))
        with suppress(FileNotFoundError):  # it is being created
            read_through(path)
        if is_about_writing(error):
            with tempfile.TemporaryFile(dir=path.parent) as probe:
                probe.write(bytes(_PROBE))
                probe.flush()
                os.fsync(probe.fileno())
    except OSError as cause:
        return cause
    return None


def is_about_writing(error: sqlite3.DatabaseError) -> bool:
    """Return whether an error of the disk may be one of a write."""
    return code_of(error) == sqlite3.SQLITE_IOERR and error.sqlite_errorcode not in _READS
