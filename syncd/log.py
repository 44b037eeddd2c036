"""The event logger: structlog's, with the additional level `notice`."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Protocol

NOTICE = (logging.INFO + logging.WARNING) // 2
LEVELS = {
    "debug": logging.DEBUG,
    "info": logging.INFO,
    "notice": NOTICE,
    "warning": logging.WARNING,
    "error": logging.ERROR,
    "critical": logging.CRITICAL,
}


class Log(Protocol):
    """The logger that `structlog.get_logger()` returns once `bound_logger` is configured.

    The levels are for: debug, each step; info, what was done, and that a retry follows; notice,
    that trouble ended, or that an expected state began; warning, that trouble began; error, that
    the operator must act; critical, a bug.
    """

    def debug(self, event: str, **fields: object) -> object: ...
    def info(self, event: str, **fields: object) -> object: ...
    def notice(self, event: str, **fields: object) -> object: ...
    def warning(self, event: str, **fields: object) -> object: ...
    def error(self, event: str, **fields: object) -> object: ...
    def critical(self, event: str, **fields: object) -> object: ...

    def info_each(self, event: str, **columns: Iterable[object]) -> object:
        """Log one record for each row of the columns, as many as the shortest column has.

        They are written together, with the fields and the form that `info` would give them.
        """

    def log(self, level: int, event: str, **fields: object) -> object:
        """Log at a level that is given as a number."""


def moment(at: float | None) -> datetime | None:
    """Return a time in unix seconds as the log contains it, in UTC; None for None."""
    return None if at is None else datetime.fromtimestamp(at, UTC)


def timestamp(at: datetime) -> str:
    """Return a time as ISO 8601, in UTC with milliseconds, as the log and --json contain it."""
    time = at if at.tzinfo is UTC else at.astimezone(UTC)
    return time.isoformat(timespec="milliseconds").removesuffix("+00:00") + "Z"


def timestamp_of(at: float) -> str:
    """Return a time in unix seconds as the log contains it."""
    return timestamp(datetime.fromtimestamp(at, UTC))


def elapsed(since: float, now: float) -> float:
    """Return the seconds between two times in unix seconds; 0 if the clock was set back."""
    return round(max(0.0, now - since), 1)


def unexpected(error: BaseException | None) -> str:
    """Return a bug's message for the operator; the class of the error is in the traceback."""
    return f"unexpected error: {error}" if str(error or "") else "unexpected error"
