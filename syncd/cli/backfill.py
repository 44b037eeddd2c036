"""`syncd backfill`."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from syncd.cli.backfill_summary import result_json, result_lines
from syncd.cli.console import print_json, print_line
from syncd.cli.errors import Exit
from syncd.cli.fast_start import fast_imports
from syncd.cli.options import account_opener, load_config
from syncd.cli.selected import selected
from syncd.cli.session import logged_session
from syncd.config import LogLevel
from syncd.daemon.notify import notifier
from syncd.folders.scanning.scan_pool import fork_early
from syncd.logs.hooks import run_loop
from syncd.logs.setup import Lines
from syncd.rules.sync import Sync

if TYPE_CHECKING:
    from syncd.daemon.backfill import Progress
    from syncd.daemon.backfill_result import Result
    from syncd.model import AccountName

Show = Callable[["Mapping[AccountName, Progress]"], None]


class Choice(msgspec.Struct, frozen=True, kw_only=True):
    """What the options of a backfill choose; the empty ones stand for everything."""

    accounts: Sequence[str] = ()
    folders: Sequence[str] = ()
    limit: int | None = None
    json: bool = False
    level: LogLevel | None = None
    """Of the log, instead of the configuration's; ERROR also omits the bars and the summary."""
    yes: bool = False
    """Whether to send to other ad accounts than before without a question."""


def backfill(config: Path, choice: Choice = Choice()) -> None:  # noqa: B008  it is frozen
    """Send every missing image once, or a part of them; a terminal shows the progress."""
    settings = load_config(config)
    part = selected(settings, choice.accounts, choice.folders)
    fork_early(settings.ledger.path)
    open_account = account_opener(settings)
    level = choice.level or settings.log.level
    if not choice.yes and sys.stdin.isatty() and sys.stderr.isatty():
        from syncd.cli.confirm import confirm_changes  # noqa: PLC0415  aiohttp is slow to load

        confirm_changes(settings, part, open_account)
    with logged_session(settings, level) as (lines, _):
        with fast_imports():
            from syncd.daemon.backfill import Host  # noqa: PLC0415  slow to load
            from syncd.daemon.backfill import backfill as run_backfill  # noqa: PLC0415  the same
            from syncd.daemon.runtime import Work  # noqa: PLC0415  the same
            from syncd.engine.part import Part  # noqa: PLC0415  the same

        host = Host(notifier(os.environ), lambda: lines.dropped, os.environ)
        work = Work(part, Part(part.only, choice.limit))
        is_shown = sys.stderr.isatty() and choice.level is not LogLevel.ERROR
        bars = _bars(lines, part.accounts, level) if is_shown else nullcontext(_show_nothing)
        with bars as show:
            result = run_loop(run_backfill(settings, open_account, show, host, work))
    if choice.json:
        print_json(result_json(result))
    elif choice.level is not LogLevel.ERROR:
        for line in result_lines(result):
            print_line(line)
    sys.exit(_exit_of(result))


def _exit_of(result: Result) -> Exit:
    if result.interrupted:
        return Exit.INTERRUPTED
    match result.sync:
        case Sync.IN_SYNC:
            return Exit.DONE
        case Sync.REJECTED:
            return Exit.REJECTED
        case Sync.MISSING:
            return Exit.UNAVAILABLE if result.given_up else Exit.NOT_ALL


def _bars(
    lines: Lines, accounts: Sequence[AccountName], level: LogLevel
) -> AbstractContextManager[Show]:
    from syncd.cli.progress import ProgressBars  # noqa: PLC0415  rich is slow to load

    return ProgressBars(lines, accounts, quiet=level is not LogLevel.DEBUG)


def _show_nothing(_progress: Mapping[AccountName, Progress]) -> None:
    """Show no progress."""
