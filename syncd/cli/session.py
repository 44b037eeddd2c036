"""What commands that last have around them: a log that nobody waits for, an end that it tells."""

from __future__ import annotations

import faulthandler
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import structlog
import typer

from syncd.cli.errors import ending_of
from syncd.config import Config
from syncd.log import Log
from syncd.logs.hooks import capture_uncaught
from syncd.logs.queue import LogQueue
from syncd.logs.setup import Lines, configure_logs

log: Log = structlog.get_logger()

SetLog = Callable[[Config], Lines]
"""Sets the log up as a configuration says."""


@contextmanager
def lasting(config: Config) -> Iterator[tuple[Lines, SetLog]]:
    """Log to stderr or the journal inside the block, and write all of it before the block ends.

    An error that ends the block is one record, and the process ends with its exit code.
    """
    faulthandler.enable()  # the watchdog's SIGABRT shows in the journal what blocked the loop
    with LogQueue() as queue:

        def set_log(now: Config) -> Lines:
            return configure_logs(now.log.level, now.log.format, sys.stderr, queue=queue)

        lines = set_log(config)
        with capture_uncaught(), _end_told():
            yield lines, set_log


@contextmanager
def _end_told() -> Iterator[None]:
    try:
        yield
    except Exception as error:
        ending = ending_of(error)
        if ending.crashed:
            log.critical("daemon.crashed", why=ending.why, remedy=ending.remedy, exc_info=error)
        else:
            log.error("daemon.failed", why=ending.why, remedy=ending.remedy)  # noqa: TRY400 - expected
        raise typer.Exit(ending.code) from None
