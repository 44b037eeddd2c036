"""A cap learned from throttling that the known budget does not explain."""

from __future__ import annotations

from syncd.rules.pacing.budget import WRITE_POINTS

HOLD_WINDOWS = 12
"""Windows for which a learned cap stays as it is."""

GROWTH = 0.1
"""Share by which the cap then grows in each window."""


class LearnedCap:
    """The cap of one account, in points per window."""

    def __init__(self, now: float) -> None:
        self._cap: tuple[float, float] | None = None  # points, and since when
        self._accepted_since: float | None = now  # None while the account is blocked
        self._used = 0  # points in our window at the last accepted call

    def record_accepted(self, now: float, used: int) -> None:
        """Record that the account accepted a call, when our window held `used` points."""
        if self._accepted_since is None:
            self._accepted_since = now
        self._used = used

    def record_throttled(
        self, now: float, used: int, limit: float, whole: float, window: float
    ) -> None:
        """Learn from a call that was throttled after `used` points of an assumed `limit`.

        whole is the whole budget in points, window its length in seconds.
        """
        if self._accepted_since is None:
            return  # the same block again: it shows nothing about what was spent since
        if used < limit:
            active = min(window, max(now - self._accepted_since, window / 10))
            theirs = (whole - used) * window / active
            cap = min(whole - theirs, self._used - WRITE_POINTS)
            self._cap = (max(cap, WRITE_POINTS), now)
        self._accepted_since = None

    def apply(self, now: float, limit: float, window: float) -> float:
        """Return `limit`, or the cap if that is lower."""
        if self._cap is None:
            return limit
        cap, since = self._cap
        windows = (now - since) / window - HOLD_WINDOWS
        growth: float = (1 + GROWTH) ** min(max(0.0, windows), 99)
        return min(limit, cap * growth)

    def reset(self) -> None:
        """Forget the cap: the account has another budget now."""
        self._cap = None
