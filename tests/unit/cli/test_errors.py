"""The end of a command by an error: its exit code, reason and remedy."""

import errno
import os
import sqlite3
from contextlib import closing

import pytest

from syncd.cli.errors import _SYSTEM, Exit, ending_of
from syncd.ledger.errors import (
    LedgerBusyError,
    LedgerError,
    LedgerUnusableError,
)


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (LedgerUnusableError("l.db is damaged"), Exit.LEDGER_UNFIT),
        (LedgerBusyError("l.db", 12), Exit.LEDGER_BUSY),
        (LedgerError("l.db is odd"), Exit.SYSTEM),
    ],
)
def test_an_error_of_the_ledger_has_its_own_exit_code_and_remedy(
    error: LedgerError, code: Exit
) -> None:
    ending = ending_of(error)
    assert (ending.code, ending.why) == (code, str(error))
    assert not ending.crashed


@pytest.mark.parametrize("number", _SYSTEM, ids=errno.errorcode.get)
def test_an_error_of_the_system_is_reported_with_its_file(number: int) -> None:
    ending = ending_of(OSError(number, os.strerror(number), b"/srv/\xff"))
    assert ending.code is Exit.SYSTEM
    assert ending.why == f"{os.strerror(number)}: /srv/\udcff"
    assert ending.remedy


@pytest.mark.parametrize(
    ("error", "remedy"),
    [(MemoryError(), "MemoryMax="), (RuntimeError("can't start new thread"), "TasksMax=")],
    ids=repr,
)
def test_a_limit_of_memory_or_threads_is_an_error_of_the_system(
    error: Exception, remedy: str
) -> None:
    ending = ending_of(error)
    assert ending.code is Exit.SYSTEM
    assert remedy in ending.remedy


@pytest.mark.parametrize(
    "error",
    [KeyError("x"), OSError("odd"), OSError(errno.EBADF, "Bad file descriptor"), RuntimeError()],
    ids=repr,
)
def test_any_other_error_is_a_bug(error: Exception) -> None:
    ending = ending_of(error)
    assert ending.crashed
    assert ending.why.startswith("unexpected error")
    assert type(error).__name__ not in ending.why


def test_a_wrong_sql_statement_is_a_bug() -> None:
    with (
        closing(sqlite3.connect(":memory:")) as db,
        pytest.raises(sqlite3.OperationalError) as caught,
    ):
        db.execute("SELECT nothing")
    assert ending_of(caught.value).crashed


def test_a_group_with_one_unexpected_error_is_a_bug() -> None:
    full = OSError(errno.ENOSPC, "No space left on device")
    assert ending_of(ExceptionGroup("a", [ExceptionGroup("b", [full]), full])).code is Exit.SYSTEM
    mixed = ending_of(ExceptionGroup("a", [full, ExceptionGroup("b", [KeyError("x")])]))
    assert (mixed.code, mixed.why) == (Exit.CRASHED, "unexpected error: 'x'")
