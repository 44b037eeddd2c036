"""The API's two ways to write a moment, as unix seconds; no IO."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from syncd.graph.json_values import converted, text

_BEYOND = 1e11  # the year 5138 in seconds, 1973 in milliseconds: no image is from either


def of_header(date: str | None) -> float | None:
    """Read an HTTP Date header (RFC 9110, IMF-fixdate); None when it is absent or unreadable."""
    try:
        moment = datetime.strptime(date or "", "%a, %d %b %Y %H:%M:%S GMT").replace(tzinfo=UTC)
    except ValueError:
        return None
    return moment.timestamp()


def of_field(value: Any) -> float | None:
    """Read a field such as `created_time`: ISO 8601 with an offset, or unix seconds.

    None when it is unreadable, and also when the offset is missing: that may be hours away.
    """
    seconds = converted(value, float)
    if seconds is None:
        seconds = _of_iso(text(value) or "")
    return seconds if seconds is not None and 0 < seconds < _BEYOND else None


def _of_iso(written: str) -> float | None:
    try:
        moment = datetime.fromisoformat(written)
    except ValueError:
        return None
    return moment.timestamp() if moment.tzinfo is not None else None
