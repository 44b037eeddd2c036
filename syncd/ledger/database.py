"""The connections to SQLite: grouped writes and short reads, each on a thread of its own.

No other module uses aiosqlite.
"""

from __future__ import annotations

import asyncio
import fcntl
import os
import sqlite3
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, closing, contextmanager
from pathlib import Path
from typing import Any, TypeVar

import aiosqlite
import msgspec

from syncd.ledger import schema
from syncd.ledger.age import AgeClock, recorded
from syncd.ledger.errors import (
    LedgerBusyError,
    LedgerDiskError,
    LedgerError,
    LedgerReplacedError,
    LedgerUnusableError,
    flatten,
)
from syncd.ledger.lock import LedgerLock, exclusive_lock
from syncd.ledger.reader import BUSY, address_of, connect
from syncd.ledger.statements import Read, Write, read
from syncd.model import Moment

T = TypeVar("T")

_WAL_PAGES = 4000
"""Pages of 4 KiB that the WAL collects before a checkpoint. Digests arrive in random order, so that
the same pages change repeatedly: with 1000 pages, writing needs a sixth more CPU time."""

_SAMPLE = 400
"""Rows of an index that are read for its statistics (sqlite.org/lang_analyze.html). Without a
limit, each closing reads whole tables, which takes 0.6 s for 1,000,000 files."""

_CACHE = 4096  # KiB of pages that the writer keeps in memory


class _Connection(aiosqlite.Connection):
    """A connection whose waiting writes share a commit.

    One function on the connection's thread runs all writes that wait: a cancelled caller never
    leaves a transaction open, and each write happens as a whole or not at all.
    """

    def __init__(self, connector: Callable[[], sqlite3.Connection]) -> None:
        super().__init__(connector, iter_chunk_size=64)
        self._waiting: list[tuple[Write[Any], asyncio.Future[Any]]] = []
        self._committing = False

    async def write(self, statement: Write[T]) -> T:
        if not self._running:
            raise ValueError("the ledger is closed")
        future: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self._waiting.append((statement, future))
        if not self._committing:
            self._commit_waiting()
        return await future

    def _commit_waiting(self) -> None:
        batch, self._waiting = self._waiting, []
        self._committing = True
        loop = asyncio.get_running_loop()

        def commit() -> None:
            outcomes = _run_all(self._conn, [statement for statement, _ in batch])
            loop.call_soon_threadsafe(self._committed, batch, outcomes)

        self._tx.put_nowait((None, commit))

    def _committed(
        self, batch: list[tuple[Write[Any], asyncio.Future[Any]]], outcomes: list[Outcome]
    ) -> None:
        for (_, future), outcome in zip(batch, outcomes, strict=True):
            if future.done():  # its caller was cancelled; the write has happened nevertheless
                continue
            if outcome.error is not None:
                future.set_exception(outcome.error)
            else:
                future.set_result(outcome.result)
        self._committing = False
        if self._waiting:
            self._commit_waiting()

    async def read(self, statement: Read[T]) -> T:
        result: T = await self._execute(  # type: ignore[no-untyped-call]  # untyped in aiosqlite
            lambda: statement(self._conn)
        )
        return result


class Outcome(msgspec.Struct, frozen=True):
    """The result of a write, or the error that it raised."""

    result: Any = None
    error: BaseException | None = None


def _run_all(db: sqlite3.Connection, statements: Sequence[Write[Any]]) -> list[Outcome]:
    """Run all statements in one transaction, or each in its own if one of them fails.

    An error of the disk, or a lock, is about all of them.
    """
    try:
        return [Outcome(result) for result in _run_in_transaction(db, statements)]
    except BaseException as error:  # noqa: BLE001  each caller raises it
        if len(statements) == 1 or isinstance(error, sqlite3.OperationalError):
            return [Outcome(error=error)] * len(statements)
    return [outcome for statement in statements for outcome in _run_all(db, [statement])]


def _run_in_transaction(db: sqlite3.Connection, statements: Sequence[Write[Any]]) -> list[Any]:
    """Run all statements in one transaction and return their results, or run none."""
    db.execute("BEGIN IMMEDIATE")
    try:
        results = [statement(db) for statement in statements]
        db.execute("COMMIT")
    except BaseException:
        if db.in_transaction:
            db.execute("ROLLBACK")
        raise
    return results


class Ledger:
    """An open ledger with one connection that writes and one that reads."""

    def __init__(
        self,
        path: Path,
        writer: _Connection,
        reader: _Connection,
        *,
        lock: LedgerLock | None,
        age: AgeClock,
    ) -> None:
        self.path = path
        self._lock = lock
        self._age = age
        self._writer = writer
        self._reader = reader

    async def write(self, statement: Write[T]) -> T:
        """Run a write and return once it is durable; writes that wait together share a commit."""
        return await self._writer.write(statement)

    async def read(self, statement: Read[T]) -> T:
        """Run a read of what has been committed."""
        return await self._reader.read(statement)

    def now(self) -> Moment:
        """Return this moment by the wall clock and as an age of the ledger."""
        return self._age.now()

    async def data_version(self) -> int:
        """Return a number that changes when another process has written to the ledger.

        Raises LedgerReplacedError when another file, or none, is at its path.
        """
        if self._lock is not None and not self._lock.is_in_place():
            raise LedgerReplacedError(str(self.path))
        return await self._writer.read(_data_version())


@read
def _data_version(db: sqlite3.Connection) -> int:
    (version,) = db.execute("PRAGMA data_version").fetchone()
    return int(version)


@contextmanager
def owned(path: Path) -> Iterator[LedgerLock]:
    """Create the ledger if it is missing, and hold its lock.

    Raises LedgerBusyError when another process holds it, LedgerDiskError when the file cannot be
    created or opened.
    """
    with _translated_errors(path):
        try:
            if not schema.exists(path):
                _create(path)
        except OSError as error:
            why = (error.strerror or str(error)).lower()
            raise LedgerDiskError(f"cannot write {path}: {why}; run `syncd check`") from None
    with exclusive_lock(path) as lock:
        yield lock


@asynccontextmanager
async def open_ledger(path: Path, lock: LedgerLock | None = None) -> AsyncIterator[Ledger]:
    """Open the ledger, after creating it if necessary. The caller holds the lock.

    Raises LedgerUnusableError for a file that is damaged, foreign, or of another version, which it
    does not change.
    SQLite's errors in the body leave it as a LedgerError.
    """
    with _translated_errors(path):
        _check_file(path)
        writer = _Connection(lambda: _connect_writer(path))
        reader = _Connection(lambda: connect_reader(path))
        async with writer:
            async with reader:
                clock = AgeClock(await reader.read(recorded()))
                yield Ledger(path, writer, reader, lock=lock, age=clock)
            await writer.execute("PRAGMA optimize")


@contextmanager
def reading(path: Path) -> Iterator[sqlite3.Connection]:
    """Open the ledger for reads; a daemon may be running.

    Raises FileNotFoundError for a missing ledger, LedgerUnusableError as `open_ledger` does.
    """
    if not schema.exists(path):
        raise FileNotFoundError(f"there is no ledger at {path} yet; `syncd run` creates it")
    _check_file(path)
    with _translated_errors(path), closing(connect_reader(path)) as db:
        yield db


@contextmanager
def changing(path: Path) -> Iterator[sqlite3.Connection]:
    """Open the ledger for one short transaction; a daemon may be running.

    Raises what `reading` raises.
    """
    with maintaining(path) as db:
        db.execute("BEGIN IMMEDIATE")
        yield db
        db.execute("COMMIT")


@contextmanager
def maintaining(path: Path) -> Iterator[sqlite3.Connection]:
    """Open the ledger for work on its file, outside a transaction; raises what `reading` raises."""
    with reading(path):
        pass
    with _translated_errors(path), closing(_connect_writer(path)) as db:
        yield db


def _check_file(path: Path) -> None:
    """Raise LedgerUnusableError after reads only, before anything could write to the file."""
    schema.check_sqlite_version(sqlite3.sqlite_version_info)
    schema.check_header(path)
    if schema.exists(path):
        with _translated_errors(path), closing(connect_reader(path)) as db:
            schema.read_first_rows(db)


def connect_reader(path: Path) -> sqlite3.Connection:
    """Return a read-only connection, which may be handed to another thread."""
    db = connect(address_of(path))
    try:
        schema.check_version(db, path)
    except BaseException:
        db.close()
        raise
    return db


def _connect_writer(path: Path) -> sqlite3.Connection:
    if not schema.exists(path):
        _create(path)
    # SQLite gives the WAL and its index the mode of the ledger.
    db = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=BUSY)
    try:
        schema.check_version(db, path)
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


def _create(path: Path) -> None:
    """Create a new ledger under another name first: a crash leaves a complete ledger or none.

    The header is then in the file itself, where `check_header` reads it, and not only in a WAL.
    """
    new = path.with_name(path.name + ".new")
    descriptor = os.open(new, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)  # another process may be creating the ledger
        if not schema.exists(path):
            os.ftruncate(descriptor, 0)  # a crash may have left a part
            for end in ("-journal", "-wal"):
                new.with_name(new.name + end).unlink(missing_ok=True)
            with closing(sqlite3.connect(new, isolation_level=None)) as db:
                schema.create(db)
                db.execute("PRAGMA journal_mode = WAL")
            new.replace(path)
    finally:
        new.unlink(missing_ok=True)
        os.close(descriptor)


_CORRUPT = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}

_ROOM = 32
"""MB of free space with which the ledger works again: twice its WAL, and what SQLite writes at a
start."""

_DISK_ERRORS = {
    sqlite3.SQLITE_FULL: f"the disk or a quota is full; make room, at least {_ROOM} MB",
    sqlite3.SQLITE_IOERR: "the disk reports an input/output error; check the system's log",
    sqlite3.SQLITE_READONLY: "it cannot be written; check the owner and the mode of the file, and"
    " whether its file system is mounted read-only",
    sqlite3.SQLITE_CANTOPEN: "it cannot be opened; check the owners and the modes of the file and"
    " of its directory",
}
"""Messages for SQLite's result codes about the disk (sqlite.org/rescode.html)."""

_NOTHING_LOST = "nothing that was recorded is lost, and the next start continues from there"

_LOCKED = {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}


@contextmanager
def _translated_errors(path: Path) -> Iterator[None]:
    """Raise SQLite's errors, also those in exception groups, as a LedgerError."""
    existed = schema.exists(path)
    try:
        yield
    except (sqlite3.DatabaseError, ExceptionGroup) as error:
        known = [found for one in flatten(error) if (found := _translate(one, path)) is not None]
        if not known:
            raise
        if existed and not schema.exists(path):  # whatever the other errors say
            raise LedgerReplacedError(str(path)) from None
        # Damage first: it may have caused the other errors.
        raise next((e for e in known if isinstance(e, LedgerUnusableError)), known[0]) from None


def _translate(error: BaseException, path: Path) -> LedgerError | None:
    if not isinstance(error, sqlite3.DatabaseError):
        return None
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    if code in _CORRUPT:
        return LedgerUnusableError(schema.damaged_message(path))
    if code in _LOCKED:
        return LedgerBusyError(str(path), None)
    if code in _DISK_ERRORS:
        return LedgerDiskError(f"{path}: {_DISK_ERRORS[code]}; {_NOTHING_LOST}")
    return None
