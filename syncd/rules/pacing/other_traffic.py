"""The calls that other clients make to the account, as far as headers show them."""

from __future__ import annotations

from bisect import bisect_right

from syncd.rules.pacing.budget import WRITE_POINTS, Budget

HORIZONS = (12, 8, 4, 2, 1)
"""Windows over which the rate is averaged: long ones are exact, short ones react quickly."""

MIN_OBSERVED = 0.25
"""Windows of observation below which the rate is taken from the whole hour."""

RESOLUTION = 0.1
"""Windows between two figures that are kept."""


class OtherTraffic:
    """How many calls other clients have made in the last hour, and at which rate.

    A header reports how many calls the account has used in a rolling hour. The calls that syncd did
    not make were made by others. Since each call leaves that figure exactly one hour after it was
    made, the changes of the figure show how many calls were made in any shorter time.
    """

    def __init__(self) -> None:
        self._times: list[float] = []
        self._arrived: list[float] = []  # calls made by others until each of these times
        self._present = 0.0
        self._first = 0.0

    def update(self, now: float, percent: float, ours: int, budget: Budget) -> None:
        """Record the percent of the budget's calls that are used; syncd used `ours` of them."""
        one = budget.calls / 100
        left = self._before(now - budget.calls_window)
        least = percent * one - ours + left
        most = max(least + one, left)  # headers report whole percents, rounded down
        if self._times:
            # Only a figure that has just changed is exact. Until then the last rate continues.
            since = (now - self._times[-1]) / budget.window
            continued = self._arrived[-1] + self.points(now, budget) / WRITE_POINTS * since
            arrived = min(max(continued, least), most)
        else:
            arrived = least + one / 2 if least > 0 else 0.0
        self._present = arrived - left
        if len(self._times) > 1 and now - self._times[-2] < RESOLUTION * budget.window:
            self._times[-1], self._arrived[-1] = now, arrived
        else:
            if not self._times:  # assume that they were spread evenly over the last hour
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
        """Return the calls of others in the last hour."""
        if not self._times:
            return 0.0
        age = now - self._times[-1]
        return max(0.0, self._present * (1 - age / budget.calls_window))

    def points(self, now: float, budget: Budget) -> float:
        """Return the points that others spend per window, assuming that they only write."""
        if not self._times:
            return 0.0
        last, window = self._times[-1], budget.window
        error = budget.calls / 100
        rate: float | None = None  # calls per window
        observed = (last - self._first) / window
        for horizon in (min(h, observed) for h in HORIZONS):
            if horizon < MIN_OBSERVED:
                return self.calls(now, budget) * window / budget.calls_window * WRITE_POINTS
            made = self._arrived[-1] - self._before(last - horizon * window)
            least, most = max(0.0, made - error) / horizon, (made + error) / horizon
            if rate is None:
                rate = max(0.0, made) / horizon
            rate = min(max(rate, least), most)
        fresh = max(0.0, 1 - max(0.0, now - last - window) / budget.calls_window)
        return max(0.0, rate or 0.0) * WRITE_POINTS * fresh

    def reset(self) -> None:
        """Forget all figures: what was charged as ours, or as theirs, has changed."""
        self._times.clear()
        self._arrived.clear()
        self._present = 0.0

    def _before(self, time: float) -> float:
        """Return how many calls were made until `time`, interpolated between two figures."""
        place = bisect_right(self._times, time)
        if place == 0:
            return self._arrived[0] if self._times else 0.0
        if place == len(self._times):
            return self._arrived[-1]
        t0, t1 = self._times[place - 1], self._times[place]
        a0, a1 = self._arrived[place - 1], self._arrived[place]
        return a0 + (a1 - a0) * (time - t0) / (t1 - t0)
