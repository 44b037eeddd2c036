"""`syncd backfill`."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

from syncd.cli.console import print_line
from syncd.cli.errors import Exit
from syncd.cli.fast_start import fast_imports
from syncd.cli.options import account_opener, load_config
from syncd.cli.session import logged_session
from syncd.config import Config, LogLevel
from syncd.daemon.notify import notifier
from syncd.folders.scanning.scan_pool import fork_early
from syncd.ledger.queries import Tally
from syncd.logs.hooks import run_loop
from syncd.logs.setup import Lines
from syncd.rules.forecast import amount
from syncd.rules.sync import Sync

if TYPE_CHECKING:
    from syncd.daemon.backfill import Progress, Result
    from syncd.model import AccountName

Show = Callable[["Mapping[AccountName, Progress]"], None]


def backfill(config: Path) -> None:
    """Send every missing image once; a terminal shows the progress."""
    settings = load_config(config)
    fork_early(settings.ledger.path)
    open_account = account_opener(settings)
    began = time.monotonic()
    with logged_session(settings) as (lines, _):
        with fast_imports():
            from syncd.daemon.backfill import backfill as run_backfill  # noqa: PLC0415  slow to load

        manager = notifier(os.environ)
        with _progress_display(lines, settings) as show:
            filling = run_backfill(
                settings, open_account, show, manager, lambda: lines.dropped, environ=os.environ
            )
            result = run_loop(filling)
    _print_result(result, time.monotonic() - began)
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


def _progress_display(lines: Lines, config: Config) -> AbstractContextManager[Show]:
    if not sys.stderr.isatty():
        return nullcontext(lambda _progress: None)
    from syncd.cli.progress import ProgressBars  # noqa: PLC0415  rich is slow to load

    return ProgressBars(lines, config.accounts, quiet=config.log.level is not LogLevel.DEBUG)


def _print_result(result: Result, seconds: float) -> None:
    for name, tally in result.tallies.items():
        print_line(f"{name}: {_summary(tally)}")
    if result.unfinished:
        print_line(f"{amount(result.unfinished, 'file')} still changing: not sent")
    if result.interrupted:
        print_line("Interrupted; run it again to continue.")
    elif result.in_sync:
        print_line(f"In sync after {seconds:.1f} s.")
    elif result.sync is Sync.REJECTED:
        print_line("In sync except for rejected images; `syncd status` shows the reasons.")
    else:
        print_line("Not in sync; `syncd status` shows why.")


def _summary(tally: Tally) -> str:
    text = f"{tally.held:,} of {tally.wanted:,} images held"
    if tally.rejected:
        text += f", {tally.rejected:,} rejected"
    if tally.missing:
        text += f", {tally.missing:,} missing"
    if tally.unread:
        text += f", {amount(tally.unread, 'file')} not readable or not finished"
    return text
