"""Reads of the ledger on threads: each has its own connection, which can only read."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable
from contextlib import closing
from functools import partial
from pathlib import Path
from threading import Lock
from typing import TypeVar

from syncd.ledger import schema
from syncd.ledger.file import check_file, connect_reader, translated_errors
from syncd.web.slots import Slots

T = TypeVar("T")

AT_ONCE = 4
"""Reads at the same time: more would only take the processor from the daemon."""

PATIENCE = 60.0
"""Seconds after which a read no longer counts: its disk hangs."""


class LibraryReads:
    """The reads of one ledger, which may not exist yet, and may be replaced."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._slots = Slots("web reader", AT_ONCE, PATIENCE)
        self._checking = Lock()
        self._checked: tuple[int, int] | None = None  # device and inode

    async def run(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Return the result of short reads on one connection.

        Raises FileNotFoundError for a missing ledger, and a LedgerError.
        """
        return await self._slots.run(partial(self._run, work))

    def close(self) -> None:
        """End the threads."""
        self._slots.close()

    def _run(self, work: Callable[[sqlite3.Connection], T]) -> T:
        with translated_errors(self._path):
            self._check()
            with closing(connect_reader(self._path)) as db:
                db.execute("PRAGMA query_only = 1")
                return work(db)

    def _check(self) -> None:
        """Check a file that is new at this path.

        Closing the descriptor of the check would drop the locks of connections to the same file.
        There are none yet: others wait here.
        """
        with self._checking:
            if not schema.exists(self._path):
                raise FileNotFoundError(
                    f"the ledger {self._path} does not exist yet; `syncd run` creates it"
                )
            found = os.stat(self._path)
            inode = (found.st_dev, found.st_ino)
            if inode != self._checked:
                check_file(self._path)
                self._checked = inode
