"""When the next call to an account may go: figures and time in, a delay out.

Three things hold a call back, each for all calls:
- the budget: in no window may we spend more than our share, whatever arrives when. That is safe
  under a leak as well.
- the others: what the headers show of their spending is not ours to spend.
- the work: as the CPU and wall time that the headers tell of come near their limit, calls go
  further apart.

A backlog is held back by two more, so that what has just arrived finds room:
- its calls are spread evenly over the window, but for the first of a large budget;
- for it, windows are a little longer. The difference is always left for fresh images.
"""

from __future__ import annotations

from collections.abc import Callable

from syncd.rules.pacing.budget import WRITE_POINTS, Budget, Call, Terms, Tier
from syncd.rules.pacing.limit import Window
from syncd.rules.pacing.pricing import Charge
from syncd.rules.pacing.quota import LARGE, Price, Quota
from syncd.rules.pacing.sliding_window import Spending
from syncd.rules.pacing.usage import Reading

CATCH_UP = 0.02
"""Windows' worth of calls that may follow at once when they could not go in their turn."""

PLENTY = 0.3
"""Share of both windows of a large budget up to which a backlog goes as fast as it can: thousands
of images then take seconds. Of a small budget every write is worth its place."""

GLANCE = 0.002
"""Windows until the next look when only a call under way can make room."""


class Pace:
    """One account's pace. Times are seconds of a monotonic clock; one that jumps back is taken to
    have stood still."""

    def __init__(self, terms: Terms, now: float) -> None:
        self._quota = Quota(terms, now)
        self._clock, self._skew = now, 0.0
        self._turn = now  # when the backlog's next call is due
        self._fresh_turn = now
        self._last_began = now - self._quota.whole.calls_window

    @property
    def tier(self) -> Tier:
        """The tier that is believed to hold."""
        return self._quota.tier

    @property
    def budget(self) -> Budget:
        """What we may spend, the reserve taken off: the limits of the last guard, and the block."""
        return self._quota.ours

    @property
    def charge(self) -> Charge:
        """What a POST of many images is believed to cost."""
        return self._quota.charge

    def price(self, call: Call) -> Price:
        """Return what a call is believed to cost."""
        return self._quota.price(call)

    def share_used(self, now: float) -> float:
        """Return which share of the budget is spent or under way: 1 is all that we may spend."""
        return self._quota.share_used(self._at(now))

    def images(self, wanted: int) -> int:
        """Return how many images the next POST may bring, at most `wanted`."""
        return self._quota.images(self._clock, wanted)

    def delay_of_fresh(self, now: float, call: Call) -> float:
        """Return seconds until a call for an image that has just arrived may go; 0 is now."""
        now = self._at(now)
        return max(self._until_allowed(now, call, _all), self._fresh_turn - now, 0.0)

    def delay_of_backlog(self, now: float, call: Call) -> float:
        """Return seconds until a call may go that only works off what has long been missing."""
        now = self._at(now)
        turn = 0.0 if self._is_plenty(now) else self._turn - now
        return max(self._until_allowed(now, call, _backlog), turn, 0.0)

    def began(self, now: float, call: Call) -> None:
        """A call goes out now, or is about to."""
        now, whole = self._at(now), self._quota.whole
        self._quota.start(call)
        # What goes while there is plenty is not early: nothing later waits for its turn to pass.
        due = now if self._is_plenty(now) else max(self._turn, now - CATCH_UP * whole.window)
        self._turn = min(due + self._spacing(now, call), now + whole.calls_window)
        self._fresh_turn = now + self._ration(now, call)
        self._last_began = now

    def withdrawn(self, now: float, call: Call) -> None:
        """A call that began was never sent."""
        now = self._at(now)
        self._quota.finish(call)
        self._turn -= self._spacing(now, call)
        self._fresh_turn = now

    def ended(self, now: float, call: Call, reading: Reading | None) -> None:
        """A call that began was answered, refused, or lost; the reading is of its headers."""
        now = self._at(now)
        self._quota.finish(call)
        self._quota.spend(now, call)
        if reading is None:
            return
        whole = self._quota.whole
        self._quota.read(now, reading)
        if self._quota.whole != whole:
            self._turn = self._fresh_turn = now

    def taken(self, now: float, call: Call) -> None:
        """The account took a call: say it before `ended`."""
        self._quota.taken(self._at(now), call)

    def throttled(self, now: float, call: Call) -> None:
        """The account refused a call for its budget: say it before `ended`."""
        self._quota.throttled(self._at(now), call)

    def recall(self, now: float, age: float, call: Call) -> None:
        """A call of an earlier process ended `age` seconds ago; the oldest is told first."""
        self._quota.spend(self._at(now) - age, call)

    def _at(self, now: float) -> float:
        """Return the time that never runs back."""
        if now + self._skew < self._clock:
            self._skew = self._clock - now
        self._clock = now + self._skew
        self._quota.look(self._clock)
        return self._clock

    def _until_allowed(self, now: float, call: Call, which: Callable[[Window], Spending]) -> float:
        quota = self._quota
        delay = max(quota.closed_until - now, 0.0)
        if (stretch := quota.stretch(now)) > 1:
            wait = self._last_began + self._evenly(now, call) * stretch - now
            delay = max(delay, min(wait, quota.whole.window))  # by then, less is in use
        for window, limit in (
            (quota.points, quota.limit_of_points(now)),
            (quota.calls, quota.limit_of_calls(now)),
        ):
            for by_image in quota.ways:
                delay = max(delay, self._until_room(now, call, window, which, limit, by_image))
        return delay

    def _until_room(
        self,
        now: float,
        call: Call,
        window: Window,
        which: Callable[[Window], Spending],
        limit: float,
        by_image: bool,
    ) -> float:
        spent = which(window)
        price = window.price(call, by_image=by_image)
        used = spent.spent(now, by_image=by_image) + window.in_flight(by_image=by_image)
        if used == 0:  # one call at least is asked, or nothing would ever be learnt
            return max(0.0, self._last_began + window.spent.seconds - now) if limit < price else 0.0
        surplus = used + price - max(limit, price)
        if surplus <= 1e-9:
            return 0.0
        until = spent.time_until(now, surplus, by_image=by_image)
        return GLANCE * self._quota.whole.window if until is None else until

    def _is_plenty(self, now: float) -> bool:
        """So little of a large budget is used that nobody gains by a backlog's being spread."""
        quota = self._quota
        points, calls = quota.limit_of_points(now), quota.limit_of_calls(now)
        return points >= LARGE * WRITE_POINTS and all(
            quota.points.used(now, by_image=by_image) < PLENTY * points
            and quota.calls.used(now, by_image=by_image) < PLENTY * calls
            for by_image in quota.ways
        )

    def _spacing(self, now: float, call: Call) -> float:
        """Return seconds between such calls of a backlog: evenly, and what is left shall last."""
        even = self._evenly(now, call) * self._quota.stretch(now)
        return max(even, self._until_more(now, call, self._quota.points.spent_by_backlog))

    def _evenly(self, now: float, call: Call) -> float:
        """Return seconds between such calls that use up the budget evenly."""
        quota = self._quota
        price = quota.price(call)
        points, calls = quota.limit_of_points(now), quota.limit_of_calls(now)
        return max(
            price.points * quota.points.spent_by_backlog.seconds / max(points, price.points),
            price.calls * quota.calls.spent_by_backlog.seconds / max(calls, price.calls),
        )

    def _ration(self, now: float, call: Call) -> float:
        """Return the pause after a call, before the next fresh one.

        While half of the window is left there is none; then what is left is spread, so that who
        arrives last does not pay for who came first.
        """
        quota = self._quota
        limit, price = quota.limit_of_points(now), quota.price(call).points
        left = (limit - quota.used(now)) // price
        if left < 1 or left * price >= limit / 2:
            return 0.0
        return self._until_more(now, call, quota.points.spent)

    def _until_more(self, now: float, call: Call, spent: Spending) -> float:
        """Return seconds between such calls that make what is left last until more comes."""
        quota, by_image = self._quota, self._quota.by_image
        price = quota.price(call).points
        used = spent.spent(now, by_image=by_image) + quota.points.in_flight(by_image=by_image)
        left = max(0.0, (quota.limit_of_points(now) - used) // price)
        back = spent.time_until(now, price, by_image=by_image)
        return (spent.seconds if back is None else back) / (left + 1)


def _all(window: Window) -> Spending:
    return window.spent


def _backlog(window: Window) -> Spending:
    return window.spent_by_backlog
