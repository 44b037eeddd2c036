"""An account's quota: its budget, what syncd and others have spent of it, and what is left."""

from __future__ import annotations

from dataclasses import dataclass

from syncd.rules.pacing.budget import WRITE_POINTS, Budget, Call, Terms, Tier
from syncd.rules.pacing.cpu_time import CpuTime
from syncd.rules.pacing.learned_cap import LearnedCap
from syncd.rules.pacing.limit import Limit
from syncd.rules.pacing.other_traffic import OtherTraffic
from syncd.rules.pacing.pricing import Pricing
from syncd.rules.pacing.usage import BudgetUsage

LARGE_BUDGET = 1000
"""Writes per window from which a budget is large: there, a throttled call costs little."""

JITTER = 0.02
"""Share by which the spending of others may exceed its average: no client calls quite evenly."""


@dataclass(frozen=True, slots=True)
class Price:
    """The assumed cost of a call."""

    points: int
    calls: int


class Quota:
    """One account's quota. Times are seconds of a clock that never runs backwards."""

    def __init__(self, terms: Terms, now: float) -> None:
        self._terms = terms
        self._reported_tier: Tier | None = None
        self._set_budget(terms.budget())
        self._others = OtherTraffic()
        # Points that others have spent, when that was reported, and since when it is reported.
        self._others_points: tuple[float, float, float] | None = None
        self._learned_cap = LearnedCap(now)
        self.cpu_time = CpuTime()
        self.points = Limit(self.whole.window, points=True)
        self.calls = Limit(self.whole.calls_window, points=False)

    @property
    def tier(self) -> Tier:
        """The assumed tier."""
        return self._terms.tier_for(self._reported_tier)

    def price(self, call: Call) -> Price:
        """Return the assumed cost of a call."""
        by_image = self.pricing.by_image
        return Price(
            self.points.price(call, by_image=by_image), self.calls.price(call, by_image=by_image)
        )

    def used(self, now: float) -> int:
        """Return the points that our window is assumed to hold."""
        return self.points.used(now, by_image=self.pricing.by_image)

    def share_used(self, now: float) -> float:
        """Return the share of our part of the budget that is spent or in flight.

        The higher one of points and calls.
        """
        by_image = self.pricing.by_image
        return max(
            self.points.used(now, by_image=by_image) / self.ours.points,
            self.calls.used(now, by_image=by_image) / self.ours.calls,
        )

    def images(self, now: float, wanted: int) -> int:
        """Return how many images the next POST may upload, at most `wanted`."""
        room = min(
            (self.ours.points - self.points.used(now, by_image=True)) // WRITE_POINTS,
            self.ours.calls - self.calls.used(now, by_image=True),
        )
        return self.pricing.most_images(wanted, self.ours, room)

    def allowed_points(self, now: float) -> float:
        """Return the points that our window may hold.

        That is the budget without the reserve and without what others spend. Their spending is
        taken from the reserve first.
        """
        theirs = self._others.points(now, self.whole)
        if self._others_points is not None:
            seen, at, since = self._others_points
            left = max(0.0, 1 - (now - at) / self.whole.window)
            # Before a whole window was observed, the report may not show all of their spending.
            is_whole = at - since >= self.whole.window
            theirs = seen * left if is_whole else max(theirs, seen * left)
        theirs = WRITE_POINTS * round(theirs * (1 + JITTER) / WRITE_POINTS)
        limit = min(float(self.ours.points), self.whole.points - theirs)
        return self._learned_cap.apply(now, limit, self.whole.window)

    def allowed_calls(self, now: float) -> float:
        """Return the calls that our window may hold, as `allowed_points` does."""
        theirs = self._others.calls(now, self.whole)
        return min(float(self.ours.calls), self.whole.calls - theirs)

    def start(self, call: Call) -> None:
        """Record that a call is in flight."""
        self.points.start(call)
        self.calls.start(call)

    def finish(self, call: Call) -> None:
        """Record that a call has ended, or was never sent."""
        self.points.finish(call)
        self.calls.finish(call)

    def spend(self, now: float, call: Call) -> None:
        """Record that a call has received its response."""
        self.points.spend(now, call)
        self.calls.spend(now, call)

    def record_accepted(self, now: float, call: Call) -> None:
        """Record that the account accepted a call that is in flight."""
        self._learned_cap.record_accepted(now, self.used(now))
        points_by_image = self.points.used(now, by_image=True)
        self.pricing.record_accepted(now, call, self.whole, points_by_image)

    def record_throttled(self, now: float, call: Call) -> None:
        """Record that the account rejected a call that is in flight because of its budget."""
        if self.pricing.record_throttled(now, call, self.whole.window):
            self._others.reset()
            return
        used = self.used(now) - self.price(call).points
        limit, whole = self.allowed_points(now), self.whole
        self._learned_cap.record_throttled(now, used, limit, whole.points, whole.window)

    def update(self, now: float, usage: BudgetUsage) -> None:
        """Record what the headers of a response report."""
        if usage.tier is not None:
            self._reported_tier = usage.tier
            if (budget := self._terms.budget(usage.tier)) != self.whole:
                self._set_budget(budget)
                self._others.reset()
                self._learned_cap.reset()
        by_image = self.pricing.by_image
        self.pricing.update(now, usage.calls, self.whole)
        if self.pricing.by_image is not by_image:  # until now, shares were attributed wrongly
            self._others.reset()
        if usage.calls is not None:
            ours = self.calls.used(now, by_image=self.pricing.by_image)
            self._others.update(now, usage.calls, ours, self.whole)
        if usage.points is not None:
            seen = usage.points / 100 * self.whole.points
            since = now if self._others_points is None else self._others_points[2]
            self._others_points = (max(0.0, seen - self.used(now)), now, since)
        if usage.cpu_time is not None:
            self.cpu_time.update(now, usage.cpu_time)

    def forget_reports(self) -> None:
        """Forget what headers have reported about the spending of others and about CPU time."""
        self._others.reset()
        self._others_points = None
        self.cpu_time = CpuTime()

    def _set_budget(self, whole: Budget) -> None:
        self.whole = whole
        self.ours = whole.less(self._terms.reserve)
        trusting = whole.points >= LARGE_BUDGET * WRITE_POINTS
        self.pricing = Pricing(whole.calls_window, trusting=trusting)
