"""A copy of the ledger in a file of its own, made while a daemon works on it."""

from __future__ import annotations

import os
import sqlite3
import tempfile
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from syncd.ledger import schema
from syncd.ledger.database import as_it_is
from syncd.ledger.errors import LedgerUnfit

Told = Callable[[float], None]
"""Hears how much is done, from 0 to 1."""

_STEP = 2000  # pages from one word to the next: 8 MB


class BackupRefused(Exception):
    """Something stands under the backup's name that is not to be overwritten; the message says."""


def back_up(path: Path, to: Path, told: Told) -> None:
    """Copy a ledger as it is at one moment, whole or not at all, for nobody else to read.

    Raises BackupRefused when anything is there already, LedgerUnfit when the ledger is damaged,
    FileNotFoundError when there is none, OSError when the copy cannot be written.
    """
    if os.path.lexists(to):
        raise BackupRefused(f"{to} is there already; --replace writes over an older backup")

    def put(copy: Path) -> None:
        try:
            os.close(os.open(to, os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
        except FileExistsError:
            raise BackupRefused(f"{to} has come to be meanwhile") from None
        copy.replace(to)

    _copy(path, to, told, put)


def replace_backup(path: Path, to: Path, told: Told) -> None:
    """Copy a ledger as `back_up` does, over an older backup, which stays until that is done.

    Raises as `back_up` does, BackupRefused for what is no backup, or is in use as a ledger.
    """
    if os.path.lexists(to):
        _refuse_other_than_backup(to)
    _copy(path, to, told, lambda copy: os.replace(copy, to))


def _refuse_other_than_backup(to: Path) -> None:
    if to.is_symlink() or not to.is_file():
        raise BackupRefused(f"{to} is no regular file")
    try:
        schema.refuse_foreign(to)
    except LedgerUnfit:
        raise BackupRefused(f"{to} is no backup of a ledger; name another file") from None
    # A backup has none of them; and what a WAL has would be taken for the new one's.
    for end in ("-wal", "-shm", ".lock"):
        if os.path.lexists(f"{to}{end}"):
            raise BackupRefused(f"{to} is in use as a ledger ({to}{end} is there)")


def _copy(path: Path, to: Path, told: Told, put: Callable[[Path], None]) -> None:
    descriptor, name = tempfile.mkstemp(prefix=f".{to.name}.", dir=to.parent)  # with mode 0600
    copy = Path(name)
    try:
        with as_it_is(path) as ledger:
            _fill(ledger, copy, told)
        if not _is_whole(copy):
            raise LedgerUnfit(schema.damaged(path))
        os.fsync(descriptor)
        put(copy)
    finally:
        os.close(descriptor)
        copy.unlink(missing_ok=True)
    _sync_directory(to.parent)


def _fill(ledger: sqlite3.Connection, copy: Path, told: Told) -> None:
    with closing(sqlite3.connect(copy, isolation_level=None)) as target:
        target.execute("PRAGMA journal_mode = OFF")  # what is not whole is thrown away
        target.execute("PRAGMA synchronous = OFF")
        # One read from beginning to end: a backup that lets go begins again at every write.
        ledger.execute("BEGIN")
        try:
            ledger.execute("SELECT count(*) FROM sqlite_schema").fetchone()
            ledger.backup(
                target, pages=_STEP, progress=lambda _, left, pages: told(1 - left / max(1, pages))
            )
        finally:
            ledger.execute("ROLLBACK")


def _is_whole(copy: Path) -> bool:
    """Tell whether a copy is any good: an older backup is not given away for one that is not."""
    # Nobody writes to it, so that SQLite needs no WAL, and leaves none.
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
