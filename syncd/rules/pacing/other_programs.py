"""The share that other programs spend of the account's budget, as far as headers show it."""

from __future__ import annotations

from collections import deque

from syncd.rules.pacing.budget import WRITE_POINTS, Budget

JITTER = 1.02
"""Factor by which others may be faster than their average; in a small budget, less than a write."""

QUICKEST = 0.25
"""Windows since the first header below which no rate is computed from the difference to it."""

SMOOTHED = 4
"""Windows over which reported points are averaged: what our window holds cannot follow faster."""

MOST_SHARE = 0.85
"""Share of the budget that an estimate takes at most: others may read, and be taken for writers."""


class OtherPrograms:
    """Calls and points of others: what headers report, less our own."""

    def __init__(self, budget: Budget) -> None:
        self._budget = budget
        self._calls, self._at = 0.0, 0.0
        self._first: tuple[float, float] | None = None  # calls at the first header, and its time
        self._points: tuple[float, float] | None = None  # per window, and when that was reported
        self._since: float | None = None  # the first header
        self._blocks: deque[float] = deque()  # when they began; during a block no program calls
        self._rate = 0.0  # calls per second since the first header

    def update_calls(self, now: float, percent: float, ours: int) -> None:
        """Record the percent of the hour's calls that are used; `ours` of them were ours.

        Headers round down, so a figure is a range, and the estimate changes when it leaves it.
        """
        one = self._budget.calls / 100
        least, most = percent * one - ours, (percent + 1) * one - ours
        calls = max(0.0, min(max(self._calls, least), most))
        if self._first is None:
            self._first = (calls, now)
        first, since = self._first
        if calls != self._calls:  # only a figure that has just changed is exact
            open_for = now - since - self._blocked(now)
            self._rate = (calls - first) / max(open_for, QUICKEST * self._budget.window)
        self._calls, self._at = calls, now
        self._since = now if self._since is None else self._since

    def update_points(self, now: float, percent: float, ours: int) -> None:
        """Record the percent of the points that are used; `ours` of them were ours."""
        window = self._budget.window
        if self._blocks and now < self._blocks[-1] + self._budget.block + window:
            return  # it shows less than a window of theirs
        theirs = max(0.0, percent / 100 * self._budget.points - ours)
        if self._points is not None:
            before, at = self._points
            theirs = before + (theirs - before) * min(1.0, (now - at) / (SMOOTHED * window))
        self._points = (theirs, now)
        self._since = now if self._since is None else self._since

    def record_block(self, now: float) -> None:
        """Record that the account blocks all calls."""
        self._blocks.append(now)

    def is_known(self, now: float) -> bool:
        """Return whether headers have shown their rate for an hour."""
        return self._since is not None and now > self._since + self._budget.calls_window

    def is_settled(self, now: float) -> bool:
        """Return whether no block has disturbed what headers show for an hour."""
        return self.is_known(now) and not self._blocked(now)

    def in_hour(self, now: float) -> float:
        """Return their calls in the last hour, which become fewer while no header comes."""
        return self._calls * max(0.0, 1 - (now - self._at) / self._budget.calls_window)

    def points_per_window(self, now: float) -> float:
        """Return the points that they spend per window: as reported, or as if they wrote evenly."""
        budget = self._budget
        if self._points is not None and now < self._points[1] + budget.calls_window:
            writes = self._points[0] / WRITE_POINTS
        else:
            writes = self._calls_per_second(now) * budget.window * JITTER
        return min(WRITE_POINTS * round(writes), MOST_SHARE * budget.points)

    def _calls_per_second(self, now: float) -> float:
        """Return their rate: evenly over the hour.

        In the hour after the first header the rate since then applies if it is higher, because they
        may have started after it.
        """
        hour = self._budget.calls_window
        rate = self.in_hour(now) / max(hour - self._blocked(now), self._budget.window)
        if self._first is not None and now - self._first[1] < hour:
            rate = max(rate, self._rate)
        return rate

    def _blocked(self, now: float) -> float:
        """Return for how many seconds of the last hour the account was blocked."""
        began, block = now - self._budget.calls_window, self._budget.block
        while self._blocks and self._blocks[0] + block <= began:
            self._blocks.popleft()
        return sum(min(now, at + block) - max(began, at) for at in self._blocks)
