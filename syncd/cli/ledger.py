"""`syncd ledger`: backup, check, vacuum, migrate, move."""

from __future__ import annotations

import sqlite3
import sys
from pathlib import Path
from typing import Annotated

import typer

from syncd.cli.console import print_json, print_line
from syncd.cli.errors import Exit, fail, ledger_required
from syncd.cli.operator import operator_name
from syncd.cli.options import DEFAULT_CONFIG, load_config
from syncd.cli.parameters import ConfigPath, Json
from syncd.cli.selected import account_of_any_shard
from syncd.ledger import backup as backups
from syncd.ledger import integrity, moved_account, schema
from syncd.ledger import migration as migrations
from syncd.ledger import vacuum as vacuums
from syncd.ledger.errors import LedgerBusyError, LedgerUnusableError
from syncd.ledger.file import changing, create, maintaining, reading
from syncd.ledger.lock import exclusive_lock
from syncd.model import printable
from syncd.rules.forecast import amount
from syncd.wording.figures import format_size

ledger = typer.Typer(
    name="ledger",
    help="Maintain the ledger's file; works while the daemon runs.",
    no_args_is_help=True,
    rich_markup_mode="markdown",
)


@ledger.command()
def backup(
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="The backup file; only you can read it.")
    ],
    config: ConfigPath = DEFAULT_CONFIG,
    replace: Annotated[
        bool,
        typer.Option("--replace", help="Replace an older backup once the new one is complete."),
    ] = False,
) -> None:
    """Back up the ledger, as it is at this moment, to a file.

    The backup is verified before it gets its name. To restore it, stop the daemon, replace the
    ledger with it, give it to the daemon's user, and delete the ledger's -wal and -shm files.
    """
    path = load_config(config).ledger.path
    copy = backups.replace_backup if replace else backups.back_up
    try:
        with ledger_required():
            copy(path, file, _print_percent)
    except backups.BackupError as error:
        fail(str(error))
    except OSError as error:
        fail(f"{file} cannot be written: {error.strerror}", Exit.SYSTEM)
    print_line(f"{file}: {format_size(file.stat().st_size)}, verified")


@ledger.command()
def check(config: ConfigPath = DEFAULT_CONFIG, json: Json = False) -> None:
    """Check that the ledger is sound: its pages, references and replicas.

    It reads the whole file, and exits with 65 if the ledger is damaged.
    """
    path = load_config(config).ledger.path
    with ledger_required(), reading(path) as db:
        show = _print_nothing if json else _print_damage
        show("pages and indexes", pages := integrity.pages()(db))
        show("references", references := integrity.references()(db))
        wrong: list[str] = []
        parts = len(integrity.parts(db))
        for part, found in enumerate(integrity.all_wanted(db), 1):
            _print_percent(part / parts)
            wrong += found
        show("wanted replicas", wrong_replicas := wrong[: integrity.MOST])
    if json:
        lists = {"pages": pages, "references": references, "replicas": wrong_replicas}
        is_sound = not any(lists.values())
        print_json({"ledger": printable(str(path)), "ok": is_sound, **lists})
    if pages or references:
        raise LedgerUnusableError(schema.damaged_message(path))
    if wrong_replicas:
        raise LedgerUnusableError(
            f"{path} does not match its files: images may be left out, or sent although no file"
            " needs them. Restore a backup, or move the ledger away: syncd then creates a new one"
            " and sends every image again, which is harmless. Please report it"
        )


@ledger.command()
def vacuum(config: ConfigPath = DEFAULT_CONFIG) -> None:
    """Remove images that no file, account or history refers to, and shrink the file.

    While the daemon runs, a large ledger is left unchanged (exit code 75): stop the daemon first.
    """
    path = load_config(config).ledger.path
    with ledger_required(), maintaining(path) as db:
        before, dropped = vacuums.file_size()(db), sum(vacuums.drop_all_unreferenced(db))
        print_line(f"{amount(dropped, 'image')} removed that nothing refers to")
        try:
            _vacuum(path, db)
        except vacuums.VacuumAbortedError as error:
            fail(str(error), Exit.LEDGER_BUSY)
        except sqlite3.OperationalError as error:  # most likely a full disk
            fail(f"the ledger was not vacuumed: {error}", Exit.SYSTEM)
        after = vacuums.file_size()(db)
    print_line(f"{path}: {format_size(before)} before, {format_size(after)} now")


@ledger.command()
def migrate(config: ConfigPath = DEFAULT_CONFIG) -> None:
    """Give the ledger of an earlier syncd the layout of this one, after a backup.

    The next `syncd run` or `syncd backfill` does the same. No daemon may use the ledger. If it is
    interrupted, nothing has changed: run it again.
    """
    path = load_config(config).ledger.path
    with ledger_required(), reading(path, schema.OLDEST):
        pass
    with exclusive_lock(path):
        done = migrations.migrate(path, lambda _before, _step, done: _print_percent(done))
    if done is None:
        print_line(f"{path} has the layout of this syncd already (version {schema.VERSION})")
    else:
        print_line(f"{path}: version {done.before} before, {schema.VERSION} now")
        print_line(f"{done.backup}: the ledger as it was")


@ledger.command()
def move(
    account: Annotated[
        str, typer.Argument(metavar="ACCOUNT", help="Its name, or its id such as act_123.")
    ],
    to: Annotated[
        Path, typer.Option("--to", metavar="LEDGER", help="The other ledger; created if missing.")
    ],
    config: ConfigPath = DEFAULT_CONFIG,
) -> None:
    """Move what the ledger knows about an account to the ledger of another machine.

    Neither ledger may be in use: stop both daemons first. The other machine then sends nothing
    again, and deletes nothing that was kept. Deletions that wait begin their grace again. The
    history stays, and both ledgers record the move. If it is interrupted, run it again.
    """
    settings = load_config(config)
    path, moved = settings.ledger.path, account_of_any_shard(settings, account)
    to, user = to.absolute(), operator_name()
    with ledger_required(), reading(path) as db:
        if not moved_account.has(moved)(db):
            fail(f"{path} has nothing about act_{moved}")
    if not schema.exists(to):
        create(to)
    if path.samefile(to):
        fail("--to names the same ledger", Exit.USAGE)
    with reading(to):  # its layout, before the lock: an error names another process that has it
        pass
    with exclusive_lock(path), exclusive_lock(to):
        with maintaining(to) as db:
            db.execute("ATTACH ? AS other", (str(path),))
            db.execute("BEGIN IMMEDIATE")
            moved_account.receive(moved, printable(str(path)), user)(db)
            db.execute("COMMIT")
        with changing(path) as db:  # not before: a process that ends here can move it again
            moved_account.release(moved, printable(str(to)), user)(db)
    print_line(f"act_{moved} is now in {to}")


def _vacuum(path: Path, db: sqlite3.Connection) -> None:
    try:
        with exclusive_lock(path):
            vacuums.vacuum(db)
    except LedgerBusyError:
        vacuums.vacuum_online(db)


def _print_nothing(_what: str, _found: list[str]) -> None:
    """Leave the findings to the JSON."""


def _print_damage(what: str, found: list[str]) -> None:
    print_line(f"{'BAD' if found else 'ok '} {what}", flush=True)
    for line in found:
        print_line(f"    {line}")


def _print_percent(done: float) -> None:
    if sys.stderr.isatty():
        sys.stderr.write(f"\r{done:4.0%}\r")
        sys.stderr.flush()
