"""The results of the demo: file → hash → account from the ledger, verified, and what to do next."""

from __future__ import annotations

import hashlib
import os
import re
from itertools import groupby

from rich.table import Table
from rich.text import Text

from syncd.demo.workspace import ACCOUNTS, DemoFailed, Workspace
from syncd.ledger.queries import FileState
from syncd.model import printable
from syncd.rules.forecast import amount

_BACKFILLED = 2  # files per folder that the table shows of the backfill
_WIDE = 140  # columns from which there is room for whole digests
_LIVE = re.compile(r"beacon.*|download.*|wave-.*")  # files of the live steps, which are all shown


def check(workspace: Workspace, standings: list[FileState]) -> None:
    """Compare the ledger with the files and the accounts; raise DemoFailed if they differ."""
    files = {file for name in ("spring", "summer") for file in (workspace.root / name).iterdir()}
    listed = {workspace.root / row.folder / os.fsdecode(row.path) for row in standings}
    if files != listed:
        raise DemoFailed("the ledger does not list exactly the files that exist")
    for row in standings:
        file = workspace.root / row.folder / os.fsdecode(row.path)
        if row.digest != hashlib.sha256(file.read_bytes()).digest():
            raise DemoFailed(f"the ledger has a wrong digest of {file}")
        if row.account is None or not (row.rejected or row.hash):
            raise DemoFailed(f"{file} is neither held by an account nor rejected")
        if row.hash and workspace.sandbox.library.find(row.account, row.hash) is None:
            raise DemoFailed(f"account {row.account} does not hold {row.hash}")


def print_table(workspace: Workspace, standings: list[FileState]) -> None:
    """Print the files of the live steps, and some of the backfill."""
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    for column in ("file", "sha256", "account"):
        table.add_column(column, no_wrap=True)
    table.add_column("hash", overflow="fold")
    whole = workspace.console.width >= _WIDE
    left_out = 0
    for folder, rows in groupby(standings, key=lambda row: row.folder):
        backfilled = 0
        for path, group in groupby(rows, key=lambda row: row.path):
            name = printable(path)
            live = _LIVE.fullmatch(name) is not None
            backfilled += not live
            if live or backfilled <= _BACKFILLED:
                _add_rows(table, f"{folder}/{name}", list(group), whole=whole)
            else:
                left_out += 1
    workspace.console.print(table)
    workspace.console.print(Text(f"… and {amount(left_out, 'more file')}", "dim"))


def _add_rows(table: Table, file: str, rows: list[FileState], *, whole: bool) -> None:
    first, *more = rows
    digest = (first.digest or b"").hex()
    table.add_row(file, digest if whole else f"{digest[:8]}…", *_account_and_hash(first))
    for row in more:
        table.add_row("", "", *_account_and_hash(row))


def _account_and_hash(row: FileState) -> tuple[str, str | Text]:
    if row.rejected:
        return "", Text(f"rejected: {row.rejected}", "yellow")
    return ACCOUNTS[row.account or ""], row.hash or ""


def print_summary(workspace: Workspace, standings: list[FileState]) -> None:
    """Print the numbers of files, images and calls."""
    counts = workspace.sandbox.counts
    files = len({(row.folder, row.path) for row in standings})
    workspace.report(
        f"{amount(files, 'file')}: {amount(counts.images(), 'image')} uploaded and"
        f" {counts.calls(kind='copy')} copied in {amount(counts.calls(), 'call')};"
        f" {counts.repeated_uploads()} uploaded twice,"
        f" {amount(counts.while_blocked(), 'call')} while an account was blocked."
    )


def print_next_steps(workspace: Workspace) -> None:
    """Print what to try after the demo."""
    workspace.console.print()
    _print_list(
        workspace,
        "Next:",
        {
            "syncd sandbox": "the same API, for a rehearsal with your own folders",
            "syncd init": "write a configuration, check it, and show what would be done",
            "syncd help": "the manual, by topic",
        },
    )


def print_suggestions(workspace: Workspace) -> None:
    """Print where everything is, and what to try while it keeps running."""
    workspace.console.print()
    _print_list(
        workspace,
        "Sandbox, daemon and web pages run until Ctrl-C; then all these files are removed.",
        {
            "folders": f"{workspace.root}/spring and {workspace.root}/summer",
            "config": f"{workspace.config}",
            "log": f"{workspace.root}/daemon.log",
            "sandbox": f"{workspace.sandbox.url}/sandbox",
        },
    )
    workspace.console.print()
    faults = f"{workspace.sandbox.url}/sandbox/faults"
    _print_list(
        workspace,
        "Try:",
        {
            f"cp ~/some/picture.jpg {workspace.root}/summer/": "",
            f"syncd status --config {workspace.config}": "",
            f"curl -d 17:times=1:seconds=2 {faults}": "then another picture: the account is paused",
        },
    )


def _print_list(workspace: Workspace, title: str, lines: dict[str, str]) -> None:
    workspace.console.print(Text(title, "bold"))
    width = max((len(name) for name, note in lines.items() if note), default=0)
    for name, note in lines.items():
        workspace.console.print(
            Text("  ") + Text(f"{name:<{width}}" if note else name, "cyan") + Text(f"  {note}"),
            soft_wrap=True,
        )
