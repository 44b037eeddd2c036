"""Migrations that are killed, each at another statement.

`killed LEDGER` migrates copies of a ledger. The first migration is killed at its first statement,
the second at its second one, and so on, until one ends by itself. Each copy is then migrated again,
without a kill. For each it prints the layout and the names of the files after the kill, and again
at the end.
"""

import json
import os
import shutil
import signal
import sqlite3
import sys
import tempfile
from collections.abc import Callable
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any

from syncd.ledger.lock import exclusive_lock
from syncd.ledger.migration import migrate


class Killed(sqlite3.Connection):
    """A connection of a process that ends at its n-th statement, whichever connection runs it.

    The statements before the first transaction, which only read, do not count.
    """

    left = 0
    has_begun = False

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.set_trace_callback(self.count)

    @classmethod
    def count(cls, statement: str) -> None:
        cls.has_begun |= statement == "BEGIN IMMEDIATE"
        cls.left -= cls.has_begun
        if cls.left == 0:
            os.kill(os.getpid(), signal.SIGKILL)


def in_child(work: Callable[[], None]) -> int:
    """Run the work in a child process; return the signal that ended it, or 0."""
    if (child := os.fork()) == 0:
        work()
        os._exit(0)
    status = os.waitpid(child, 0)[1]
    assert os.WIFSIGNALED(status) or status == 0
    return os.WTERMSIG(status) if os.WIFSIGNALED(status) else 0


def migrate_until(ledger: Path, statement: int) -> None:
    connect = sqlite3.connect
    Killed.left = statement
    sqlite3.connect = lambda *args, **options: connect(*args, **options, factory=Killed)  # type: ignore[assignment]  # the standard library's
    migrate_locked(ledger)


def migrate_locked(ledger: Path) -> None:
    with exclusive_lock(ledger):
        migrate(ledger, lambda *_: None)


def show(ledger: Path) -> None:
    """Print the layout of a ledger, and the names of the files next to it."""
    with closing(sqlite3.connect(f"file:{ledger}?mode=ro", uri=True)) as db:
        (version,) = db.execute("PRAGMA user_version").fetchone()
        assert db.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    print(json.dumps([version, sorted(os.listdir(ledger.parent))]), flush=True)


def main() -> None:
    source, statement, killed = Path(sys.argv[1]), 0, True
    while killed:
        statement += 1
        with tempfile.TemporaryDirectory() as place:
            ledger = Path(place) / "ledger.db"
            shutil.copy(source, ledger)
            killed = in_child(partial(migrate_until, ledger, statement)) == signal.SIGKILL
            assert in_child(partial(show, ledger)) == 0
            assert in_child(partial(migrate_locked, ledger)) == 0
            assert in_child(partial(show, ledger)) == 0


if __name__ == "__main__":
    main()
