"""The logger class of structlog with syncd's levels."""

from __future__ import annotations

import logging
from typing import Any

import structlog

from syncd.log import LEVELS, NOTICE

_NAMES = {number: name for name, number in LEVELS.items()}


def bound_logger(level: str) -> type[Any]:
    """Return a structlog logger class that drops events below a level."""
    least = LEVELS[level]
    # structlog has no level between info and warning.
    usual = structlog.make_filtering_bound_logger(least if least != NOTICE else logging.WARNING)
    notice = _notice if least <= NOTICE else _drop
    return type("BoundLogger", (usual,), {"notice": notice, "log": _log})


def _notice(self: structlog.BoundLoggerBase, event: str, **fields: object) -> object:
    return self._proxy_to_logger("notice", event, **fields)


def _log(self: structlog.BoundLoggerBase, level: int, event: str, **fields: object) -> object:
    return getattr(self, _NAMES[level])(event, **fields)


def _drop(_self: object, _event: str, **_fields: object) -> None:
    return None
