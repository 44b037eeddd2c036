"""When the next call to an account may go: figures and time in, a delay out.

Three things hold a call back, each for all calls:
- the budget: in no window may we spend more than our share, whatever arrives when. A call counts
  from its beginning, and leaves the window only so long after its *answer*: whenever the server
  charged it in between, its own window is over by then. That is safe under a leak as well.
- the others: what the headers show of their spending is not ours to spend.
- the work: as the CPU and wall time that the headers tell of come near their limit, calls go
  further apart.

A backlog is held back by two more, so that what has just arrived finds room:
- its calls are spread evenly over the window;
- for it, windows are a little longer (HELD_BACK). The difference is always left for fresh images.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from syncd.rules.budget import WRITE_POINTS, Budget, Call, Terms, Tier
from syncd.rules.charging import Charge, Charging
from syncd.rules.others import Others
from syncd.rules.spending import Spending

CLOCKS = 0.001
"""By how much of a window two machines' clocks may differ in running through it."""

HELD_BACK = 0.015
"""Share of the budget that a backlog leaves to fresh images."""

CATCH_UP = 0.02
"""Windows' worth of calls that may follow at once when they could not go in their turn."""

PLENTY, LARGE = 0.3, 1000
"""Share of both windows up to which a backlog goes as fast as it can, where a window holds so many
writes: a few thousand images then take seconds. Of a small budget every write is worth its place.
"""

WORK_FREE, WORK_FULL = 50.0, 95.0
"""Percent of CPU or wall time up to which it slows nothing, and where nothing goes any more."""

JITTER = 0.02
"""By which part of it others' spending may be more than it was: nobody calls quite evenly."""

HOLD, GROWTH = 12, 0.1
"""After a refusal that our figures do not explain: for how many windows we keep to what had gone
through, and by which part of it we then ask for more, a window."""

GLANCE = 0.002
"""Windows until the next look when only a call under way can make room."""


@dataclass(frozen=True, slots=True)
class Reading:
    """What an answer's usage headers say of an account: percents of 100, None where unsaid."""

    calls: float | None = None
    """call_count of the business use case; the worst of its types."""
    work: float | None = None
    """The worst of total_cputime, total_time and the figures of the whole app."""
    points: float | None = None
    """acc_id_util_pct."""
    reset: float | None = None
    """reset_time_duration: seconds until the points are all there again."""
    regain: float | None = None
    """estimated_time_to_regain_access, in seconds."""
    tier: Tier | None = None
    """ads_api_access_tier."""


@dataclass(frozen=True, slots=True)
class Price:
    """What a call is believed to cost."""

    points: int
    calls: int


@dataclass(slots=True)
class _Window:
    """One limit: what we spent under it, and what of it is under way."""

    spent: Spending
    spent_by_backlog: Spending
    points: bool  # counts points, not calls
    flying_requests: int = 0
    flying_images: int = 0

    def price(self, call: Call, *, by_image: bool) -> int:
        each = call.points if self.points else 1
        return each * max(1, call.images) if by_image else each

    def used(self, now: float, *, by_image: bool) -> int:
        flying = self.flying_images if by_image else self.flying_requests
        return self.spent.spent(now, by_image=by_image) + flying


class Pace:
    """One account's pace. Times are seconds of a monotonic clock; one that jumps back is taken to
    have stood still."""

    def __init__(self, terms: Terms, now: float) -> None:
        self._terms = terms
        self._told: Tier | None = None
        self._whole = terms.budget()
        self._ours = self._whole.less(terms.reserve)
        self._clock, self._skew = now, 0.0
        self._charging = _charging(self._whole)
        self._others = Others()
        self._points = _window(self._whole.window, points=True)
        self._calls = _window(self._whole.calls_window, points=False)
        self._turn = now  # when the backlog's next call is due
        self._fresh_turn = now
        self._last_began = now - self._whole.calls_window
        self._closed_until = now
        self._work: tuple[float, float] | None = None  # percent, and when it was said
        self._work_of_one = 0.0
        self._seen_points: tuple[float, float] | None = None  # of others, and when
        self._cap: tuple[float, float] | None = None  # points, and since when
        self._resumed: float | None = now  # since when calls go through
        self._went = 0  # points in our window as the last call went through

    @property
    def tier(self) -> Tier:
        """The tier that is believed to hold."""
        return self._terms.tier_for(self._told)

    @property
    def budget(self) -> Budget:
        """What we may spend, the reserve taken off: the limits of the last guard, and the block."""
        return self._ours

    @property
    def charge(self) -> Charge:
        """What a POST of many images is believed to cost."""
        return self._charging.charge

    def price(self, call: Call) -> Price:
        """Return what a call is believed to cost."""
        by_image = self.charge is Charge.IMAGE
        return Price(
            self._points.price(call, by_image=by_image), self._calls.price(call, by_image=by_image)
        )

    def images(self, wanted: int) -> int:
        """Return how many images the next POST may bring, at most `wanted`."""
        budget, now = self.budget, self._clock
        room = min(
            (budget.points - self._points.used(now, by_image=True)) // WRITE_POINTS,
            budget.calls - self._calls.used(now, by_image=True),
        )
        return self._charging.most_images(wanted, budget, room)

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
        now = self._at(now)
        for window in (self._points, self._calls):
            window.flying_requests += window.price(call, by_image=False)
            window.flying_images += window.price(call, by_image=True)
        self._turn = max(self._turn, now - CATCH_UP * self._whole.window) + self._spacing(now, call)
        self._turn = min(self._turn, now + self._whole.calls_window)
        self._fresh_turn = now + self._ration(now, call)
        self._last_began = now

    def withdrawn(self, now: float, call: Call) -> None:
        """A call that began was never sent."""
        now = self._at(now)
        self._land(call)
        self._turn -= self._spacing(now, call)
        self._fresh_turn = now

    def ended(self, now: float, call: Call, reading: Reading | None) -> None:
        """A call that began was answered, refused, or lost; the reading is of its headers."""
        now = self._at(now)
        self._land(call)
        self._spend(now, call)
        if reading is not None:
            self._read(now, reading)

    def taken(self, now: float, call: Call) -> None:
        """The account took a call: say it before `ended`."""
        now = self._at(now)
        if self._resumed is None:
            self._resumed = now
        self._went = self._points.used(now, by_image=self.charge is Charge.IMAGE)
        by_image = self._points.used(now, by_image=True)
        self._charging.taken(now, call, self._whole, by_image)

    def throttled(self, now: float, call: Call) -> None:
        """The account refused a call for its budget: say it before `ended`."""
        now = self._at(now)
        if self._charging.refused(now, call, self._whole.window):
            self._others.forget()
            return
        if self._resumed is None:
            return  # the same block again: it says nothing of what we spent since
        price = self.price(call).points
        used = self._points.used(now, by_image=self.charge is Charge.IMAGE) - price
        if used < self._limit_of_points(now):
            window = self._whole.window
            active = min(window, max(now - self._resumed, window / 10))
            theirs = (self._whole.points - used) * window / active
            cap = min(self._whole.points - theirs, self._went - WRITE_POINTS)
            self._cap = (max(cap, WRITE_POINTS), now)
        self._resumed = None

    def recall(self, now: float, age: float, call: Call) -> None:
        """A call of an earlier process ended `age` seconds ago; the oldest is told first."""
        self._spend(self._at(now) - age, call)

    def _is_plenty(self, now: float) -> bool:
        """So little of a large budget is used that nobody gains by a backlog's being spread."""
        if self._limit_of_points(now) < LARGE * WRITE_POINTS:
            return False
        by_image = self.charge is not Charge.REQUEST
        return self._points.used(now, by_image=by_image) < PLENTY * self._limit_of_points(
            now
        ) and self._calls.used(now, by_image=by_image) < PLENTY * self._limit_of_calls(now)

    # What is known

    def _at(self, now: float) -> float:
        """Return the time that never runs back."""
        if now + self._skew < self._clock:
            self._skew = self._clock - now
        self._clock = now + self._skew
        if self._charging.look_again(self._clock):
            self._others.forget()
        return self._clock

    def _land(self, call: Call) -> None:
        for window in (self._points, self._calls):
            window.flying_requests -= window.price(call, by_image=False)
            window.flying_images -= window.price(call, by_image=True)

    def _spend(self, now: float, call: Call) -> None:
        for window in (self._points, self._calls):
            amounts = (window.price(call, by_image=False), window.price(call, by_image=True))
            window.spent.add(now, *amounts)
            window.spent_by_backlog.add(now, *amounts)

    def _read(self, now: float, reading: Reading) -> None:
        if reading.tier is not None and reading.tier is not self._told:
            self._told = reading.tier
            if self._terms.budget(self._told) != self._whole:
                self._whole = self._terms.budget(self._told)
                self._ours = self._whole.less(self._terms.reserve)
                self._others.forget()
                self._charging = _charging(self._whole)
                self._cap = None
                self._turn = self._fresh_turn = now
        if self._charging.read(now, reading.calls, self._whole):
            self._others.forget()
        by_image = self.charge is Charge.IMAGE
        if reading.calls is not None:
            ours = self._calls.used(now, by_image=by_image)
            self._others.read(now, reading.calls, ours, self._whole)
        if reading.points is not None:
            whole = reading.points / 100 * self._whole.points
            theirs = max(0.0, whole - self._points.used(now, by_image=by_image))
            self._seen_points = (theirs, now)
        if reading.work is not None:
            if self._work is not None and reading.work > self._work[0]:
                rise = reading.work - self._work[0]
                self._work_of_one = max(rise, self._work_of_one + (rise - self._work_of_one) / 4)
            self._work = (reading.work, now)
        wait = reading.regain or 0.0
        if reading.points is not None and reading.points >= 100:
            wait = max(wait, reading.reset or 0.0)
        self._closed_until = max(self._closed_until, now + wait)

    # What follows

    def _limit_of_points(self, now: float) -> float:
        """Return what our windows of points may hold, the others' part and the reserve taken off.

        What others spend is taken from the reserve first: it is there for them.
        """
        whole = float(self._whole.points)
        theirs = self._others.points(now, self._whole)
        if self._seen_points is not None:
            seen, at = self._seen_points
            left = 1 - (now - at) / self._whole.window
            theirs = seen * left if left > 0 else 0.0
        theirs = WRITE_POINTS * round(theirs * (1 + JITTER) / WRITE_POINTS)
        limit = min(float(self.budget.points), whole - theirs)
        if self._cap is not None:
            cap, since = self._cap
            windows = (now - since) / self._whole.window - HOLD
            limit = min(limit, cap * (1 + GROWTH) ** min(max(0.0, windows), 99))
        return limit

    def _limit_of_calls(self, now: float) -> float:
        theirs = self._others.calls(now, self._whole)
        return min(float(self.budget.calls), self._whole.calls - theirs)

    def _until_allowed(self, now: float, call: Call, which: Callable[[_Window], Spending]) -> float:
        delay = max(self._closed_until - now, 0.0)
        if (stretch := self._stretch(now)) > 1:
            wait = self._last_began + self._evenly(now, call) * stretch - now
            delay = max(delay, min(wait, self._whole.window))  # by then, less is in use
        for window, limit in (
            (self._points, self._limit_of_points(now)),
            (self._calls, self._limit_of_calls(now)),
        ):
            for by_image in self._ways():
                delay = max(delay, self._until_room(now, call, window, which, limit, by_image))
        return delay

    def _until_room(
        self,
        now: float,
        call: Call,
        window: _Window,
        which: Callable[[_Window], Spending],
        limit: float,
        by_image: bool,
    ) -> float:
        spent = which(window)
        price = window.price(call, by_image=by_image)
        flying = window.flying_images if by_image else window.flying_requests
        used = spent.spent(now, by_image=by_image) + flying
        if used == 0:  # one call at least is asked, or nothing would ever be learnt
            return max(0.0, self._last_began + window.spent.seconds - now) if limit < price else 0.0
        surplus = used + price - max(limit, price)
        if surplus <= 1e-9:
            return 0.0
        until = spent.time_until(now, surplus, by_image=by_image)
        return GLANCE * self._whole.window if until is None else until

    def _ways(self) -> tuple[bool, ...]:
        """Return the ways of charging that must be within the budget."""
        match self.charge:
            case Charge.REQUEST:
                return (False,)
            case Charge.IMAGE:
                return (True,)
            case Charge.UNKNOWN:
                return (False,) if self._charging.dares else (False, True)

    def _evenly(self, now: float, call: Call) -> float:
        """Return seconds between such calls that use up the budget evenly."""
        price = self.price(call)
        points, calls = self._limit_of_points(now), self._limit_of_calls(now)
        return max(
            price.points * self._points.spent_by_backlog.seconds / max(points, price.points),
            price.calls * self._calls.spent_by_backlog.seconds / max(calls, price.calls),
        )

    def _spacing(self, now: float, call: Call) -> float:
        return self._evenly(now, call) * self._stretch(now)

    def _stretch(self, now: float) -> float:
        """Return by how much slower than evenly calls go, as CPU and wall time run out."""
        if self._work is None:
            return 1.0
        percent, at = self._work
        age = min(1.0, (now - at) / self._whole.calls_window)
        # Nobody says when the work was done: most of it may leave the hour at its end only.
        expected = percent * (1 - age**4) + self._work_of_one
        left = (WORK_FULL - expected) / (WORK_FULL - WORK_FREE)
        return 1.0 if left >= 1 else 1 / max(left, 0.01)

    def _ration(self, now: float, call: Call) -> float:
        """Return the pause after a call, before the next fresh one.

        While half of the window is left there is none; then what is left is spread over the time
        until more comes, so that who arrives last does not pay for who came first.
        """
        by_image = self.charge is Charge.IMAGE
        price = self._points.price(call, by_image=by_image)
        limit = self._limit_of_points(now)
        left = int((limit - self._points.used(now, by_image=by_image)) // price)
        if left < 1 or left * price >= limit / 2:
            return 0.0
        spent = self._points.spent
        back = spent.time_until(now, price, by_image=by_image)
        return (spent.seconds if back is None else back) / (left + 1)


def _charging(whole: Budget) -> Charging:
    return Charging(trusting=whole.points >= LARGE * WRITE_POINTS)


def _window(seconds: float, *, points: bool) -> _Window:
    ours = seconds * (1 + CLOCKS)
    return _Window(Spending(ours), Spending(ours * (1 + HELD_BACK)), points)


def _all(window: _Window) -> Spending:
    return window.spent


def _backlog(window: _Window) -> Spending:
    return window.spent_by_backlog
