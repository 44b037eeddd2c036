"""What other programs and people spend on the account, as far as the headers show it."""

from __future__ import annotations

from bisect import bisect_right

from syncd.rules.pacing.budget import WRITE_POINTS, Budget

HORIZONS = (12, 8, 4, 2, 1)
"""Windows over which arrivals are averaged: the long ones are exact, the short ones quick."""

SOON = 0.25
"""Windows of watching before which nothing is said of how fast others call."""

RESOLUTION = 0.1
"""Windows between two figures that are remembered."""


class Others:
    """Calls of others in the calls' window, and how fast they come.

    A header says how many calls the account has used in a rolling hour. What is not ours is
    theirs; what came in any shorter time follows from how that figure moved, since each call
    leaves it exactly one hour after it came.
    """

    def __init__(self) -> None:
        self._times: list[float] = []
        self._arrived: list[float] = []
        self._present = 0.0
        self._first = 0.0

    def read(self, now: float, percent: float, ours: int, budget: Budget) -> None:
        """Take in the percent of the budget's calls that are used; ours is what we spent of it."""
        one = budget.calls / 100
        gone = self._before(now - budget.calls_window)
        least = percent * one - ours + gone
        most = max(least + one, gone)  # whole percents are told, and cut off
        if self._times:
            # Exact is a figure that has just changed. In between, they go on as they did.
            since = (now - self._times[-1]) / budget.window
            went_on = self._arrived[-1] + self.points(now, budget) / WRITE_POINTS * since
            arrived = min(max(went_on, least), most)
        else:
            arrived = least + one / 2 if least > 0 else 0.0
        self._present = arrived - gone
        if len(self._times) > 1 and now - self._times[-2] < RESOLUTION * budget.window:
            self._times[-1], self._arrived[-1] = now, arrived
        else:
            if not self._times:  # as if they had come evenly in the hour before
                self._first = now
                self._times.append(now - budget.calls_window)
                self._arrived.append(0.0)
            self._times.append(now)
            self._arrived.append(arrived)
        oldest = now - budget.calls_window - (HORIZONS[0] + 1) * budget.window
        drop = bisect_right(self._times, oldest) - 1
        if drop > 0:
            del self._times[:drop], self._arrived[:drop]

    def calls(self, now: float, budget: Budget) -> float:
        """Return how many calls of others the hour holds."""
        if not self._times:
            return 0.0
        age = now - self._times[-1]
        return max(0.0, self._present * (1 - age / budget.calls_window))

    def points(self, now: float, budget: Budget) -> float:
        """Return how many points others spend in a window, if all that they do is write."""
        if not self._times:
            return 0.0
        last, window = self._times[-1], budget.window
        error = budget.calls / 100
        rate: float | None = None  # calls a window
        seen = (last - self._first) / window
        for horizon in (min(h, seen) for h in HORIZONS):
            if horizon < SOON:  # too soon to tell: as they came before we looked
                return self.calls(now, budget) * window / budget.calls_window * WRITE_POINTS
            came = self._arrived[-1] - self._before(last - horizon * window)
            least, most = max(0.0, came - error) / horizon, (came + error) / horizon
            if rate is None:
                rate = max(0.0, came) / horizon
            rate = min(max(rate, least), most)
        fresh = max(0.0, 1 - max(0.0, now - last - window) / budget.calls_window)
        return max(0.0, rate or 0.0) * WRITE_POINTS * fresh

    def forget(self) -> None:
        self._times.clear()
        self._arrived.clear()
        self._present = 0.0

    def _before(self, time: float) -> float:
        """Return how many had come until then, between two figures on the line that joins them."""
        place = bisect_right(self._times, time)
        if place == 0:
            return self._arrived[0] if self._times else 0.0
        if place == len(self._times):
            return self._arrived[-1]
        t0, t1 = self._times[place - 1], self._times[place]
        a0, a1 = self._arrived[place - 1], self._arrived[place]
        return a0 + (a1 - a0) * (time - t0) / (t1 - t0)
