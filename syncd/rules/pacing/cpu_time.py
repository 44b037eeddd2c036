"""CPU and wall time: a third limit, reported by headers, whose accounting is not documented."""

from __future__ import annotations

SLOWER_FROM, NONE_FROM = 50.0, 95.0
"""Percent of CPU or wall time from which calls are slowed down, and from which they nearly stop."""


class CpuTime:
    """How much of an account's CPU and wall time is used, as far as headers report it."""

    def __init__(self) -> None:
        self._last: tuple[float, float] | None = None  # percent, and when it was reported
        self._per_call = 0.0

    def update(self, now: float, percent: float) -> None:
        """Record a figure of a header."""
        if self._last is not None and percent > self._last[0]:
            rise = percent - self._last[0]
            self._per_call = max(rise, self._per_call + (rise - self._per_call) / 4)
        self._last = (percent, now)

    def slowdown(self, now: float, window: float) -> float:
        """Return the factor, from 1, by which the spacing of calls grows; window is in seconds."""
        if self._last is None:
            return 1.0
        percent, at = self._last
        age = min(1.0, (now - at) / window)
        # When the time was spent is unknown: most of it may leave the window only at its end.
        expected = percent * (1 - age**4) + self._per_call
        left = (NONE_FROM - expected) / (NONE_FROM - SLOWER_FROM)
        return 1.0 if left >= 1 else 1 / max(left, 0.01)
