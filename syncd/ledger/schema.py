"""The format of a ledger: how a file is recognized as one, and migrated to the newest version."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from importlib import resources
from pathlib import Path

from syncd.ledger.errors import LedgerOutdatedError, LedgerUnusableError

APPLICATION_ID = 0x53594E43
"""`SYNC` in ASCII, by which `file` and sqlite3 recognize a ledger."""

OLDEST_SQLITE = (3, 37, 0)
"""The first version with STRICT tables (sqlite.org/stricttables.html); 3.35 brought RETURNING."""

_PROGRESS_STEPS = 100_000  # instructions of SQLite's virtual machine: a few milliseconds

_HEADER = 100  # bytes; sqlite.org/fileformat2.html, "The Database Header"

Migration = tuple[int, str]
"""The version that a migration produces, and its SQL."""


def migrations() -> list[Migration]:
    """Return every migration, the oldest first."""
    folder = resources.files("syncd.ledger") / "migrations"
    names = sorted(entry.name for entry in folder.iterdir() if entry.name.endswith(".sql"))
    return [(int(name[:4]), (folder / name).read_text("utf-8")) for name in names]


def current_version() -> int:
    """Return the version of the schema that this program writes."""
    return migrations()[-1][0]


def check_sqlite_version(version: tuple[int, ...]) -> None:
    """Raise LedgerUnusableError for an SQLite that would report a sound ledger as damaged."""
    if version < OLDEST_SQLITE:
        raise LedgerUnusableError(
            f"this Python has SQLite {'.'.join(map(str, version))}, but a ledger needs "
            f"{'.'.join(map(str, OLDEST_SQLITE))} or newer; run syncd with a newer Python build"
        )


def check_header(path: Path) -> None:
    """Raise LedgerUnusableError for a file that is not a ledger, after reading only its header.

    A process must call this before it connects to the file: closing a descriptor of the file
    drops the locks that SQLite holds on it (sqlite.org/howtocorrupt.html, 2.2).
    """
    try:
        with path.open("rb") as file:
            header = file.read(_HEADER)
    except FileNotFoundError:
        return
    if not header:
        return
    if len(header) < _HEADER or not header.startswith(b"SQLite format 3\x00"):
        raise LedgerUnusableError(
            f"{path} is not a ledger: it does not have the header of an SQLite database; restore"
            " it from a backup, or move it away: syncd then creates a new ledger and uploads every"
            " image again, which is harmless"
        )
    application = int.from_bytes(header[68:72], "big")
    if application != APPLICATION_ID:
        raise LedgerUnusableError(
            f"{path} belongs to another program (application id {application:#x}); "
            "set ledger.path to another file"
        )
    _check_length(header, path)


def _check_length(header: bytes, path: Path) -> None:
    """Raise LedgerUnusableError for a truncated file, unless its WAL has the rest."""
    if header[24:28] != header[92:96] or _size(path.with_name(path.name + "-wal")):
        return
    page = int.from_bytes(header[16:18], "big")
    pages = int.from_bytes(header[28:32], "big")
    if path.stat().st_size < pages * (65536 if page == 1 else page):
        raise LedgerUnusableError(damaged_message(path))


def damaged_message(path: Path) -> str:
    """Return the message for a damaged ledger."""
    return (
        f"{path} is damaged; stop syncd, keep a copy of the file, and restore a backup or try "
        f"`sqlite3 {path} .recover`; without the file, syncd creates a new ledger and uploads "
        "every image again, which is harmless"
    )


def exists(path: Path) -> bool:
    """Return whether there is a ledger to open; an empty file does not count."""
    return _size(path) > 0


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0


def read_first_rows(db: sqlite3.Connection) -> None:
    """Read the schema and the first row of each table, which reveals most damage cheaply."""
    tables = db.execute("SELECT name FROM sqlite_schema WHERE type = 'table'").fetchall()
    for (table,) in tables:
        db.execute(f'SELECT * FROM "{table}" NOT INDEXED LIMIT 1').fetchone()


def check_not_newer(db: sqlite3.Connection, path: Path) -> None:
    """Raise LedgerUnusableError when a newer syncd has written the ledger."""
    (version,) = db.execute("PRAGMA user_version").fetchone()
    if version > current_version():
        raise LedgerUnusableError(
            f"{path} was written by a newer syncd (ledger version {version}, this one supports up"
            f" to {current_version()}); install the newer syncd again"
        )


def check_not_older(db: sqlite3.Connection, path: Path) -> None:
    """Raise LedgerOutdatedError when an older syncd has written the ledger."""
    (version,) = db.execute("PRAGMA user_version").fetchone()
    if version < current_version():
        raise LedgerOutdatedError(
            f"{path} was written by an older syncd (ledger version {version}, this one needs"
            f" {current_version()}); restart the daemon or run `syncd backfill` to migrate it"
        )


def migrate(
    db: sqlite3.Connection,
    progress: Callable[[], None] = lambda: None,
    steps: list[Migration] | None = None,
) -> None:
    """Migrate the ledger to the newest version, or by the given steps, one transaction each.

    `progress` is called repeatedly while SQLite works.
    """
    (version,) = db.execute("PRAGMA user_version").fetchone()
    db.set_progress_handler(progress, _PROGRESS_STEPS)
    try:
        for target, script in migrations() if steps is None else steps:
            if target > version:
                db.executescript(
                    f"BEGIN IMMEDIATE;\nPRAGMA application_id = {APPLICATION_ID};\n"
                    f"PRAGMA user_version = {target};\n{script}\nCOMMIT;"
                )
    finally:
        db.set_progress_handler(None, 0)
