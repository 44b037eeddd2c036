"""When the next call to an account may be sent: figures and time in, a delay out.

Theory of operation
-------------------
Meta limits an account by points (a read costs 1, a write 3), by calls in a rolling hour, and by
CPU and wall time. Not documented: whether a window slides or leaks, whether a POST of several
images is charged once or per image, how late the usage headers are, and what others spend. So
`Pace` computes each delay from what it knows for certain, and learns the rest from responses.

A call of any kind must pass all of these checks:
- The budget (`limit`, `sliding_window`): no window ever holds more than our share. A call counts
  from its start until one window after its response, and this is safe for sliding and leaking
  windows. While the charge is unknown (`pricing`), the check is made for both possibilities.
- Other clients (`other_traffic`): what the headers show of their spending is subtracted from the
  budget, from the reserve first. Throttling that this does not explain sets a cap (`learned_cap`).
- CPU and wall time (`cpu_time`): as the reported figures approach their limit, calls are spaced
  further apart.

`Quota` combines these into the points and calls that are allowed at a time. Two kinds of callers
share them. A fresh image, just written to a folder, is sent as soon as the checks pass. A backlog
leaves it room in two ways:
- Its calls are spread evenly over the window, except for the first part of a large budget.
- Its windows are slightly longer, so that a small part of the budget is always left.

`Pacer` in the engine calls `start` when it grants a call, then `record_accepted` or
`record_throttled`, and `finish` with the usage headers; or `withdraw` if the call is not sent.
Times until which the headers allow no call are pauses of the account, not of the pacer.
"""

from __future__ import annotations

from collections.abc import Callable

from syncd.rules.pacing.budget import WRITE_POINTS, Budget, Call, Terms, Tier
from syncd.rules.pacing.limit import Limit
from syncd.rules.pacing.quota import LARGE_BUDGET, Price, Quota
from syncd.rules.pacing.sliding_window import SlidingWindow
from syncd.rules.pacing.usage import BudgetUsage

CATCH_UP = 0.02
"""Windows' worth of calls that may follow at once after they could not be sent at their turn."""

UNSPACED_SHARE = 0.3
"""Share of both limits of a large budget up to which a backlog is not spread out: thousands of
images then take seconds. In a small budget every write counts."""

RECHECK_WINDOWS = 0.002
"""Windows until the next check when only the end of a call in flight can make room."""


class Pace:
    """One account's pace.

    Times are seconds of a monotonic clock; while it runs backwards, time is taken to stop.
    """

    def __init__(self, terms: Terms, now: float) -> None:
        self.quota = Quota(terms, now)
        """What this process and others have spent of the account's budget."""
        self._delays = _Delays(self.quota, now)
        self._clock, self._skew = now, 0.0
        self._turn = now  # when the backlog's next call is due
        self._fresh_turn = now

    @property
    def tier(self) -> Tier:
        """The assumed tier."""
        return self.quota.tier

    @property
    def budget(self) -> Budget:
        """The part of the budget that syncd may spend: all but the reserve."""
        return self.quota.ours

    def price(self, call: Call) -> Price:
        """Return the assumed cost of a call."""
        return self.quota.price(call)

    def share_used(self, now: float) -> float:
        """Return the share of `budget` that is spent or in flight, from 0 to 1."""
        return self.quota.share_used(self._at(now))

    def images(self, wanted: int) -> int:
        """Return how many images the next POST may upload, at most `wanted`."""
        return self.quota.images(self._clock, wanted)

    def delay_of_fresh(self, now: float, call: Call) -> float:
        """Return the seconds until a call for a fresh image may be sent."""
        now = self._at(now)
        return max(self._delays.until_allowed(now, call, _all), self._fresh_turn - now, 0.0)

    def delay_of_backlog(self, now: float, call: Call) -> float:
        """Return the seconds until a call for a backlog may be sent."""
        now = self._at(now)
        turn = 0.0 if self._delays.is_unspaced(now) else self._turn - now
        return max(self._delays.until_allowed(now, call, _backlog), turn, 0.0)

    def start(self, now: float, call: Call) -> None:
        """Record that a call is about to be sent."""
        now, whole = self._at(now), self.quota.whole
        self.quota.start(call)
        # An unspaced call is not early: no later call waits until its turn would have come.
        is_unspaced = self._delays.is_unspaced(now)
        due = now if is_unspaced else max(self._turn, now - CATCH_UP * whole.window)
        self._turn = min(due + self._delays.spacing(now, call), now + whole.calls_window)
        self._fresh_turn = now + self._delays.fresh_spacing(now, call)
        self._delays.last_start = now

    def withdraw(self, now: float, call: Call) -> None:
        """Record that a call that was started is not sent."""
        now = self._at(now)
        self.quota.finish(call)
        self._turn -= self._delays.spacing(now, call)
        self._fresh_turn = now

    def finish(self, now: float, call: Call, usage: BudgetUsage | None) -> None:
        """Record that a call has ended; usage is what its headers report, if it has any."""
        now = self._at(now)
        self.quota.finish(call)
        self.quota.spend(now, call)
        if usage is None:
            return
        whole = self.quota.whole
        self.quota.update(now, usage)
        if self.quota.whole != whole:
            self._turn = self._fresh_turn = now

    def record_accepted(self, now: float, call: Call) -> None:
        """Record that the account accepted a call. Must precede `finish`."""
        self.quota.record_accepted(self._at(now), call)

    def record_throttled(self, now: float, call: Call) -> None:
        """Record that the account rejected a call because of its budget. Must precede `finish`."""
        self.quota.record_throttled(self._at(now), call)

    def recall(self, now: float, age: float, call: Call) -> None:
        """Record a call that an earlier process made `age` seconds ago; the oldest comes first."""
        self.quota.spend(self._at(now) - age, call)

    def _at(self, now: float) -> float:
        """Return `now` by a clock that never runs backwards."""
        if now + self._skew < self._clock:
            self._skew = self._clock - now
        self._clock = now + self._skew
        self.quota.pricing.recheck(self._clock)
        return self._clock


class _Delays:
    """The delays that follow from a quota, in seconds."""

    def __init__(self, quota: Quota, now: float) -> None:
        self._quota = quota
        self.last_start = now - quota.whole.calls_window

    def until_allowed(
        self, now: float, call: Call, window_of: Callable[[Limit], SlidingWindow]
    ) -> float:
        """Return the time until all checks allow a call."""
        quota = self._quota
        delay = 0.0
        if (slowdown := quota.cpu_time.slowdown(now, quota.whole.calls_window)) > 1:
            wait = self.last_start + self._even_spacing(now, call) * slowdown - now
            delay = max(delay, min(wait, quota.whole.window))  # by then less CPU time is in use
        for limit, allowed in (
            (quota.points, quota.allowed_points(now)),
            (quota.calls, quota.allowed_calls(now)),
        ):
            for by_image in quota.pricing.possible_charges:
                price = limit.price(call, by_image=by_image)
                in_flight = limit.in_flight(by_image=by_image)
                spent = window_of(limit)
                used = spent.spent(now, by_image=by_image) + in_flight
                if used == 0:  # at least one call is made, or nothing would ever be learned
                    wait = self.last_start + limit.spent.seconds - now if allowed < price else 0.0
                else:
                    surplus = used + price - max(allowed, price)
                    wait = self._until_room(now, spent, surplus, by_image=by_image)
                delay = max(delay, wait)
        return delay

    def _until_room(
        self, now: float, spent: SlidingWindow, surplus: float, *, by_image: bool
    ) -> float:
        if surplus <= 1e-9:
            return 0.0
        until = spent.time_until(now, surplus, by_image=by_image)
        return RECHECK_WINDOWS * self._quota.whole.window if until is None else until

    def is_unspaced(self, now: float) -> bool:
        """Return whether so little of a large budget is used that a backlog need not be spread."""
        quota = self._quota
        points, calls = quota.allowed_points(now), quota.allowed_calls(now)
        return points >= LARGE_BUDGET * WRITE_POINTS and all(
            quota.points.used(now, by_image=by_image) < UNSPACED_SHARE * points
            and quota.calls.used(now, by_image=by_image) < UNSPACED_SHARE * calls
            for by_image in quota.pricing.possible_charges
        )

    def spacing(self, now: float, call: Call) -> float:
        """Return the time between two such calls of a backlog: even, and until more is left."""
        quota = self._quota
        even = self._even_spacing(now, call) * quota.cpu_time.slowdown(
            now, quota.whole.calls_window
        )
        return max(even, self._lasting_spacing(now, call, quota.points.spent_by_backlog))

    def fresh_spacing(self, now: float, call: Call) -> float:
        """Return the time between two such calls for fresh images.

        It is 0 while half of the points are left. Then the rest is spread out, so that the last
        image to arrive does not wait for a whole window.
        """
        quota = self._quota
        allowed, price = quota.allowed_points(now), quota.price(call).points
        left = (allowed - quota.used(now)) // price
        if left < 1 or left * price >= allowed / 2:
            return 0.0
        return self._lasting_spacing(now, call, quota.points.spent)

    def _even_spacing(self, now: float, call: Call) -> float:
        """Return the time between two such calls that spends the budget evenly."""
        quota = self._quota
        price = quota.price(call)
        points, calls = quota.allowed_points(now), quota.allowed_calls(now)
        return max(
            price.points * quota.points.spent_by_backlog.seconds / max(points, price.points),
            price.calls * quota.calls.spent_by_backlog.seconds / max(calls, price.calls),
        )

    def _lasting_spacing(self, now: float, call: Call, spent: SlidingWindow) -> float:
        """Return the time between two such calls that makes what is left last until more is."""
        quota, by_image = self._quota, self._quota.pricing.by_image
        price = quota.price(call).points
        used = spent.spent(now, by_image=by_image) + quota.points.in_flight(by_image=by_image)
        left = max(0.0, (quota.allowed_points(now) - used) // price)
        until = spent.time_until(now, price, by_image=by_image)
        return (spent.seconds if until is None else until) / (left + 1)


def _all(limit: Limit) -> SlidingWindow:
    return limit.spent


def _backlog(limit: Limit) -> SlidingWindow:
    return limit.spent_by_backlog
