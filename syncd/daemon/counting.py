"""How often the ledger is counted for reports: a million images take some 50 to 170 ms."""

from __future__ import annotations

COUNTING_SHARE = 0.05
"""The share of the time that counting may take. Counted five times a second, a million images
needed 36 % of a core."""


def pause_after_count(seconds: float, interval: float) -> float:
    """Return the seconds from the begin of a count, which took `seconds`, to the next one."""
    return max(interval, seconds / COUNTING_SHARE)
