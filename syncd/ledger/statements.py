"""The types of the ledger's statements, `Read` and `Write`, and the decorators that make them.

A statement is written as a function whose first parameter is the connection:

    @read
    def tier(db: sqlite3.Connection, account: AccountId) -> str | None: ...

Called without the connection, `tier(account)` returns a `Read[str | None]` that has not run yet.
`await ledger.read(tier(account))` runs it on the ledger's thread, `tier(account)(db)` on a
connection of the caller's own.
"""

from __future__ import annotations

import functools
import sqlite3
from collections.abc import Callable, Sequence
from itertools import chain
from typing import Any, Concatenate, Generic, ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")

MOST_VARIABLES = 30_000  # of one statement; SQLite takes 32,766
T_co = TypeVar("T_co", covariant=True)


class ValueOfDamageError(sqlite3.DatabaseError):
    """The ledger has a value that syncd never writes: a text that is not UTF-8, an unknown code."""

    sqlite_errorcode = sqlite3.SQLITE_CORRUPT


class Read(Generic[T_co]):
    """A statement that only reads, with its arguments."""

    __slots__ = ("_run",)

    def __init__(self, run: Callable[[sqlite3.Connection], T_co]) -> None:
        self._run = run

    def __call__(self, db: sqlite3.Connection) -> T_co:
        """Run the statement on the calling thread; raise ValueOfDamageError."""
        try:
            return self._run(db)
        except ValueError as error:
            raise ValueOfDamageError(str(error)) from error


class Write(Generic[T_co]):
    """A statement that changes the ledger, with its arguments; it runs inside a transaction."""

    __slots__ = ("_run",)

    def __init__(self, run: Callable[[sqlite3.Connection], T_co]) -> None:
        self._run = run

    def __call__(self, db: sqlite3.Connection) -> T_co:
        """Run the statement in the caller's transaction; raise ValueOfDamageError."""
        try:
            return self._run(db)
        except ValueError as error:
            raise ValueOfDamageError(str(error)) from error


def read(run: Callable[Concatenate[sqlite3.Connection, P], T]) -> Callable[P, Read[T]]:
    """Make a function of a connection and arguments a statement that only reads."""

    @functools.wraps(run)
    def bind(*args: P.args, **kwargs: P.kwargs) -> Read[T]:
        return Read(lambda db: run(db, *args, **kwargs))

    return bind


def write(run: Callable[Concatenate[sqlite3.Connection, P], T]) -> Callable[P, Write[T]]:
    """Make a function of a connection and arguments a statement that changes the ledger."""

    @functools.wraps(run)
    def bind(*args: P.args, **kwargs: P.kwargs) -> Write[T]:
        return Write(lambda db: run(db, *args, **kwargs))

    return bind


def all_of(writes: Sequence[Write[T]]) -> Write[list[T]]:
    """Return one statement that runs all of these in order and returns their results."""
    return Write(lambda db: [statement(db) for statement in writes])


def write_rows(
    db: sqlite3.Connection, statement: str, rows: Sequence[Sequence[Any]], *constants: Any
) -> int:
    """Write all rows with one INSERT, in place of its `{rows}`; return how many it has written.

    The statement names the constants as ?1, ?2 and so on. Each step of a statement releases the
    GIL. With `executemany`, which makes a step for each row, a backfill of tiny images takes a
    tenth more CPU.
    """
    if not rows:
        return 0
    one = f"({','.join('?' * len(rows[0]))})"
    at_once, written = MOST_VARIABLES // len(rows[0]), 0
    for first in range(0, len(rows), at_once):
        some = rows[first : first + at_once]
        marks = ",".join([one] * len(some)).replace("?", f"?{len(constants) + 1}", 1)
        parameters = (*constants, *chain.from_iterable(some))
        written += db.execute(statement.format(rows=marks), parameters).rowcount
    return written


def full_path(path: str) -> str:
    """Return an expression for the whole path of a file, from that relative to its `folder`."""
    return f"CAST(rtrim(folder.path, '/') || '/' || {path} AS BLOB)"


def as_structs(rows: sqlite3.Cursor, struct: Callable[..., T]) -> list[T]:
    """Return each row as a struct whose fields are named like the columns."""
    names = [column for column, *_ in rows.description]
    return [struct(**dict(zip(names, row, strict=True))) for row in rows]
