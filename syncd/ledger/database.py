"""The connection to SQLite, the only module that knows aiosqlite: grouped writes, short reads."""

from __future__ import annotations

import asyncio
import os
import sqlite3
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, closing, contextmanager
from pathlib import Path
from typing import Any, TypeVar

import aiosqlite

from syncd.ledger import schema
from syncd.ledger.errors import LedgerBusy, LedgerError, LedgerFails, LedgerUnfit, leaves
from syncd.ledger.reader import BUSY, address_of, connect
from syncd.ledger.statements import Read, Write, read

T = TypeVar("T")

_WAL_PAGES = 4000
"""Pages of 4 KiB that the WAL takes before they go to the ledger itself: digests come in no order,
so the same pages change again and again, and 1000 of them cost a sixth more CPU."""

_SAMPLE = 400
"""Rows of an index that are looked at for its statistics (sqlite.org/lang_analyze.html): without a
limit, each closing reads the tables whole, 0.6 s for 1,000,000 files."""

_CACHE = 4096  # KiB of pages that the writer keeps


class _Connection(aiosqlite.Connection):
    """A connection whose waiting changes share a commit.

    What callers wait for is taken together by one function on the connection's thread; so a
    cancelled caller never leaves a transaction open, and a change is done whole or not at all.
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
            results: list[Any] | BaseException
            try:
                results = _together(self._conn, [statement for statement, _ in batch])
            except BaseException as error:  # noqa: BLE001  their callers raise it
                results = error
            loop.call_soon_threadsafe(self._committed, batch, results)

        self._tx.put_nowait((None, commit))

    def _committed(
        self,
        batch: list[tuple[Write[Any], asyncio.Future[Any]]],
        results: list[Any] | BaseException,
    ) -> None:
        for i, (_, future) in enumerate(batch):
            if future.done():  # its caller was cancelled; the change stands all the same
                continue
            if isinstance(results, BaseException):
                future.set_exception(results)
            else:
                future.set_result(results[i])
        self._committing = False
        if self._waiting:
            self._commit_waiting()

    async def read(self, statement: Read[T]) -> T:
        result: T = await self._execute(  # type: ignore[no-untyped-call]  # aiosqlite types it not
            lambda: statement(self._conn)
        )
        return result


def _together(db: sqlite3.Connection, statements: Sequence[Write[Any]]) -> list[Any]:
    """Make changes in one transaction: all of them, or none."""
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
    """The open ledger: `write` changes facts, `read` reads them, each on a thread of its own."""

    def __init__(self, path: Path, writer: _Connection, reader: _Connection) -> None:
        self.path = path
        self._writer = writer
        self._reader = reader

    async def write(self, statement: Write[T]) -> T:
        """Make a change durable; changes that wait at the same time share one commit."""
        return await self._writer.write(statement)

    async def read(self, statement: Read[T]) -> T:
        """Answer a question from what has been committed."""
        return await self._reader.read(statement)

    async def version_of_others(self) -> int:
        """Return a number that changes when another process has changed the ledger."""
        return await self._writer.read(_data_version())


@read
def _data_version(db: sqlite3.Connection) -> int:
    (version,) = db.execute("PRAGMA data_version").fetchone()
    return int(version)


@asynccontextmanager
async def open_ledger(
    path: Path, progress: Callable[[], None] = lambda: None
) -> AsyncIterator[Ledger]:
    """Open the ledger for work, making or migrating it first. The caller holds the lock.

    `progress` is called, from a thread, again and again while that goes on.
    Raises LedgerUnfit for a file that is corrupt, foreign or newer; that file is not touched.
    Whatever goes wrong with the ledger inside the block comes out as a LedgerError.
    """
    with _errors_named(path):
        _refuse_unfit(path)
        writer = _Connection(lambda: _connect_writer(path, progress))
        reader = _Connection(lambda: connect_reader(path))
        async with writer:
            async with reader:
                yield Ledger(path, writer, reader)
            await writer.execute("PRAGMA optimize")


@contextmanager
def reading(path: Path) -> Iterator[sqlite3.Connection]:
    """Open the ledger for questions alone, beside a daemon that may be running.

    Raises FileNotFoundError when there is none, LedgerUnfit as open_ledger does, LedgerOld.
    """
    with as_it_is(path) as db:
        schema.refuse_older(db, path)
        yield db


@contextmanager
def as_it_is(path: Path) -> Iterator[sqlite3.Connection]:
    """Open the ledger as `reading` does, also one that an older syncd has written."""
    _refuse_absent(path)
    _refuse_unfit(path)
    with _errors_named(path), closing(connect_reader(path)) as db:
        yield db


@contextmanager
def changing(path: Path) -> Iterator[sqlite3.Connection]:
    """Open the ledger for one short change, beside a daemon that may be running.

    Raises as `reading` does.
    """
    with maintaining(path) as db:
        db.execute("BEGIN IMMEDIATE")
        yield db
        db.execute("COMMIT")


@contextmanager
def maintaining(path: Path) -> Iterator[sqlite3.Connection]:
    """Open the ledger for work on the file itself, outside a transaction; raises as `reading`."""
    with reading(path):
        pass
    with _errors_named(path), closing(_connect_writer(path)) as db:
        yield db


def _refuse_absent(path: Path) -> None:
    if not schema.exists(path):
        raise FileNotFoundError(f"there is no ledger at {path} yet; `syncd run` makes it")


def _refuse_unfit(path: Path) -> None:
    """Raise LedgerUnfit by reading alone, before anything could write."""
    schema.refuse_old_sqlite(sqlite3.sqlite_version_info)
    schema.refuse_foreign(path)
    if schema.exists(path):
        with _errors_named(path), closing(connect_reader(path)) as db:
            schema.touch_all(db)


def connect_reader(path: Path) -> sqlite3.Connection:
    """Return a read-only connection for the calling thread, or for one handed to another."""
    db = connect(address_of(path))
    try:
        schema.refuse_newer(db, path)
    except BaseException:
        db.close()
        raise
    return db


def _connect_writer(path: Path, progress: Callable[[], None] = lambda: None) -> sqlite3.Connection:
    if not schema.exists(path):
        _make(path)
    # The WAL and its index take the ledger's own mode.
    db = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=BUSY)
    try:
        schema.refuse_newer(db, path)
        db.execute("PRAGMA synchronous = FULL")
        db.execute(f"PRAGMA wal_autocheckpoint = {_WAL_PAGES}")
        db.execute(f"PRAGMA cache_size = -{_CACHE}")
        db.execute(f"PRAGMA analysis_limit = {_SAMPLE}")
        db.execute("PRAGMA foreign_keys = ON")
        schema.migrate(db, progress)
    except BaseException:
        db.close()
        raise
    return db


def _make(path: Path) -> None:
    """Make a new ledger whole, under another name first: a crash leaves none, or a good one.

    Its header stands in the file itself then, not in a WAL alone, where refuse_foreign reads it.
    """
    new = path.with_name(path.name + ".new")
    for left_over in (new, *(new.with_name(new.name + end) for end in ("-journal", "-wal"))):
        left_over.unlink(missing_ok=True)
    os.close(os.open(new, os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
    with closing(sqlite3.connect(new, isolation_level=None)) as db:
        schema.migrate(db)
        db.execute("PRAGMA journal_mode = WAL")
    new.replace(path)


_CORRUPT = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}

_FAILURES = {
    sqlite3.SQLITE_FULL: "its disk is full, or a quota is; make room",
    sqlite3.SQLITE_IOERR: "its disk answers with an input/output error; look what the system's log"
    " says of it",
    sqlite3.SQLITE_READONLY: "it cannot be written; look whose file it is, and whether its file"
    " system is mounted for reading alone",
    sqlite3.SQLITE_CANTOPEN: "it cannot be opened; look whose files it and its directory are",
}
"""What SQLite says of the disk (sqlite.org/rescode.html), as an operator needs it."""

_NOTHING_LOST = "what it holds is as it was, and the next start goes on from there"
"""For a change is whole or not at all."""

_TAKEN = {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}


@contextmanager
def _errors_named(path: Path) -> Iterator[None]:
    try:
        yield
    except (sqlite3.DatabaseError, ExceptionGroup) as error:
        named = [found for leaf in leaves(error) if (found := _meaning(leaf, path)) is not None]
        if not named:
            raise
        # Damage first: what else went wrong may come of it.
        raise next((e for e in named if isinstance(e, LedgerUnfit)), named[0]) from None


def _meaning(error: BaseException, path: Path) -> LedgerError | None:
    if not isinstance(error, sqlite3.DatabaseError):
        return None
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    if code in _CORRUPT:
        return LedgerUnfit(schema.damaged(path))
    if code in _TAKEN:
        return LedgerBusy(str(path), None)
    if code in _FAILURES:
        return LedgerFails(f"{path}: {_FAILURES[code]}; {_NOTHING_LOST}")
    return None
