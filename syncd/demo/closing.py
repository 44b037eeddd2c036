"""The end of the demo: file → hash → account from the ledger, checked, and what to do next."""

from __future__ import annotations

import hashlib
import os
import re
from itertools import groupby

from rich.table import Table
from rich.text import Text

from syncd.cli.console import amount
from syncd.demo.stage import ACCOUNTS, DemoFailed, Stage
from syncd.ledger.queries import FileState
from syncd.model import printable

_OF_THE_BACKFILL = 2  # files of each folder that the table shows
_WIDE = 140  # columns from which there is room for whole digests
_LIVE = re.compile(r"beacon.*|download.*|wave-.*")  # it shows all of these


def check(stage: Stage, known: list[FileState]) -> None:
    """Compare the ledger with the disk and with the accounts; raises Unkept."""
    files = {file for folder in ("spring", "summer") for file in (stage.root / folder).iterdir()}
    listed = {stage.root / row.folder / os.fsdecode(row.path) for row in known}
    if files != listed:
        raise DemoFailed("the ledger knows each file, and no other")
    for row in known:
        file = stage.root / row.folder / os.fsdecode(row.path)
        if row.digest != hashlib.sha256(file.read_bytes()).digest():
            raise DemoFailed(f"the ledger has the digest of {file}")
        if row.account is None or not (row.rejected or row.hash):
            raise DemoFailed(f"{file} has reached each account of its folder, or is rejected")
        if row.hash and stage.sandbox.library.find(row.account, row.hash) is None:
            raise DemoFailed(f"account {row.account} holds {row.hash}")


def table(stage: Stage, known: list[FileState]) -> None:
    """Show the files of which the scenes told, and some others."""
    shown = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    for column in ("file", "sha256", "account"):
        shown.add_column(column, no_wrap=True)
    shown.add_column("hash", overflow="fold")
    whole = stage.console.width >= _WIDE
    left = 0
    for folder, rows in groupby(known, key=lambda row: row.folder):
        others = 0
        for path, group in groupby(rows, key=lambda row: row.path):
            name = printable(path)
            live = _LIVE.fullmatch(name) is not None
            others += not live
            if live or others <= _OF_THE_BACKFILL:
                _add(shown, f"{folder}/{name}", list(group), whole=whole)
            else:
                left += 1
    stage.console.print(shown)
    stage.console.print(Text(f"… and {amount(left, 'file')} more", "dim"))


def _add(shown: Table, file: str, rows: list[FileState], *, whole: bool) -> None:
    first, *more = rows
    digest = (first.digest or b"").hex()
    shown.add_row(file, digest if whole else f"{digest[:8]}…", *_standing(first))
    for row in more:
        shown.add_row("", "", *_standing(row))


def _standing(row: FileState) -> tuple[str, str | Text]:
    if row.rejected:
        return "", Text(f"rejected: {row.rejected}", "yellow")
    return ACCOUNTS[row.account or ""], row.hash or ""


def sum_up(stage: Stage, known: list[FileState]) -> None:
    """Say what it took."""
    counts = stage.sandbox.counts
    files = len({(row.folder, row.path) for row in known})
    stage.tell(
        f"{amount(files, 'file')}, {amount(counts.images(), 'image')} sent,"
        f" {counts.calls(kind='copy')} copied"
        f" in {amount(counts.calls(), 'call')}; {counts.repeated_uploads()} sent twice,"
        f" {amount(counts.while_blocked(), 'call')} while blocked."
    )


def next_steps(stage: Stage) -> None:
    """Say what to do next."""
    stage.console.print()
    _lines(
        stage,
        "Next:",
        {
            "syncd sandbox": "this API to rehearse against, with folders of your own",
            "config.example.toml": "all settings; with yours, `syncd check` and `syncd plan`",
            "README.md": "how to install it, and how to read its log",
        },
    )


def things_to_try(stage: Stage) -> None:
    """Say where everything is, while it keeps running."""
    stage.console.print()
    _lines(
        stage,
        "Sandbox and daemon keep running until Ctrl-C; then all of this is removed.",
        {
            "folders": f"{stage.root}/spring and {stage.root}/summer",
            "config": f"{stage.config}",
            "log": f"{stage.root}/daemon.log",
            "sandbox": f"{stage.sandbox.url}/sandbox",
        },
    )
    stage.console.print()
    faults = f"{stage.sandbox.url}/sandbox/faults"
    _lines(
        stage,
        "Try:",
        {
            f"cp ~/some/picture.jpg {stage.root}/summer/": "",
            f"syncd status --config {stage.config}": "",
            f"curl -d 17:times=1:seconds=2 {faults}": "then another picture: a throttle",
        },
    )


def _lines(stage: Stage, title: str, lines: dict[str, str]) -> None:
    stage.console.print(Text(title, "bold"))
    width = max((len(name) for name, words in lines.items() if words), default=0)
    for name, words in lines.items():
        stage.console.print(
            Text("  ") + Text(f"{name:<{width}}" if words else name, "cyan") + Text(f"  {words}"),
            soft_wrap=True,
        )
