"""The log of a long-running command, from its first record to the one that reports its end."""

from __future__ import annotations

import faulthandler
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import structlog

from syncd.cli.errors import ending_of
from syncd.config import Config, LogLevel
from syncd.log import Log
from syncd.logs.hooks import capture_uncaught
from syncd.logs.queue import LogQueue
from syncd.logs.setup import Lines, configure_logs

log: Log = structlog.get_logger()

SetLog = Callable[[Config], Lines]
"""Configures the log from a configuration."""


@contextmanager
def logged_session(config: Config, level: LogLevel | None = None) -> Iterator[tuple[Lines, SetLog]]:
    """Log to stderr or the journal within the block, and write all records before it ends.

    `level` replaces that of every configuration.
    An error that ends the block is one record, and the process ends with its exit code.
    """
    faulthandler.enable()  # SIGABRT from the watchdog prints where each thread is blocked
    with LogQueue() as queue:

        def set_log(now: Config) -> Lines:
            return configure_logs(level or now.log.level, now.log.format, sys.stderr, queue=queue)

        lines = set_log(config)
        with capture_uncaught(), _log_failure():
            yield lines, set_log


@contextmanager
def _log_failure() -> Iterator[None]:
    try:
        yield
    except Exception as error:
        ending = ending_of(error)
        if ending.crashed:
            log.critical("daemon.crashed", why=ending.why, remedy=ending.remedy, exc_info=error)
        else:
            log.error("daemon.failed", why=ending.why, remedy=ending.remedy)  # noqa: TRY400 - expected
        sys.exit(ending.code)
