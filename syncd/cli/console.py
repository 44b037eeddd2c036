"""Figures as a person reads them."""

from __future__ import annotations

import time


def amount(count: int, thing: str) -> str:
    """Return "1 image" or "1,200 images"."""
    return f"{count:,} {thing}" + ("" if count == 1 else "s")


def bytes_in_words(count: int) -> str:
    """Return "512 bytes" or "2.4 MiB"."""
    size = float(count)
    for unit in ("bytes", "KiB", "MiB", "GiB"):
        if size < 1024 or unit == "GiB":
            break
        size /= 1024
    return f"{count} bytes" if unit == "bytes" else f"{size:.1f} {unit}"


def moment(at: float) -> str:
    """Return a moment, in unix seconds, in local time."""
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(at))


def span(seconds: float) -> str:
    """Return "45 s", "12 min" or "3 h 5 min"."""
    whole = max(0, round(seconds))
    if whole < 120:
        return f"{whole} s"
    minutes = round(whole / 60)
    if minutes < 120:
        return f"{minutes} min"
    return f"{minutes // 60} h {minutes % 60} min"
