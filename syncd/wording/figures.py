"""Sizes, times and durations as text."""

from __future__ import annotations

import time


def format_size(count: int) -> str:
    """Return a number of bytes as "512 bytes" or "2.4 MiB"."""
    size = float(count)
    for unit in ("bytes", "KiB", "MiB", "GiB"):
        if size < 1024 or unit == "GiB":
            break
        size /= 1024
    return f"{count} bytes" if unit == "bytes" else f"{size:.1f} {unit}"


def format_time(at: float) -> str:
    """Return a time in unix seconds as local date and time."""
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(at))


def format_duration(seconds: float) -> str:
    """Return a duration as "45 s", "12 min" or "3 h 5 min"."""
    whole = max(0, round(seconds))
    if whole < 120:
        return f"{whole} s"
    minutes = round(whole / 60)
    if minutes < 120:
        return f"{minutes} min"
    return f"{minutes // 60} h {minutes % 60} min"
