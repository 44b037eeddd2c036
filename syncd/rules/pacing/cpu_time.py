"""CPU and wall time: the third limit, of which headers tell, and nobody how it is counted."""

from __future__ import annotations

WORK_FREE, WORK_FULL = 50.0, 95.0
"""Percent of CPU or wall time up to which it slows nothing, and where nothing goes any more."""


class Work:
    """How much of an account's CPU and wall time is used, as far as the headers say."""

    def __init__(self) -> None:
        self._last: tuple[float, float] | None = None  # percent, and when it was said
        self._of_one = 0.0

    def read(self, now: float, percent: float) -> None:
        """Take in what a header says."""
        if self._last is not None and percent > self._last[0]:
            rise = percent - self._last[0]
            self._of_one = max(rise, self._of_one + (rise - self._of_one) / 4)
        self._last = (percent, now)

    def stretch(self, now: float, window: float) -> float:
        """Return by how much further apart calls go as it runs out; window is its hour."""
        if self._last is None:
            return 1.0
        percent, at = self._last
        age = min(1.0, (now - at) / window)
        # Nobody says when the work was done: most of it may leave the hour at its end only.
        expected = percent * (1 - age**4) + self._of_one
        left = (WORK_FULL - expected) / (WORK_FULL - WORK_FREE)
        return 1.0 if left >= 1 else 1 / max(left, 0.01)
