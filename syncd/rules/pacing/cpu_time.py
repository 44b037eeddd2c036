"""CPU and wall time: a third limit, reported by headers, whose accounting is not documented."""

from __future__ import annotations

import math

FREE, FULL = 50.0, 90.0
"""Percent of CPU or wall time up to which calls are not slowed down, and at which they stop: before
100, because the cost of the next call is not known."""


class CpuTime:
    """How much of an account's CPU and wall time is used, as far as headers report it."""

    def __init__(self) -> None:
        self._percent, self._at = 0.0, 0.0

    def update(self, now: float, percent: float) -> None:
        """Record a figure of a header."""
        self._percent, self._at = percent, now

    def most_calls(self, now: float, calls: int, hour: float) -> float:
        """Return how many calls the hour may hold, at the cost of the `calls` that it holds now.

        hour is in seconds.
        """
        percent = self._percent * max(0.0, 1 - (now - self._at) / hour)
        return calls * FULL / percent if percent > FREE else math.inf
