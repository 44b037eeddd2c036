"""Local times as users write them: 18:00, 2026-12-01 or 2026-12-01T08:00."""

from __future__ import annotations

import re
from datetime import datetime, timedelta


def parse_time(text: str, now: float, *, is_past: bool = False) -> float | None:
    """Return a local time in unix seconds; None for any other text.

    A time without a date is the next one of the clock or, if `is_past`, the last one.
    """
    today = datetime.fromtimestamp(now).astimezone()
    if re.fullmatch(r"\d{1,2}:\d{2}", text):
        hour, minute = map(int, text.split(":"))
        if hour > 23 or minute > 59:
            return None
        then = today.replace(hour=hour, minute=minute, second=0, microsecond=0)
        if is_past:
            return (then if then <= today else then - timedelta(days=1)).timestamp()
        return (then if then > today else then + timedelta(days=1)).timestamp()
    try:
        return datetime.fromisoformat(text).timestamp()
    except (ValueError, OverflowError, OSError):  # also a date that no clock can have
        return None
