"""Backups: a copy of the ledger in a file of its own, also made while a daemon works on it.

A backup is marked by its journal mode: it has a rollback journal, whereas a ledger that syncd has
opened for writing has a WAL, also after syncd has stopped. A backup that is restored and used is
thereby a ledger again.
"""

from __future__ import annotations

import errno
import os
import sqlite3
import tempfile
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from syncd.ledger import schema
from syncd.ledger.disk_errors import cause_of, code_of, is_about_writing
from syncd.ledger.errors import LedgerUnusableError
from syncd.ledger.file import reading
from syncd.ledger.lock import is_in_use

Progress = Callable[[float], None]
"""Called with the share that has been copied, from 0 to 1."""

STEP = 2000
"""Pages of 4 KiB that are copied between two calls of the progress callback."""


class BackupError(Exception):
    """The backup's path exists, and must not be overwritten for the reason in the message."""


def back_up(path: Path, to: Path, progress: Progress, step: int = STEP) -> None:
    """Copy a ledger as it is at one moment, whole or not at all, readable by its owner only.

    `progress` is called after every `step` pages.

    Raises BackupError when the path exists already, LedgerUnusableError when the ledger is
    damaged, FileNotFoundError when the ledger is missing, OSError when the copy cannot be written.
    """
    if os.path.lexists(to):
        raise BackupError(f"{to} exists already; add --replace to overwrite an older backup")

    def put(copy: Path) -> None:
        try:
            os.close(os.open(to, os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
        except FileExistsError:
            raise BackupError(f"{to} was created by another process meanwhile") from None
        copy.replace(to)

    _copy(path, to, progress, put, step)


def replace_backup(path: Path, to: Path, progress: Progress) -> None:
    """Copy a ledger as `back_up` does, over an older backup, which is kept until then.

    Raises what `back_up` raises, and BackupError for a file that is not a backup, or is a ledger
    in use.
    """
    if os.path.lexists(to):
        _require_backup(to)
    _copy(path, to, progress, lambda copy: os.replace(copy, to))


def _require_backup(to: Path) -> None:
    if to.is_symlink() or not to.is_file():
        raise BackupError(f"{to} is not a regular file; name another file")
    try:
        schema.check_header(to)
    except LedgerUnusableError:
        raise BackupError(f"{to} is not a backup of a ledger; name another file") from None
    # A backup has none of these, and SQLite would apply an old WAL to the new backup.
    for end in ("-wal", "-shm"):
        if os.path.lexists(f"{to}{end}"):
            raise BackupError(f"{to} is in use as a ledger ({to}{end} exists); name another file")
    if is_in_use(to):
        raise BackupError(f"{to} is in use as a ledger; name another file")
    if not _is_marked(to):
        raise BackupError(f"{to} is a ledger, not a backup of one; name another file")


def _copy(
    path: Path,
    to: Path,
    progress: Progress,
    put: Callable[[Path], None],
    step: int = STEP,
) -> None:
    with reading(path, schema.OLDEST) as ledger:  # also before a migration
        write_copy(ledger, to, progress, put, step)


def write_copy(
    ledger: sqlite3.Connection,
    to: Path,
    progress: Progress,
    put: Callable[[Path], None],
    step: int = STEP,
) -> None:
    """Write a verified copy of an open ledger under another name, which `put` changes to `to`.

    Raises LedgerUnusableError when the ledger is damaged, OSError when it cannot be written.
    """
    descriptor, name = tempfile.mkstemp(prefix=f".{to.name}.", dir=to.parent)  # with mode 0600
    copy = Path(name)
    try:
        try:
            _fill(ledger, copy, progress, step)
        except sqlite3.DatabaseError as error:
            _raise_if_of_copy(error, copy)
            raise
        if not _is_sound(copy):
            (_, _, path), *_ = ledger.execute("PRAGMA database_list")
            raise LedgerUnusableError(schema.damaged_message(Path(path)))
        os.fsync(descriptor)
        put(copy)
    finally:
        os.close(descriptor)
        copy.unlink(missing_ok=True)
    _sync_directory(to.parent)


def _fill(ledger: sqlite3.Connection, copy: Path, progress: Progress, step: int) -> None:
    with closing(sqlite3.connect(copy, isolation_level=None)) as target:
        target.execute("PRAGMA journal_mode = OFF")  # a partial copy is deleted
        target.execute("PRAGMA synchronous = OFF")
        # One read transaction for the whole copy: without it, each write restarts the backup.
        ledger.execute("BEGIN")
        try:
            ledger.execute("SELECT count(*) FROM sqlite_schema").fetchone()
            ledger.backup(
                target,
                pages=step,
                progress=lambda _, left, pages: progress(1 - left / max(1, pages)),
            )
        finally:
            ledger.execute("ROLLBACK")
        target.execute("PRAGMA journal_mode = DELETE")


def _raise_if_of_copy(error: sqlite3.DatabaseError, copy: Path) -> None:
    """Raise OSError for an error of writing: the ledger is only read."""
    if code_of(error) == sqlite3.SQLITE_FULL:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(copy)) from None
    if is_about_writing(error):
        raise cause_of(copy, error) or OSError(errno.EIO, os.strerror(errno.EIO), str(copy))


def _is_marked(file: Path) -> bool:
    """Return whether the header says that there is no WAL (sqlite.org/fileformat2.html, 1.3)."""
    with file.open("rb") as opened:
        return opened.read(20)[18:] == b"\1\1"


def _is_sound(copy: Path) -> bool:
    """Return whether SQLite finds a copy sound; an older backup is only replaced by such a one."""
    # No process writes to the copy: immutable=1 makes SQLite create no WAL.
    where = f"{copy.absolute().as_uri()}?immutable=1"
    with closing(sqlite3.connect(where, uri=True)) as db:
        try:
            return bool(db.execute("PRAGMA quick_check(1)").fetchone() == ("ok",))
        except sqlite3.DatabaseError:
            return False


def _sync_directory(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
