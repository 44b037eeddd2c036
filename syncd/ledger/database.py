"""The connections to SQLite: grouped writes and short reads, each on a thread of its own.

No other module uses aiosqlite.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import aiosqlite
import msgspec

from syncd.ledger import schema
from syncd.ledger.age import AgeClock, recorded
from syncd.ledger.disk_errors import message_of
from syncd.ledger.errors import LedgerDiskError, LedgerReplacedError
from syncd.ledger.file import (
    begin,
    check_file,
    connect_reader,
    connect_writer,
    create,
    translated_errors,
)
from syncd.ledger.lock import LedgerLock, exclusive_lock
from syncd.ledger.statements import Read, Write, read
from syncd.model import Moment

T = TypeVar("T")


class _Connection(aiosqlite.Connection):
    """A connection whose waiting writes share a commit.

    One function on the connection's thread runs all writes that wait: a cancelled caller never
    leaves a transaction open, and each write happens as a whole or not at all.
    """

    def __init__(self, connector: Callable[[Path], sqlite3.Connection], path: Path) -> None:
        super().__init__(partial(connector, path), iter_chunk_size=64)
        self._path = path
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
            statements = [statement for statement, _ in batch]
            outcomes = _run_all(self._conn, self._path, statements)
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


def _run_all(db: sqlite3.Connection, path: Path, statements: Sequence[Write[Any]]) -> list[Outcome]:
    """Run all statements in one transaction, or each in its own if one of them fails.

    An error of the disk, or a lock, is about all of them.
    """
    try:
        return [Outcome(result) for result in _run_in_transaction(db, path, statements)]
    except BaseException as error:  # noqa: BLE001  each caller raises it
        if len(statements) == 1 or isinstance(error, sqlite3.OperationalError):
            return [Outcome(error=error)] * len(statements)
    return [outcome for statement in statements for outcome in _run_all(db, path, [statement])]


def _run_in_transaction(
    db: sqlite3.Connection, path: Path, statements: Sequence[Write[Any]]
) -> list[Any]:
    """Run all statements in one transaction and return their results, or run none."""
    begin(db, path)
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

    async def version(self) -> int:
        """Return a number that changes with each commit, of this process or another."""
        return await self._reader.read(_data_version())

    async def data_version(self) -> int:
        """Return a number that changes when another process has written to the ledger.

        Raises LedgerReplacedError when another file, or none, is at its path, LedgerDiskError when
        the disk does not show which.
        """
        try:
            is_in_place = self._lock is None or self._lock.is_in_place()
        except OSError as error:
            raise LedgerDiskError(message_of(self.path, error)) from None
        if not is_in_place:
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
    with translated_errors(path):
        try:
            if not schema.exists(path):
                create(path)
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
    with translated_errors(path):
        check_file(path)
        writer = _Connection(connect_writer, path)
        reader = _Connection(connect_reader, path)
        async with writer:
            async with reader:
                clock = AgeClock(await reader.read(recorded()))
                yield Ledger(path, writer, reader, lock=lock, age=clock)
            await writer.execute("PRAGMA optimize")
