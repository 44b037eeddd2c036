"""The logger class of structlog with syncd's levels."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from contextlib import suppress
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
    info_each = _info_each if least <= logging.INFO else _drop
    methods = {"notice": notice, "info_each": info_each, "log": _log}
    return type("BoundLogger", (usual,), methods)


def _notice(self: structlog.BoundLoggerBase, event: str, **fields: object) -> object:
    return self._proxy_to_logger("notice", event, **fields)


def _info_each(self: structlog.BoundLoggerBase, event: str, **columns: Iterable[object]) -> object:
    """Pass many records to the logger at once.

    A record of `image.held` takes 7.7 us of CPU instead of 12: structlog binds a logger for each
    call, and the log's thread is woken once. A backfill takes 3 % less.
    """
    records = []
    for row in zip(*columns.values(), strict=False):
        with suppress(structlog.DropEvent):
            (record,), _ = self._process_event("info", event, dict(zip(columns, row, strict=True)))
            records.append(record)
    return self._logger.info_all(records) if records else None


def _log(self: structlog.BoundLoggerBase, level: int, event: str, **fields: object) -> object:
    return getattr(self, _NAMES[level])(event, **fields)


def _drop(_self: object, _event: str, **_fields: object) -> None:
    return None
