"""The log as every room writes it: structlog's, with the level `notice` beside the usual ones."""

from __future__ import annotations

import logging
from datetime import UTC, datetime
from typing import Any, Protocol

import structlog

NOTICE = (logging.INFO + logging.WARNING) // 2
LEVELS = {
    "debug": logging.DEBUG,
    "info": logging.INFO,
    "notice": NOTICE,
    "warning": logging.WARNING,
    "error": logging.ERROR,
    "critical": logging.CRITICAL,
}
_NAMES = {number: name for name, number in LEVELS.items()}


class Log(Protocol):
    """What `structlog.get_logger()` answers, once it is configured with a bound_logger.

    debug, each step; info, what was done, and a retry that will come; notice, a state that ends,
    or begins as it should; warning, trouble begins; error, a person must act; critical, a bug.
    """

    def debug(self, event: str, **fields: object) -> object: ...
    def info(self, event: str, **fields: object) -> object: ...
    def notice(self, event: str, **fields: object) -> object: ...
    def warning(self, event: str, **fields: object) -> object: ...
    def error(self, event: str, **fields: object) -> object: ...
    def critical(self, event: str, **fields: object) -> object: ...

    def log(self, level: int, event: str, **fields: object) -> object:
        """Write at a level that is known by its number alone."""


def moment(at: float | None) -> datetime | None:
    """Return a time in unix seconds as the log has it: ISO, in UTC; None for never."""
    return None if at is None else datetime.fromtimestamp(at, UTC)


def elapsed(since: float, now: float) -> float:
    """Return the seconds between two times in unix seconds; 0 if the clock was set back."""
    return round(max(0.0, now - since), 1)


def bound_logger(level: str) -> type[Any]:
    """Return structlog's class of loggers that write what is of this level or above."""
    least = LEVELS[level]
    # structlog has no level between info and warning.
    usual = structlog.make_filtering_bound_logger(least if least != NOTICE else logging.WARNING)
    notice = _notice if least <= NOTICE else _unheard
    return type("BoundLogger", (usual,), {"notice": notice, "log": _log})


def _notice(self: structlog.BoundLoggerBase, event: str, **fields: object) -> object:
    return self._proxy_to_logger("notice", event, **fields)


def _log(self: structlog.BoundLoggerBase, level: int, event: str, **fields: object) -> object:
    return getattr(self, _NAMES[level])(event, **fields)


def _unheard(_self: object, _event: str, **_fields: object) -> None:
    return None
