"""What is known of an account's quota: what we and others spend of it, and how much is ours."""

from __future__ import annotations

from dataclasses import dataclass

from syncd.rules.pacing.budget import WRITE_POINTS, Budget, Call, Terms, Tier
from syncd.rules.pacing.cpu_time import Work
from syncd.rules.pacing.learned_cap import Refusals
from syncd.rules.pacing.limit import Window
from syncd.rules.pacing.other_traffic import Others
from syncd.rules.pacing.pricing import Charge, Charging
from syncd.rules.pacing.usage import Reading

LARGE = 1000
"""Writes a window from which on a budget is large: there, a refusal costs little."""

JITTER = 0.02
"""By which part of it others' spending may be more than it was: nobody calls quite evenly."""


@dataclass(frozen=True, slots=True)
class Price:
    """What a call is believed to cost."""

    points: int
    calls: int


class Quota:
    """One account's quota. Times are seconds of a clock that never runs back."""

    def __init__(self, terms: Terms, now: float) -> None:
        self._terms = terms
        self._told: Tier | None = None
        self._learn(terms.budget())
        self._others = Others()
        # What we saw of others' points, when, and since when we look.
        self._seen_points: tuple[float, float, float] | None = None
        self._refusals = Refusals(now)
        self._work = Work()
        self.points = Window(self.whole.window, points=True)
        self.calls = Window(self.whole.calls_window, points=False)
        self.closed_until = now
        """Until when the headers say that nothing goes."""

    @property
    def tier(self) -> Tier:
        """The tier that is believed to hold."""
        return self._terms.tier_for(self._told)

    @property
    def charge(self) -> Charge:
        """What a POST of many images is believed to cost."""
        return self._charging.charge

    @property
    def by_image(self) -> bool:
        """Images are charged, as far as was last known."""
        return self._charging.by_image

    @property
    def ways(self) -> tuple[bool, ...]:
        """The ways of charging that must be within the budget: by the image, or not."""
        match self.charge:
            case Charge.REQUEST:
                return (False,)
            case Charge.IMAGE:
                return (True,)
            case Charge.UNKNOWN:
                return (False,) if self._charging.may_probe else (False, True)

    def price(self, call: Call) -> Price:
        """Return what a call is believed to cost."""
        return Price(
            self.points.price(call, by_image=self.by_image),
            self.calls.price(call, by_image=self.by_image),
        )

    def used(self, now: float) -> int:
        """Return the points that our window is believed to hold."""
        return self.points.used(now, by_image=self.by_image)

    def share_used(self, now: float) -> float:
        """Return which share of our part of the budget is spent or under way, in the fuller of both
        windows."""
        by_image = self.by_image
        return max(
            self.points.used(now, by_image=by_image) / self.ours.points,
            self.calls.used(now, by_image=by_image) / self.ours.calls,
        )

    def images(self, now: float, wanted: int) -> int:
        """Return how many images the next POST may bring, at most `wanted`."""
        room = min(
            (self.ours.points - self.points.used(now, by_image=True)) // WRITE_POINTS,
            self.ours.calls - self.calls.used(now, by_image=True),
        )
        return self._charging.most_images(wanted, self.ours, room)

    def limit_of_points(self, now: float) -> float:
        """Return what our windows of points may hold, the others' part and the reserve taken off.

        What others spend is taken from the reserve first: it is there for them.
        """
        theirs = self._others.points(now, self.whole)
        if self._seen_points is not None:
            seen, at, since = self._seen_points
            left = max(0.0, 1 - (now - at) / self.whole.window)
            # Who began when we did has not shown yet what a whole window of theirs holds.
            is_whole = at - since >= self.whole.window
            theirs = seen * left if is_whole else max(theirs, seen * left)
        theirs = WRITE_POINTS * round(theirs * (1 + JITTER) / WRITE_POINTS)
        limit = min(float(self.ours.points), self.whole.points - theirs)
        return self._refusals.limit(now, limit, self.whole.window)

    def limit_of_calls(self, now: float) -> float:
        """Return what our windows of calls may hold, the same taken off."""
        theirs = self._others.calls(now, self.whole)
        return min(float(self.ours.calls), self.whole.calls - theirs)

    def stretch(self, now: float) -> float:
        """Return by how much slower than evenly calls go, as CPU and wall time run out."""
        return self._work.stretch(now, self.whole.calls_window)

    def look(self, now: float) -> None:
        """Doubt in time what was learnt long ago."""
        self._charging.look_again(now)

    def start(self, call: Call) -> None:
        """A call began."""
        self.points.start(call)
        self.calls.start(call)

    def finish(self, call: Call) -> None:
        """A call that began is over, or was never sent."""
        self.points.finish(call)
        self.calls.finish(call)

    def spend(self, now: float, call: Call) -> None:
        """A call was answered."""
        self.points.spend(now, call)
        self.calls.spend(now, call)

    def taken(self, now: float, call: Call) -> None:
        """The account took a call that is under way."""
        self._refusals.taken(now, self.used(now))
        self._charging.taken(now, call, self.whole, self.points.used(now, by_image=True))

    def throttled(self, now: float, call: Call) -> None:
        """The account refused a call that is under way for its budget."""
        if self._charging.refused(now, call, self.whole.window):
            self._others.forget()
            return
        used = self.used(now) - self.price(call).points
        limit, whole = self.limit_of_points(now), self.whole
        self._refusals.refused(now, used, limit, whole.points, whole.window)

    def read(self, now: float, reading: Reading) -> None:
        """Take in what an answer's headers say."""
        if reading.tier is not None:
            self._told = reading.tier
            if (told := self._terms.budget(self._told)) != self.whole:
                self._learn(told)
                self._others.forget()
                self._refusals.forget()
        by_image = self.by_image
        self._charging.read(now, reading.calls, self.whole)
        if self.by_image is not by_image:  # what was ours was taken for others', or theirs for ours
            self._others.forget()
        if reading.calls is not None:
            ours = self.calls.used(now, by_image=self.by_image)
            self._others.read(now, reading.calls, ours, self.whole)
        if reading.points is not None:
            seen = reading.points / 100 * self.whole.points
            since = now if self._seen_points is None else self._seen_points[2]
            self._seen_points = (max(0.0, seen - self.used(now)), now, since)
        if reading.work is not None:
            self._work.read(now, reading.work)
        wait = reading.regain or 0.0
        if reading.points is not None and reading.points >= 100:
            wait = max(wait, reading.reset or 0.0)
        self.closed_until = max(self.closed_until, now + wait)

    def _learn(self, whole: Budget) -> None:
        self.whole = whole
        self.ours = whole.less(self._terms.reserve)
        trusting = whole.points >= LARGE * WRITE_POINTS
        self._charging = Charging(whole.calls_window, trusting=trusting)
