"""Facts about the ledger: whether it can be read and written, and the space on its disk."""

from __future__ import annotations

import os
from pathlib import Path

from syncd.check.facts import LedgerFacts, LedgerState, bounded
from syncd.check.filesystem import permits
from syncd.ledger.errors import LedgerError
from syncd.ledger.file import reading
from syncd.ledger.schema import exists

MIN_FREE = 100 * 2**20
"""Bytes: the write-ahead log alone takes 16 MB at rest, and several times that in a backfill."""


def ledger_facts(path: Path) -> LedgerFacts:
    """Examine the ledger, or the directory in which it will be created."""
    directory, name = path.parent, os.fsencode(path)
    try:
        there = exists(path)
    except PermissionError:
        return LedgerFacts(path=name, state=LedgerState.CLOSED)
    if not directory.exists():
        return LedgerFacts(path=name, state=LedgerState.NO_DIRECTORY)
    if not permits(directory, os.W_OK | os.X_OK):
        return LedgerFacts(path=name, state=LedgerState.CLOSED, there=there)
    if there:
        files = (path, *(path.with_name(path.name + end) for end in ("-shm", "-wal")))
        closed = tuple(
            os.fsencode(file)
            for file in files
            if file.exists() and not permits(file, os.R_OK | os.W_OK)
        )
        if closed:
            return LedgerFacts(path=name, state=LedgerState.FILE_CLOSED, there=True, closed=closed)
        try:
            with reading(path):
                pass
        except LedgerError as error:
            problem = bounded(str(error))
            return LedgerFacts(path=name, state=LedgerState.UNUSABLE, there=True, problem=problem)
    disk = os.statvfs(directory)
    free = disk.f_bavail * disk.f_frsize
    full = free < MIN_FREE or (disk.f_files > 0 and not disk.f_favail)
    state = LedgerState.FULL if full else LedgerState.SOUND
    return LedgerFacts(path=name, state=state, there=there, free=free)
