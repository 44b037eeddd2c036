"""`syncd ledger`: backup, check, vacuum."""

from __future__ import annotations

import sqlite3
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from syncd.cli.console import amount, bytes_in_words
from syncd.cli.exits import Exit
from syncd.cli.options import DEFAULT_CONFIG, ConfigPath, configured
from syncd.ledger import backup as backups
from syncd.ledger import integrity, schema
from syncd.ledger import vacuum as vacuums
from syncd.ledger.database import maintaining, reading
from syncd.ledger.errors import LedgerBusyError, LedgerUnusableError
from syncd.ledger.lock import exclusive_lock

ledger = typer.Typer(
    name="ledger",
    help="Look after the ledger's file, also while the daemon runs.",
    no_args_is_help=True,
    rich_markup_mode="markdown",
)


@ledger.command()
def backup(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The copy; only you can read it.")],
    config: ConfigPath = DEFAULT_CONFIG,
    replace: Annotated[
        bool, typer.Option("--replace", help="Write over an older backup, once this one is whole.")
    ] = False,
) -> None:
    """Copy the ledger as it is at this moment into a file of its own.

    The copy is read through before it gets its name. To restore it, stop the daemon, and put it in
    the ledger's place with the daemon's user as its owner; take the ledger's -wal and -shm away.
    """
    path = configured(config).ledger.path
    copy = backups.replace_backup if replace else backups.back_up
    try:
        with _absence_told():
            copy(path, file, _percent)
    except backups.BackupError as error:
        _fail(str(error))
    except OSError as error:
        _fail(f"{file} cannot be written: {error.strerror}")
    print(f"{file}: {bytes_in_words(file.stat().st_size)}, whole")


@ledger.command()
def check(config: ConfigPath = DEFAULT_CONFIG) -> None:
    """Look whether the ledger is sound: its pages, its references, its counts.

    Exit code 65 says that it is not. It reads the whole file.
    """
    path = configured(config).ledger.path
    with _absence_told(), reading(path) as db:
        damage = _told("pages and indexes", integrity.pages()(db))
        damage |= _told("references", integrity.references()(db))
        wrong: list[str] = []
        for part, found in enumerate(integrity.all_counts(db), 1):
            _percent(part / integrity.PARTS)
            wrong += found
        miscounted = _told("counts", wrong[: integrity.MOST])
    if damage:
        raise LedgerUnusableError(schema.damaged_message(path))
    if miscounted:
        raise LedgerUnusableError(
            f"{path} counts wrongly, so that images may not be sent, or be sent for no file;"
            " restore a backup, or move the ledger away: syncd then makes a new one, and sends"
            " every image again, which is harmless; and please report it"
        )


@ledger.command()
def vacuum(config: ConfigPath = DEFAULT_CONFIG) -> None:
    """Forget what no file and no account names any more, and give back the room.

    While a daemon runs, a ledger that takes long is left as it is (exit code 75): stop it then.
    """
    path = configured(config).ledger.path
    with _absence_told(), maintaining(path) as db:
        before, dropped = path.stat().st_size, sum(vacuums.drop_all_unreferenced(db))
        print(f"{amount(dropped, 'image')} forgotten that nothing names")
        try:
            _vacuum(path, db)
        except vacuums.VacuumAbortedError as error:
            sys.stderr.write(f"syncd: {error}\n")
            raise typer.Exit(Exit.LEDGER_BUSY) from None
        except sqlite3.OperationalError as error:  # no room for the new one, most likely
            _fail(f"nothing was vacuumed: {error}")
        after = path.stat().st_size
    print(f"{path}: {bytes_in_words(before)} before, {bytes_in_words(after)} now")


def _vacuum(path: Path, db: sqlite3.Connection) -> None:
    try:
        with exclusive_lock(path):
            vacuums.vacuum(db)
    except LedgerBusyError:
        vacuums.vacuum_online(db)


def _told(what: str, found: list[str]) -> bool:
    print(f"{'BAD' if found else 'ok '} {what}", flush=True)
    for line in found:
        print(f"    {line}")
    return bool(found)


def _percent(done: float) -> None:
    if sys.stderr.isatty():
        sys.stderr.write(f"\r{done:4.0%}\r")
        sys.stderr.flush()


@contextmanager
def _absence_told() -> Iterator[None]:
    try:
        yield
    except FileNotFoundError as error:
        if error.strerror is not None:
            raise
        _fail(str(error))


def _fail(sentence: str) -> None:
    sys.stderr.write(f"syncd: {sentence}\n")
    raise typer.Exit(Exit.NOT_ALL)
