"""An account's quota: its budget, what syncd and others have spent of it, and what is left."""

from __future__ import annotations

from dataclasses import dataclass

from syncd.rules.pacing.budget import WRITE_POINTS, Budget, Call, End, Terms, Tier
from syncd.rules.pacing.charge import Charge
from syncd.rules.pacing.cpu_time import CpuTime
from syncd.rules.pacing.learned_cap import LearnedCap
from syncd.rules.pacing.other_programs import OtherPrograms
from syncd.rules.pacing.sliding_window import SlidingWindow
from syncd.rules.pacing.usage import BudgetUsage

FRESH_RESERVE = 0.5
"""Share of the reserve that fresh images may use: a write on development."""


@dataclass(frozen=True, slots=True)
class Price:
    """The assumed cost of a call, or of all calls that count."""

    points: int
    calls: int


@dataclass(frozen=True, slots=True)
class Limits:
    """The amounts that our windows may hold."""

    points: float
    calls: float


class Quota:
    """One account's quota. Times are seconds of a clock that never runs backwards."""

    def __init__(self, terms: Terms, now: float) -> None:
        self.terms = terms
        self.reported: Tier | None = None
        """The access tier, as headers last reported it."""
        self._set_budget(terms.budget())
        self.charge = Charge()
        self.points = SlidingWindow(self.whole.window)
        self.calls = SlidingWindow(self.whole.calls_window)
        self._learned_cap = LearnedCap()
        self._throttled_at = now - self.whole.block
        self.forget_reports()

    @property
    def is_tier_known(self) -> bool:
        """Whether the tier is configured or was reported; if not, the smaller one is assumed."""
        return (self.terms.tier or self.reported) is not None

    def price(self, call: Call) -> Price:
        """Return the assumed cost of a call."""
        times = max(1, call.images) if self.charge.by_image else 1
        return Price(call.points * times, times)

    def used(self, now: float) -> Price:
        """Return what our windows are assumed to hold, with calls in flight."""
        by_image = self.charge.by_image
        return Price(
            self.points.used(now, by_image=by_image), self.calls.used(now, by_image=by_image)
        )

    def limits(self, now: float, ours: Budget) -> Limits:
        """Return what our windows may hold of `ours`, a part of the budget.

        What others spend is taken from the rest first.
        """
        whole = self.whole
        theirs = self._learned_cap.theirs(now, self._others.points_per_window(now))
        calls = min(ours.calls, whole.calls - self._others.in_hour(now))
        by_cpu_time = self._cpu_time.most_calls(now, self.used(now).calls, whole.calls_window)
        return Limits(min(ours.points, whole.points - theirs), min(calls, by_cpu_time))

    def delay(self, now: float, call: Call, ours: Budget) -> float:
        """Return the seconds until a call stays within both limits of `ours`."""
        price, limits, by_image = self.price(call), self.limits(now, ours), self.charge.by_image
        return max(
            self.points.delay(now, price.points, limits.points, by_image=by_image),
            self.calls.delay(now, price.calls, limits.calls, by_image=by_image),
        )

    def start(self, call: Call) -> None:
        """Record that a call is in flight."""
        images = max(1, call.images)
        self.points.start(call.points, call.points * images)
        self.calls.start(1, images)

    def withdraw(self, call: Call) -> None:
        """Record that a call is no longer in flight."""
        images = max(1, call.images)
        self.points.finish(call.points, call.points * images)
        self.calls.finish(1, images)

    def spend(self, now: float, call: Call) -> None:
        """Record that a call has received its response."""
        images = max(1, call.images)
        self.points.add(now, call.points, call.points * images)
        self.calls.add(now, 1, images)

    def finish(self, now: float, call: Call, end: End) -> None:
        """Record how a call that was in flight has ended."""
        self.withdraw(call)
        match end:
            case End.TAKEN:
                self.spend(now, call)
                self._learned_cap.record_accepted(self.used(now).points)
                window = self.points.spent(now, by_image=True)
                self.charge.record_accepted(now, call, window, self.whole)
            case End.THROTTLED:
                self._record_throttled(now, call)
                self.spend(now, Call(call.points, 1))  # no image was stored
            case End.OTHERWISE:
                self.spend(now, call)

    def update(self, now: float, usage: BudgetUsage) -> None:
        """Record what the headers of a response report."""
        if usage.tier is not None:
            self.reported = usage.tier
            if (budget := self.terms.budget(usage.tier)) != self.whole:
                self._set_budget(budget)
                self.charge.forget_proof()
                self._others, self._learned_cap = OtherPrograms(budget), LearnedCap()
        if usage.calls is not None:
            self._update_calls(now, usage.calls)
        if usage.points is not None:
            self._others.update_points(now, usage.points, self.used(now).points)
        if self._others.is_settled(now):
            self._learned_cap.settle(now, self._others.points_per_window(now))
        if usage.cpu_time is not None:
            self._cpu_time.update(now, usage.cpu_time)

    def doubt(self, now: float) -> None:
        """Doubt a charge by the image once it is old."""
        if self.charge.doubt(now):
            self._others = OtherPrograms(self.whole)  # the charge separates theirs from ours

    def forget_reports(self) -> None:
        """Forget what headers have reported about the spending of others and about CPU time."""
        self._others = OtherPrograms(self.whole)
        self._cpu_time = CpuTime()

    def _record_throttled(self, now: float, call: Call) -> None:
        """Learn from a throttled call, once per block."""
        if now < self._throttled_at + self.whole.block:
            return
        self._throttled_at, is_settled = now, self._others.is_settled(now)
        self._others.record_block(now)
        window = self.points.spent(now, by_image=True) + call.points * max(1, call.images)
        if self.charge.record_throttled(now, window, self.whole):
            self._others = OtherPrograms(self.whole)
            self._others.record_block(now)
            return
        self._learned_cap.record_throttled(
            now,
            limit=self.limits(now, self.ours).points,
            shown=self._others.points_per_window(now),
            whole=self.whole.points,
            is_known=self._others.is_known(now),
            is_settled=is_settled,
        )

    def _update_calls(self, now: float, percent: float) -> None:
        if self.charge.by_image:
            # The last window is left out, because headers may be late.
            last = self.points.spent(now, by_image=True) // WRITE_POINTS
            images = self.calls.spent(now, by_image=True) - last
            if (percent + 1) / 100 * self.whole.calls < images:
                self.charge.disprove()
                self._others = OtherPrograms(self.whole)
        self._others.update_calls(now, percent, self.used(now).calls)

    def _set_budget(self, whole: Budget) -> None:
        self.whole = whole
        self.ours = whole.less(self.terms.reserve)
        self.fresh = whole.less(self.terms.reserve * (1 - FRESH_RESERVE))
