"""Migration: an older ledger gets the layout of this syncd, after a backup.

Each layout has a script with the changes from the one before, such as migrations/20.sql. All
scripts that a ledger needs and its new version are one transaction, so that a process that ends
leaves the ledger as it was before or after. The transaction begins before the backup: no process
can write between the two.

Only the process that holds the ledger's lock migrates it.
"""

from __future__ import annotations

import os
import sqlite3
import stat
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, suppress
from functools import partial
from glob import escape
from pathlib import Path

import msgspec

from syncd.ledger import schema
from syncd.ledger.backup import write_copy
from syncd.ledger.disk_errors import ROOM
from syncd.ledger.errors import LedgerDiskError
from syncd.ledger.file import (
    begin,
    check_file,
    connect_reader,
    connect_writer,
    translated_errors,
)
from syncd.ledger.vacuum import file_size

KEPT = 2
"""Backups by migrations that are kept: the newest ones."""

_STEPS = 1_000_000  # instructions of SQLite's virtual machine, some 50 ms, between two reports


class Migrated(msgspec.Struct, frozen=True):
    """A migration that has ended."""

    before: int
    """The layout that the ledger had."""
    backup: Path
    seconds: float


Report = Callable[[int, str, float], None]
"""Called with the layout before, the step (`backup`, or the number of the layout that is being
made) and the share of the step that is done, from 0 to 1."""


def migrate(path: Path, report: Report) -> Migrated | None:
    """Give the ledger, whose lock the caller holds, this layout; return None if it has it.

    Raises LedgerUnusableError for a ledger that cannot be migrated, LedgerDiskError when the disk
    has no room for the backup. The ledger is then unchanged.
    """
    began = time.monotonic()
    check_file(path, schema.OLDEST)
    with translated_errors(path), closing(connect_reader(path, schema.OLDEST)) as reader:
        before = schema.check_version(reader, path, schema.OLDEST)
        if before == schema.VERSION:
            return None
        with closing(connect_writer(path, schema.OLDEST)) as db:
            db.execute("PRAGMA foreign_keys = OFF")  # a script may replace a table
            begin(db, path, schema.OLDEST)
            backup = _back_up(reader, path, before, partial(report, before, "backup"))
            for version in range(before + 1, schema.VERSION + 1):
                _run(db, version, partial(report, before, str(version)))
            db.execute(f"PRAGMA user_version = {schema.VERSION}")
            db.execute("COMMIT")
    _remove(backups(path)[:-KEPT])
    return Migrated(before, backup, time.monotonic() - began)


def statements(version: int) -> Iterator[str]:
    """Yield the statements that make a layout of the one before."""
    script = Path(__file__).with_name("migrations") / f"{version}.sql"
    statement = ""
    for line in script.read_text("utf-8").splitlines(keepends=True):
        statement += line
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""


def _run(db: sqlite3.Connection, version: int, report: Callable[[float], None]) -> None:
    script = list(statements(version))
    for number, statement in enumerate(script):
        progress = partial(report, number / len(script))
        progress()
        db.set_progress_handler(progress, _STEPS)
        db.execute(statement)
    db.set_progress_handler(None, 0)


def backups(path: Path) -> list[Path]:
    """Return the backups that migrations of a ledger have made, the oldest first."""
    real = Path(os.path.realpath(path))
    return sorted(real.parent.glob(f"{escape(real.name)}.*Z-v*.backup"))


def _back_up(
    reader: sqlite3.Connection, path: Path, version: int, report: Callable[[float], None]
) -> Path:
    """Write a backup next to the ledger, in place of one that an interrupted migration made."""
    real = Path(os.path.realpath(path))
    time_and_version = time.strftime(f"%Y%m%dT%H%M%SZ-v{version}", time.gmtime())
    to = real.with_name(f"{real.name}.{time_and_version}.backup")
    earlier = [one for one in backups(path) if one.name.endswith(f"-v{version}.backup")]
    _remove(real.parent.glob(f".{escape(real.name)}.*Z-v*.backup.*"))  # not finished
    _make_room(reader, real, earlier)

    def put(copy: Path) -> None:
        _give_access_as(real, copy)
        copy.replace(to)

    report(0.0)
    write_copy(reader, to, report, put)
    _remove(one for one in earlier if one != to)
    return to


def _make_room(reader: sqlite3.Connection, ledger: Path, earlier: Iterable[Path]) -> None:
    """Remove backups of the same layout if the disk lacks the room for another one.

    The ledger itself has that layout, and all that is in them or happened later.
    Raises LedgerDiskError if there is too little room then, too.
    """
    needed = file_size()(reader) + ROOM * 2**20
    if _free(ledger.parent) < needed:
        _remove(earlier)
    if (free := _free(ledger.parent)) < needed:
        raise LedgerDiskError(
            f"{ledger} has to be migrated, and its disk has no room for the backup:"
            f" {needed / 2**20:.0f} MB are needed, {free / 2**20:.0f} MB are free; make room, then"
            " start again: nothing was changed"
        )


def _free(directory: Path) -> int:
    disk = os.statvfs(directory)
    return disk.f_bavail * disk.f_frsize


def _give_access_as(ledger: Path, copy: Path) -> None:
    """Give a copy the owner and the mode of the ledger; without permission, only the mode 0600."""
    found = ledger.stat()
    with suppress(PermissionError):
        os.chown(copy, found.st_uid, found.st_gid)
        copy.chmod(stat.S_IMODE(found.st_mode))


def _remove(files: Iterable[Path]) -> None:
    for file in files:
        file.unlink(missing_ok=True)
