"""The file of a ledger: how it is checked, opened for one command, and created.

A module of its own, because commands that only read the ledger need no asyncio.
"""

from __future__ import annotations

import fcntl
import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

from syncd.ledger import requests, schema
from syncd.ledger.disk_errors import code_of, disk_message
from syncd.ledger.errors import (
    LedgerBusyError,
    LedgerDiskError,
    LedgerError,
    LedgerReplacedError,
    LedgerUnusableError,
    flatten,
)
from syncd.ledger.reader import BUSY, address_of, connect

_WAL_PAGES = 4000
"""Pages of 4 KiB that the WAL collects before a checkpoint. Digests arrive in random order, so that
the same pages change repeatedly: with 1000 pages, writing needs a sixth more CPU time."""

_SAMPLE = 400
"""Rows of an index that are read for its statistics (sqlite.org/lang_analyze.html). Without a
limit, each closing reads whole tables, which takes 0.6 s for 1,000,000 files."""

_CACHE = 4096  # KiB of pages that the writer keeps in memory


@contextmanager
def reading(path: Path, oldest: int = schema.VERSION) -> Iterator[sqlite3.Connection]:
    """Open the ledger, of the layout `oldest` or a newer one, for reads; a daemon may be running.

    Raises FileNotFoundError for a missing ledger, LedgerUnusableError as `open_ledger` does.
    """
    if not schema.exists(path):
        raise FileNotFoundError(f"there is no ledger at {path} yet; `syncd run` creates it")
    check_file(path, oldest)
    with translated_errors(path), closing(connect_reader(path, oldest)) as db:
        yield db


@contextmanager
def changing(path: Path) -> Iterator[sqlite3.Connection]:
    """Open the ledger for one short transaction, which a running daemon notices within a second.

    Raises what `reading` raises.
    """
    with maintaining(path) as db:
        begin(db, path)
        yield db
        requests.add()(db)
        db.execute("COMMIT")


@contextmanager
def maintaining(path: Path) -> Iterator[sqlite3.Connection]:
    """Open the ledger for work on its file, outside a transaction; raises what `reading` raises."""
    with reading(path):
        pass
    with translated_errors(path), closing(connect_writer(path)) as db:
        yield db


def begin(db: sqlite3.Connection, path: Path, oldest: int = schema.VERSION) -> None:
    """Begin a transaction that writes.

    Raises LedgerUnusableError if a newer syncd has migrated the ledger since it was opened.
    """
    db.execute("BEGIN IMMEDIATE")
    try:
        schema.check_version(db, path, oldest)
    except BaseException:
        db.execute("ROLLBACK")
        raise


def check_file(path: Path, oldest: int = schema.VERSION) -> None:
    """Raise LedgerUnusableError after reads only, before anything could write to the file."""
    schema.check_sqlite_version(sqlite3.sqlite_version_info)
    schema.check_header(path)
    if schema.exists(path):
        with translated_errors(path), closing(connect_reader(path, oldest)) as db:
            schema.read_first_rows()(db)


def connect_reader(path: Path, oldest: int = schema.VERSION) -> sqlite3.Connection:
    """Return a read-only connection, which may be handed to another thread."""
    db = connect(address_of(path))
    try:
        schema.check_version(db, path, oldest)
    except BaseException:
        db.close()
        raise
    return db


def connect_writer(path: Path, oldest: int = schema.VERSION) -> sqlite3.Connection:
    """Return a connection that may write, and be handed to another thread."""
    if not schema.exists(path):
        create(path)
    # SQLite gives the WAL and its index the mode of the ledger.
    db = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=BUSY)
    try:
        schema.check_version(db, path, oldest)
        db.execute("PRAGMA journal_mode = WAL")  # a restored backup has a rollback journal
        db.execute("PRAGMA synchronous = FULL")
        db.execute(f"PRAGMA wal_autocheckpoint = {_WAL_PAGES}")
        db.execute(f"PRAGMA cache_size = -{_CACHE}")
        db.execute(f"PRAGMA analysis_limit = {_SAMPLE}")
        db.execute("PRAGMA foreign_keys = ON")
        db.execute("PRAGMA temp_store = MEMORY")
        schema.create(db)
    except BaseException:
        db.close()
        raise
    return db


def create(path: Path) -> None:
    """Create a new ledger under another name first: a crash leaves a complete ledger or none.

    The header is then in the file itself, where `check_header` reads it, and not only in a WAL.
    A symbolic link is kept: its target is created.
    """
    path = Path(os.path.realpath(path))
    new = path.with_name(path.name + ".new")
    # Not through a link: in a directory of others it could lead to a file that is then emptied.
    flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
    descriptor = os.open(new, flags, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)  # another process may be creating the ledger
        if not schema.exists(path):
            os.ftruncate(descriptor, 0)  # a crash may have left a part
            for of in (new, path):  # SQLite would apply them to the new ledger
                for end in ("-journal", "-wal", "-shm"):
                    of.with_name(of.name + end).unlink(missing_ok=True)
            with closing(sqlite3.connect(new, isolation_level=None)) as db:
                schema.create(db)
                db.execute("PRAGMA journal_mode = WAL")
            new.replace(path)
    finally:
        new.unlink(missing_ok=True)
        os.close(descriptor)


_CORRUPT = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}

_NOT_UTF_8 = "Could not decode to UTF-8"
"""The beginning of an error of Python's sqlite3, which has no code of SQLite."""

_LOCKED = {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}


@contextmanager
def translated_errors(path: Path) -> Iterator[None]:
    """Raise SQLite's errors, also those in exception groups, as a LedgerError."""
    existed = schema.exists(path)
    try:
        yield
    except (sqlite3.DatabaseError, ExceptionGroup) as error:
        kinds = {
            getattr(one, "sqlite_errorcode", 0): one
            for one in flatten(error)
            if isinstance(one, sqlite3.DatabaseError)
        }
        found = [_translate(one, path) for one in kinds.values()]
        known = [one for one in found if one is not None]
        if not known:
            raise
        with suppress(OSError):  # the disk fails in this as well
            if existed and not schema.exists(path):  # whatever the other errors say
                raise LedgerReplacedError(str(path)) from None
        # Damage first: it may have caused the other errors.
        raise next((e for e in known if isinstance(e, LedgerUnusableError)), known[0]) from None


def _translate(error: sqlite3.DatabaseError, path: Path) -> LedgerError | None:
    if code_of(error) in _LOCKED:
        return LedgerBusyError(str(path), None)
    if (message := disk_message(path, error)) is not None:
        return LedgerDiskError(message)
    if code_of(error) in _CORRUPT or str(error).startswith(_NOT_UTF_8):
        return LedgerUnusableError(schema.damaged_message(path, str(error)))
    return None
