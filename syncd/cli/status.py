"""`syncd status`."""

from __future__ import annotations

import sys
import textwrap
import time
from typing import Annotated

import msgspec
import typer

from syncd.cli.console import amount, moment, span
from syncd.cli.exits import Exit
from syncd.cli.options import DEFAULT_CONFIG, ConfigPath, configured
from syncd.config import Config
from syncd.ledger import alerts, condemned, queries
from syncd.ledger.accounts import Pause
from syncd.ledger.alerts import Alert
from syncd.ledger.database import reading
from syncd.ledger.queries import Count, account_summary
from syncd.model import printable

_WIDTH = 100


class FolderStatus(msgspec.Struct):
    """A folder as `--json` has it."""

    path: str
    files: int
    scanned_at: float | None
    doubt: str | None  # why nothing that it lacks is deleted
    trouble: str | None
    unreadable: list[Count]
    deletions_held: int  # images that wait for a person


class AccountStatus(msgspec.Struct):
    """An account as `--json` has it; times in unix seconds."""

    id: str
    wanted: int
    held: int
    missing: int
    rejected: int
    pause: Pause | None
    rejections: list[Count]
    troubles: list[Count]


class Status(msgspec.Struct):
    """What `syncd status --json` prints."""

    needs_you: list[Alert]
    accounts: dict[str, AccountStatus]
    folders: dict[str, FolderStatus]


def status(
    config: ConfigPath = DEFAULT_CONFIG,
    json: Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")] = False,
) -> None:
    """Say what needs you, and how each account and folder stands.

    It reads the ledger alone, also beside the daemon.
    """
    settings = configured(config)
    try:
        found = _ask(settings)
    except FileNotFoundError as error:
        sys.stderr.write(f"syncd: {error}\n")
        raise typer.Exit(Exit.NOT_ALL) from None
    if json:
        sys.stdout.write(msgspec.json.format(msgspec.json.encode(found)).decode() + "\n")
    else:
        _print(found)


def _ask(config: Config) -> Status:
    names = {account.id: str(name) for name, account in config.accounts.items()}
    with reading(config.ledger.path) as db:
        waiting = alerts.all_alerts(names, time.time())(db)
        states = {}
        for name, account in config.accounts.items():
            found = account_summary(account.id)(db)
            tally, pause = found.tally, found.pause
            over = pause is not None and pause.until is not None and pause.until < time.time()
            states[str(name)] = AccountStatus(
                account.id,
                tally.wanted,
                tally.held,
                tally.missing,
                tally.rejected,
                None if over else pause,
                found.rejections,
                found.troubles,
            )
        folders = {
            f.name: FolderStatus(
                printable(f.path),
                f.files,
                f.scanned_at,
                f.doubt,
                f.trouble,
                queries.unreadable_files(f.name)(db),
                condemned.count_held(f.name)(db),
            )
            for f in queries.folder_states()(db)
        }
    return Status(waiting, states, folders)


def _print(found: Status) -> None:
    from rich.console import Console  # noqa: PLC0415  it takes a while to load
    from rich.table import Table  # noqa: PLC0415  the same

    for need in found.needs_you:
        _print_need(need)
    if found.needs_you:
        print()
    table = Table(box=None, pad_edge=False)
    table.add_column("account")
    for column in ("wanted", "held", "missing", "rejected"):
        table.add_column(column, justify="right")
    table.add_column("state")
    for name, account in found.accounts.items():
        figures = (account.wanted, account.held, account.missing, account.rejected)
        table.add_row(name, *(f"{figure:,}" for figure in figures), _state(account))
    Console(soft_wrap=True, markup=False, highlight=False).print(table)
    for name, account in found.accounts.items():
        for count in account.rejections:
            print(f"{name}: rejected {amount(count.count, 'image')}: {count.reason}")
        for count in account.troubles:
            print(f"{name}: {amount(count.count, 'image')} tried in vain: {count.reason}")
    for name, folder in found.folders.items():
        when = moment(folder.scanned_at) if folder.scanned_at else "never to the end yet"
        print(f"folder {name}: {amount(folder.files, 'file')}, scanned {when} ({folder.path})")
        if folder.doubt:
            print(f"folder {name}: {folder.doubt}: see `syncd deletions`")
        if folder.trouble:
            print(f"folder {name}: {folder.trouble}")
        for count in folder.unreadable:
            print(f"folder {name}: cannot read {amount(count.count, 'file')}: {count.reason}")
        if folder.deletions_held:
            images = amount(folder.deletions_held, "image")
            print(f"folder {name}: {images} held for you to decide: see `syncd deletions`")


def _print_need(need: Alert) -> None:
    told = f"needs you: {need.subject}: {need.why} ({need.event}, since {moment(need.since)})"
    for line in (*_wrapped(told, ""), *_wrapped(f"do: {need.remedy}", "    ")):
        print(line)


def _wrapped(text: str, indent: str) -> list[str]:
    return textwrap.wrap(
        text,
        _WIDTH,
        initial_indent=indent,
        subsequent_indent=indent or "    ",
        break_long_words=False,  # a path, or a command, is to be copied
        break_on_hyphens=False,
    )


def _state(account: AccountStatus) -> str:
    pause = account.pause
    if pause is None:
        return "in step" if account.missing == 0 else "open"
    if pause.until is None:
        return f"stopped since {moment(pause.since)}"  # why stands above, in what needs a person
    left = span(pause.until - time.time())
    return f"paused until {moment(pause.until)} ({left}): {pause.kind}: {pause.why}"
