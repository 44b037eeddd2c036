"""Which files are ledgers of ours, and how an older one is brought up to date."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from importlib import resources
from pathlib import Path

from syncd.ledger.errors import LedgerOld, LedgerUnfit

APPLICATION_ID = 0x53594E43
"""`SYNC` in ASCII: what `file` and sqlite3 know a ledger by."""

OLDEST_SQLITE = (3, 37, 0)
"""The first with STRICT tables (sqlite.org/stricttables.html); RETURNING came with 3.35."""

_STRETCH = 100_000  # instructions of SQLite's machine, some milliseconds

_HEADER = 100  # bytes; sqlite.org/fileformat2.html, "The Database Header"


def migrations() -> list[tuple[int, str]]:
    """Return every migration as (version that it makes, SQL), the first first."""
    folder = resources.files("syncd.ledger") / "migrations"
    names = sorted(entry.name for entry in folder.iterdir() if entry.name.endswith(".sql"))
    return [(int(name[:4]), (folder / name).read_text("utf-8")) for name in names]


def current_version() -> int:
    """Return the version of the schema that this program writes."""
    return migrations()[-1][0]


def refuse_old_sqlite(version: tuple[int, ...]) -> None:
    """Raise LedgerUnfit for an SQLite that would call a good ledger damaged."""
    if version < OLDEST_SQLITE:
        raise LedgerUnfit(
            f"the SQLite of this Python is {'.'.join(map(str, version))}, and a ledger needs "
            f"{'.'.join(map(str, OLDEST_SQLITE))} or newer; run syncd with a newer Python build"
        )


def refuse_foreign(path: Path) -> None:
    """Look at the file's header alone, so that what is not ours is not touched.

    For a process that has no connection to it yet: closing a descriptor of the file drops the
    locks that SQLite holds on it (sqlite.org/howtocorrupt.html, 2.2).
    Raises LedgerUnfit for a file that is no SQLite database, or another program's.
    """
    try:
        with path.open("rb") as file:
            header = file.read(_HEADER)
    except FileNotFoundError:
        return
    if not header:
        return
    if len(header) < _HEADER or not header.startswith(b"SQLite format 3\x00"):
        raise LedgerUnfit(
            f"{path} is not a ledger: it does not begin as an SQLite database does; "
            "restore it from a backup, or move it away: syncd then makes a new one, and sends again"
        )
    application = int.from_bytes(header[68:72], "big")
    if application != APPLICATION_ID:
        raise LedgerUnfit(
            f"{path} belongs to another program (application id {application:#x}); "
            "name another file as ledger.path"
        )
    _refuse_cut(header, path)


def _refuse_cut(header: bytes, path: Path) -> None:
    """Raise LedgerUnfit for a file that is shorter than it says, unless its WAL has the rest."""
    if header[24:28] != header[92:96] or _size(path.with_name(path.name + "-wal")):
        return
    page = int.from_bytes(header[16:18], "big")
    pages = int.from_bytes(header[28:32], "big")
    if path.stat().st_size < pages * (65536 if page == 1 else page):
        raise LedgerUnfit(damaged(path))


def damaged(path: Path) -> str:
    """Return what to tell of a ledger that is damaged."""
    return (
        f"{path} is damaged; stop syncd, keep a copy, and restore a backup, or try "
        f"`sqlite3 {path} .recover`; with the file moved away, syncd makes a new one and "
        "sends every image again, which is harmless"
    )


def exists(path: Path) -> bool:
    """Tell whether there is anything to open: an empty file is none yet."""
    return _size(path) > 0


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0


def touch_all(db: sqlite3.Connection) -> None:
    """Read the schema and the first row of each table: most damage shows there, at no cost."""
    tables = db.execute("SELECT name FROM sqlite_schema WHERE type = 'table'").fetchall()
    for (table,) in tables:
        db.execute(f'SELECT * FROM "{table}" NOT INDEXED LIMIT 1').fetchone()


def refuse_newer(db: sqlite3.Connection, path: Path) -> None:
    """Raise LedgerUnfit when a newer syncd has written here."""
    (version,) = db.execute("PRAGMA user_version").fetchone()
    if version > current_version():
        raise LedgerUnfit(
            f"{path} was written by a newer syncd (ledger version {version}, "
            f"this one knows {current_version()}); install that version again"
        )


def refuse_older(db: sqlite3.Connection, path: Path) -> None:
    """Raise LedgerOld when an older syncd has written here."""
    (version,) = db.execute("PRAGMA user_version").fetchone()
    if version < current_version():
        raise LedgerOld(
            f"{path} was written by an older syncd (ledger version {version}, this one works with"
            f" {current_version()}); restart the daemon, or run `syncd backfill`: that brings it"
            " up to date"
        )


def migrate(db: sqlite3.Connection, progress: Callable[[], None] = lambda: None) -> None:
    """Bring the ledger to the newest version, one transaction a step.

    `progress` is called again and again while SQLite comes further.
    """
    db.set_progress_handler(progress, _STRETCH)
    try:
        _migrate(db)
    finally:
        db.set_progress_handler(None, 0)


def _migrate(db: sqlite3.Connection) -> None:
    (version,) = db.execute("PRAGMA user_version").fetchone()
    for target, script in migrations():
        if target > version:
            db.executescript(
                f"BEGIN IMMEDIATE;\nPRAGMA application_id = {APPLICATION_ID};\n"
                f"PRAGMA user_version = {target};\n{script}\nCOMMIT;"
            )
