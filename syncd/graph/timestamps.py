"""The API's two notations of a time, as Unix seconds; no IO."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from syncd.graph.json_values import converted, text

_TOO_LARGE = 1e11  # the year 5138 in seconds, 1973 in milliseconds: no image is from either


def of_header(date: str | None) -> float | None:
    """Return the time of an HTTP Date header; None when it is absent or unreadable.

    RFC 9110, IMF-fixdate.
    """
    try:
        moment = datetime.strptime(date or "", "%a, %d %b %Y %H:%M:%S GMT").replace(tzinfo=UTC)
    except ValueError:
        return None
    return moment.timestamp()


def of_field(value: Any) -> float | None:
    """Return the time of a field such as `created_time`: ISO 8601 with an offset, or Unix seconds.

    None when it is unreadable, and also without an offset: it could be hours off.
    """
    seconds = converted(value, float)
    if seconds is None:
        seconds = _of_iso(text(value) or "")
    return seconds if seconds is not None and 0 < seconds < _TOO_LARGE else None


def _of_iso(value: str) -> float | None:
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        return None
    return moment.timestamp() if moment.tzinfo is not None else None
