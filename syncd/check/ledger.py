"""Facts about the ledger: whether it can be read and written, and the space on its disk."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

import msgspec

from syncd.check.facts import LedgerFacts, LedgerFile, LedgerState, bounded
from syncd.check.filesystem import permits
from syncd.ledger import accounts, folders
from syncd.ledger.errors import LedgerError, LedgerOutdatedError
from syncd.ledger.file import reading
from syncd.ledger.schema import exists
from syncd.model import AccountId, FolderName

MIN_FREE = 100 * 2**20
"""Bytes: the write-ahead log alone takes 16 MB at rest, and several times that in a backfill."""


_ENDS: tuple[LedgerFile, ...] = ("", "-shm", "-wal")


class Known(msgspec.Struct, frozen=True):
    """The accounts as the ledger knows them."""

    routes: Mapping[FolderName, AccountId]
    """The own account of each folder."""
    holding: frozenset[AccountId]
    """The accounts that hold an image of the ledger."""


def known_accounts(path: Path, found: LedgerFacts) -> Known | None:
    """Return what the ledger knows of accounts; None if it cannot be read."""
    if found.state not in (LedgerState.SOUND, LedgerState.FULL):
        return None
    if not found.there:
        return Known({}, frozenset())
    try:
        with reading(path) as db:
            return Known(folders.own_accounts()(db), accounts.holding()(db))
    except LedgerError:  # it was replaced meanwhile
        return None


def ledger_facts(path: Path) -> LedgerFacts:
    """Examine the ledger, or the directory in which it will be created."""
    directory = path.parent
    try:
        there = exists(path)
    except PermissionError:
        return LedgerFacts(state=LedgerState.CLOSED)
    except LedgerError as error:
        return LedgerFacts(state=LedgerState.UNUSABLE, problem=bounded(str(error)))
    if not directory.exists():
        return LedgerFacts(state=LedgerState.NO_DIRECTORY)
    ready, needed = LedgerState.SOUND, MIN_FREE
    if not permits(directory, os.W_OK | os.X_OK):
        return LedgerFacts(state=LedgerState.CLOSED, there=there)
    if there:
        files = {end: path.with_name(path.name + end) for end in _ENDS}
        closed = tuple(
            end
            for end, file in files.items()
            if file.exists() and not permits(file, os.R_OK | os.W_OK)
        )
        if closed:
            return LedgerFacts(state=LedgerState.FILE_CLOSED, there=True, closed=closed)
        try:
            with reading(path):
                pass
        except LedgerOutdatedError:
            ready, needed = LedgerState.OUTDATED, MIN_FREE + path.stat().st_size
        except LedgerError as error:
            problem = bounded(str(error))
            return LedgerFacts(state=LedgerState.UNUSABLE, there=True, problem=problem)
    disk = os.statvfs(Path(os.path.realpath(path)).parent if there else directory)
    free = disk.f_bavail * disk.f_frsize
    full = free < needed or (disk.f_files > 0 and not disk.f_favail)
    state = LedgerState.FULL if full else ready
    return LedgerFacts(state=state, there=there, free=free)
