"""`syncd plan`."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Annotated

import typer

from syncd.cli.console import print_json, print_json_with_list, print_row
from syncd.cli.fast_start import fast_imports
from syncd.cli.options import DEFAULT_CONFIG, load_config
from syncd.cli.parameters import AccountNames, ConfigPath, FolderNames, ShardOption
from syncd.cli.selected import selected
from syncd.config import Config, LogFormat
from syncd.config.selection import Selection
from syncd.folders import skipped
from syncd.ledger.file import reading
from syncd.ledger.queries import by_reason
from syncd.logs.setup import configure_logs, hide
from syncd.model import AccountName, printable
from syncd.rules.forecast import amount, sentence
from syncd.wording.account import paused
from syncd.wording.figures import format_size
from syncd.wording.file_counts import unread

if TYPE_CHECKING:
    from syncd.daemon.account_view import AccountView
    from syncd.daemon.plan import AccountPlan, Plan
    from syncd.daemon.plan_files import Change
    from syncd.ledger.queries import FolderSummary

_SIGNS = {"upload": "+", "copy": "=", "reject": "!", "skip": "-", "delete": "x"}


def plan(
    config: ConfigPath = DEFAULT_CONFIG,
    files: Annotated[
        bool,
        typer.Option(
            "--files",
            help="First list the files, one in a line for each account: `+` is uploaded, `=` copied"
            " from another account, `!` rejected or not readable, `-` skipped, `x` to be deleted by"
            " the daemon.",
        ),
    ] = False,
    account: AccountNames = None,
    folder: FolderNames = None,
    json: Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")] = False,
    shard: ShardOption = None,  # noqa: ARG001  its callback has applied it
) -> None:
    """Show what a backfill would send now. Nothing is sent, and the ledger is not changed.

    It works while the daemon runs. Files that have not settled are planned as they are now. A
    duration is "at most" until the access tier of the account is known. It makes no call, except
    for a folder whose ad account id has changed: it reads the names of both accounts, and how many
    images the new one has.
    """
    settings = load_config(config)
    part = selected(settings, account, folder)
    configure_logs("error", LogFormat.AUTO, sys.stderr)
    with fast_imports():
        from syncd.daemon import plan as _  # noqa: F401, PLC0415  aiohttp is slow to load
    asyncio.run(_show(settings, part, files=files, json=json))


async def _show(config: Config, part: Selection, *, files: bool, json: bool) -> None:
    from syncd.daemon.account_view import NOTHING_SHOWN, view  # noqa: PLC0415  the same
    from syncd.daemon.credentials import opener  # noqa: PLC0415  the same
    from syncd.daemon.plan import planned  # noqa: PLC0415  aiohttp is slow to load
    from syncd.daemon.plan_files import changes  # noqa: PLC0415  the same

    async with planned(config, part) as found:
        shown = NOTHING_SHOWN
        if found.changed:
            shown = await view(config, opener(config, os.environ, hide), found.changed, found.new)
        with reading(found.ledger) as db:
            listed = changes(config, part, found, db) if files else iter(())
            if json:
                _print_json(found, shown, listed if files else None)
            else:
                for change in listed:
                    print_row(_line(change))
                _print_summary(found, shown)


def _line(change: Change) -> str:
    why = "" if change.why is None else f": {change.why}"
    return f"{_SIGNS[change.action]} {','.join(change.accounts)} {change.file}{why}"


def _print_summary(found: Plan, shown: AccountView) -> None:
    for change in found.changed:
        print_row(shown.sentence(change))
    for folder_name, folder in found.folders.items():
        trouble = folder.state.doubt or folder.state.trouble
        state = f": {trouble}" if trouble else ""
        print_row(f"folder {folder_name}: {amount(folder.state.files, 'file')}{state}")
        if folder.skipped:
            print_row(f"  skipped: {skipped.sentence(by_reason(folder.skipped))}")
        for line in unread(folder.unreadable, folder.unfinished):
            print_row(f"  {line}")
    for name, account in found.accounts.items():
        for line in _account_lines(name, account):
            print_row(line)
        if others := shown.images.get(account.id):
            print_row(f"  has {amount(others, 'image')} that syncd does not manage")


def _account_lines(name: AccountName, planned: AccountPlan) -> Iterator[str]:
    tally = planned.tally
    state = "" if planned.pause is None else f"; {paused(planned.pause)}"
    yield f"account {name}: {tally.wanted:,} wanted, {tally.held:,} held{state}"
    if tally.missing:
        yield (
            f"  would send {amount(tally.missing, 'image')},"
            f" {format_size(planned.bytes)}, in {amount(planned.forecast.calls, 'POST')}"
        )
        yield f"  {sentence(name, planned.forecast, at_most=planned.at_most)}"
    else:
        yield "  would send nothing"
    for count in planned.rejected:
        yield f"  rejected: {amount(count.count, 'image')}: {count.reason}"


def _print_json(found: Plan, shown: AccountView, changes: Iterable[Change] | None) -> None:
    """Print one JSON value; its list of files is written as it is read."""
    summary = {
        "changed": [
            {
                "folder": one.folder,
                "before": one.before,
                "before_name": shown.name(one.before),
                "id": one.account.id,
                "name": shown.name(one.account.id),
            }
            for one in found.changed
        ],
        "accounts": {
            name: {**_account_json(one), "unmanaged": shown.images.get(one.id)}
            for name, one in found.accounts.items()
        },
        "folders": {name: _folder_json(one) for name, one in found.folders.items()},
    }
    if changes is None:
        print_json(summary)
    else:
        print_json_with_list("files", changes, summary)


def _account_json(planned: AccountPlan) -> Mapping[str, object]:
    tally, ahead = planned.tally, planned.forecast
    return {
        "wanted": tally.wanted,
        "held": tally.held,
        "missing": tally.missing,
        "rejected": tally.rejected,
        "bytes": planned.bytes,
        "calls": ahead.calls,
        "seconds": round(ahead.seconds, 1),
        "at_most": planned.at_most,
        "pause": planned.pause,
        "rejections": by_reason(planned.rejected),
    }


def _folder_json(planned: FolderSummary) -> Mapping[str, object]:
    return {
        "path": printable(planned.state.path),
        "files": planned.state.files,
        "doubt": planned.state.doubt,
        "trouble": planned.state.trouble,
        "skipped": by_reason(planned.skipped),
        "unreadable": by_reason(planned.unreadable),
        "unfinished": by_reason(planned.unfinished),
    }
