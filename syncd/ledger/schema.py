"""The format of a ledger: how a file is recognized as one, and the layout of its tables."""

from __future__ import annotations

import errno
import os
import sqlite3
import stat
from pathlib import Path

from syncd.ledger.errors import LedgerOutdatedError, LedgerUnusableError
from syncd.ledger.lock import is_in_use
from syncd.ledger.statements import read
from syncd.model import printable

APPLICATION_ID = 0x53594E43
"""`SYNC` in ASCII, by which `file` and sqlite3 recognize a ledger."""

OLDEST_SQLITE = (3, 37, 0)
"""The first version with STRICT tables (sqlite.org/stricttables.html); 3.35 brought RETURNING."""

_HEADER = 100  # bytes; sqlite.org/fileformat2.html, "The Database Header"

VERSION = 21
"""The layout of the ledger (`PRAGMA user_version`), raised with every change of schema.sql. The
change is also a script in migrations/, which brings a ledger of the version before to this one."""

OLDEST = 19
"""The oldest layout that is migrated."""


_NO_PATH = {errno.ELOOP, errno.ENAMETOOLONG, errno.ENOTDIR}
"""Errors of stat(2) for a path that cannot have a file."""

_CORRECT = "set ledger.path to another file"


def script() -> str:
    """Return the SQL that creates every table, index and view."""
    return Path(__file__).with_name("schema.sql").read_text("utf-8")


def check_sqlite_version(version: tuple[int, ...]) -> None:
    """Raise LedgerUnusableError for an SQLite that would report a sound ledger as damaged."""
    if version < OLDEST_SQLITE:
        raise LedgerUnusableError(
            f"this Python has SQLite {'.'.join(map(str, version))}, but a ledger needs "
            f"{'.'.join(map(str, OLDEST_SQLITE))} or newer; run syncd with a newer Python build"
        )


def check_header(path: Path) -> None:
    """Raise LedgerUnusableError for a file that is not a ledger, after reading only its header.

    An empty file and a missing one are not rejected. A process must call this before it connects to
    the file: closing a descriptor of the file drops the locks that SQLite holds on it
    (sqlite.org/howtocorrupt.html, 2.2).
    """
    if not exists(path):
        return
    with path.open("rb") as file:
        header, names = file.read(_HEADER), os.fstat(file.fileno()).st_nlink
    if names > 1:
        raise LedgerUnusableError(
            f"{path} has {names} names (hard links): SQLite finds the newest changes by the name of"
            " the file, so that two processes would damage it; remove the other names, which"
            f" `find {path.parent} -xdev -samefile {path}` lists"
        )
    if len(header) < _HEADER or not header.startswith(b"SQLite format 3\x00"):
        raise LedgerUnusableError(
            f"{path} is not a ledger: it does not have the header of an SQLite database; restore"
            " it from a backup, or move it away: syncd then creates a new ledger and uploads every"
            " image again, which is harmless"
        )
    application = int.from_bytes(header[68:72], "big")
    if application != APPLICATION_ID:
        raise LedgerUnusableError(
            f"{path} belongs to another program (application id {application:#x}); {_CORRECT}"
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


_MOST_OF_WHY = 200  # characters; it can have a text of the ledger


def damaged_message(path: Path, why: str = "") -> str:
    """Return the message for a damaged ledger; `why` is what reading it has raised."""
    found = f" ({printable(why[:_MOST_OF_WHY])})" if why else ""
    return (
        f"{path} is damaged{found}; stop syncd, keep a copy of the file, and restore a backup or"
        f" try `sqlite3 {path} .recover`; without the file, syncd creates a new ledger and uploads "
        "every image again, which is harmless"
    )


def exists(path: Path) -> bool:
    """Return whether there is a ledger to open; an empty file does not count.

    Raises LedgerUnusableError for a path that cannot have a ledger. Without that, a FIFO would
    block its reader, and a device or a socket would be replaced by a new ledger.
    """
    try:
        found = path.stat()
    except FileNotFoundError:
        return False
    except OSError as error:
        if error.errno not in _NO_PATH:
            raise
        why = (error.strerror or str(error)).lower()
        raise LedgerUnusableError(f"cannot open {path}: {why}; {_CORRECT}") from None
    if not stat.S_ISREG(found.st_mode):
        raise LedgerUnusableError(f"{path} is not a regular file; {_CORRECT}")
    return found.st_size > 0


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0


@read
def read_first_rows(db: sqlite3.Connection) -> None:
    """Read the schema and the first row of each table, which reveals most damage cheaply."""
    tables = db.execute("SELECT name FROM sqlite_schema WHERE type = 'table'").fetchall()
    for (table,) in tables:
        db.execute(f'SELECT * FROM "{table}" NOT INDEXED LIMIT 1').fetchone()


def check_version(db: sqlite3.Connection, path: Path, oldest: int = VERSION) -> int:
    """Return the layout of a ledger.

    Raises LedgerUnusableError for one that is newer than this syncd or older than `oldest`.
    """
    (version,) = db.execute("PRAGMA user_version").fetchone()
    if version > VERSION:
        raise LedgerUnusableError(
            f"{path} was written by a newer syncd (ledger version {version}, this one supports"
            f" {VERSION}); install the newer syncd again, or restore the backup that it made:"
            " `syncd help upgrade`"
        )
    if 0 < version < OLDEST:
        raise LedgerUnusableError(
            f"{path} has the layout of an earlier syncd (ledger version {version}), and this one"
            f" can migrate version {OLDEST} and newer; delete it: syncd then creates a new ledger"
            " and uploads every image again, which is harmless"
        )
    if 0 < version < oldest:
        raise LedgerOutdatedError(str(path), version, VERSION, is_in_use=is_in_use(path))
    return int(version)


def create(db: sqlite3.Connection) -> None:
    """Create the tables of an empty ledger; a ledger that has them is left alone."""
    (version,) = db.execute("PRAGMA user_version").fetchone()
    if version == 0:
        db.executescript(
            f"BEGIN IMMEDIATE;\nPRAGMA application_id = {APPLICATION_ID};\n"
            f"PRAGMA user_version = {VERSION};\n{script()}\nCOMMIT;"
        )
