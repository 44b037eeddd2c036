"""`syncd backfill`."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING

import typer

from syncd.cli.exits import Exit
from syncd.cli.fast_start import at_once
from syncd.cli.options import DEFAULT_CONFIG, ConfigPath, configured, opened
from syncd.cli.session import lasting
from syncd.config import Config, LogLevel
from syncd.daemon.notify import notifier
from syncd.ledger.queries import Tally
from syncd.logs.hooks import run_loop
from syncd.logs.setup import Lines

if TYPE_CHECKING:
    from syncd.daemon.backfill import Progress, Result
    from syncd.model import AccountName

Show = Callable[["Mapping[AccountName, Progress]"], None]


def backfill(config: ConfigPath = DEFAULT_CONFIG) -> None:
    """Bring everything that is missing, once, to the end.

    Exits 0 when every account is in step, 1 when an image was rejected or could not be brought.
    It waits out pauses, however long. On a terminal it shows a bar, with warnings, errors and
    what becomes of whole accounts above it; everything with log.level "debug". Elsewhere it
    writes the log's lines.
    """
    settings = configured(config)
    open_account = opened(settings)
    began = time.monotonic()
    with lasting(settings) as (lines, _):
        with at_once():
            from syncd.daemon.backfill import backfill as run_backfill  # noqa: PLC0415  as in `syncd run`

        manager = notifier(os.environ)
        with _shown(lines, settings) as show:
            result = run_loop(
                run_backfill(settings, open_account, show, manager, lambda: lines.dropped)
            )
    _report(result, time.monotonic() - began)
    raise typer.Exit(Exit.DONE if result.in_step else Exit.NOT_ALL)


def _shown(lines: Lines, config: Config) -> AbstractContextManager[Show]:
    if not sys.stderr.isatty():
        return nullcontext(lambda _progress: None)
    from syncd.cli.progress import Bar  # noqa: PLC0415  rich takes a while to load

    return Bar(lines, config.accounts, quiet=config.log.level is not LogLevel.DEBUG)


def _report(result: Result, seconds: float) -> None:
    for name, tally in result.tallies.items():
        sys.stdout.write(f"{name}: {_standing(tally)}\n")
    if result.interrupted:
        sys.stdout.write("Interrupted; run it again to go on.\n")
    elif result.in_step:
        sys.stdout.write(f"In step after {seconds:.1f} s.\n")
    else:
        sys.stdout.write("Not in step; `syncd status` says why.\n")


def _standing(tally: Tally) -> str:
    text = f"{tally.held:,} of {tally.wanted:,} images held"
    if tally.rejected:
        text += f", {tally.rejected:,} rejected"
    if tally.missing:
        text += f", {tally.missing:,} missing"
    return text
