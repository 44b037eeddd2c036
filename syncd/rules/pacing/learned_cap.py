"""What a refusal teaches that our figures do not explain: how much goes through after all."""

from __future__ import annotations

from syncd.rules.pacing.budget import WRITE_POINTS

HOLD, GROWTH = 12, 0.1
"""After such a refusal: for how many windows we keep to what had gone through, and by which part
of it we then ask for more, a window."""


class Refusals:
    """Of one account; amounts are points in our window."""

    def __init__(self, now: float) -> None:
        self._cap: tuple[float, float] | None = None  # points, and since when
        self._resumed: float | None = now  # since when calls go through
        self._went = 0  # in our window as the last call went through

    def taken(self, now: float, used: int) -> None:
        """A call went through."""
        if self._resumed is None:
            self._resumed = now
        self._went = used

    def refused(self, now: float, used: int, limit: float, whole: float, window: float) -> None:
        """A call was refused when we had used so much of what we took for our limit."""
        if self._resumed is None:
            return  # the same block again: it says nothing of what we spent since
        if used < limit:
            active = min(window, max(now - self._resumed, window / 10))
            theirs = (whole - used) * window / active
            cap = min(whole - theirs, self._went - WRITE_POINTS)
            self._cap = (max(cap, WRITE_POINTS), now)
        self._resumed = None

    def limit(self, now: float, limit: float, window: float) -> float:
        """Return how much of a limit we keep to."""
        if self._cap is None:
            return limit
        cap, since = self._cap
        windows = (now - since) / window - HOLD
        growth: float = (1 + GROWTH) ** min(max(0.0, windows), 99)
        return min(limit, cap * growth)

    def forget(self) -> None:
        """The account is another one now: what was learnt of it holds no more."""
        self._cap = None
