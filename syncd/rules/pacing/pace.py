"""When the next call to an account may be sent: figures and time in, a delay out.

Theory of operation
-------------------
Meta limits an account by points in a window of 300 s (a read costs 1, a write 3), by calls in a
rolling hour, and by CPU and wall time. A call beyond a limit is throttled, and blocks the account:
for 300 s on the development tier, for 60 s on standard. Not documented: whether a window slides or
leaks, whether a POST of several images is charged once or per image, how late the usage headers
are, and what others spend. `Pace` uses what the limits allow, and learns the rest from responses.

1. Our calls (`sliding_window`). A call counts from its start until one window after its response.
   It is sent while both windows hold no more than the budget less the reserve, so that no window of
   any phase does; this is safe for sliding and leaking windows. Fresh images, just written to a
   folder, may also use half of the reserve.
2. A backlog that fits into what is left is sent at once, except for a tenth that stays for fresh
   images. A larger one uses half of the budget at once; then its calls are spaced so that what is
   left lasts until more is. Once the windows are full, that is one call per even share of them,
   and the longest wait of a fresh image. Fresh images do not wait for that turn; only the last two
   calls that fit are spaced, so that an image after them does not wait for a whole window.
3. The cost of a POST (`charge`). It is assumed to cost one call. A POST of more images than the
   account has accepted goes alone, so a wrong assumption costs one block. If a charge by the image
   explains a throttled call, and no accepted POST excludes it, then each image costs a call until
   that is doubted, or headers report fewer calls than we sent images.
4. Other programs (`other_programs`). Of the calls that a header reports, those that are not ours
   are theirs, evenly over the hour. They are taken from the reserve first, and assumed to be
   writes.
5. A throttled call that nothing explains lowers a cap (`learned_cap`) by two writes or 2 %. It
   regains them in five hours, and more the longer no call is throttled. For a day others are
   assumed to make one write more than headers show.
6. CPU and wall time (`cpu_time`). From 50 % on, the hour may hold only as many calls as would bring
   it to 90 % at the cost per call so far; the calls are spread accordingly.

`Pacer` in the engine calls `start` when it grants a call, then `finish` with the usage headers, or
`withdraw` if the call is not sent. Times until which the headers allow no call, and blocks, are
pauses of the account, not of the pacer. tests/bench/README.md has the figures of a simulation.
"""

from __future__ import annotations

from syncd.rules.pacing.budget import WRITE_POINTS, Budget, Call, End, Terms, Tier
from syncd.rules.pacing.quota import Price, Quota
from syncd.rules.pacing.sliding_window import RECHECK, SlidingWindow
from syncd.rules.pacing.usage import BudgetUsage

AT_ONCE = 0.5
"""Share of our budget that a backlog of any size may use at once: more shows a new user more images
in the first seconds, and leaves longer gaps in the first window."""

LEFT_TO_FRESH = 0.1
"""Share of our budget that a backlog does not use at once even if all of it fits."""

SPACED = 2
"""Calls that are spaced when no more than these fit: without this, images that arrive after them
wait for up to a window."""

CATCH_UP = 0.02
"""Windows' worth of calls that may follow at once after they could not be sent at their turn: slow
responses then cost no part of the budget. More would let calls bunch."""

SHARED_BUDGET = 50
"""POSTs, at least, that a charge by the image spreads a window's budget over: there, sharing saves
nothing."""


class Pace:
    """One account's pace.

    Times are seconds of a monotonic clock; while it runs backwards, time is taken to stop.
    """

    def __init__(self, terms: Terms, now: float) -> None:
        self.quota = Quota(terms, now)
        """The spending of this process and of others, of the account's budget."""
        self._clock, self._skew = now, 0.0
        self._turn = now  # when the backlog's next call is due
        self._spacing = 0.0  # what the last call added to it
        self._fresh_turn = now
        self._in_flight = 0

    @property
    def tier(self) -> Tier:
        """The assumed tier."""
        return self.quota.terms.tier_for(self.quota.reported)

    @property
    def budget(self) -> Budget:
        """The part of the budget that syncd may spend: all but the reserve."""
        return self.quota.ours

    @property
    def most(self) -> Budget:
        """The part of the budget that is never exceeded: `budget`, and the fresh images' part."""
        return self.quota.fresh

    def price(self, call: Call) -> Price:
        """Return the assumed cost of a call."""
        return self.quota.price(call)

    def shares_used(self, now: float) -> dict[str, float]:
        """Return the shares of `budget` that are spent or in flight: of its points and calls."""
        used = self.quota.used(self._at(now))
        return {
            "points": used.points / self.budget.points,
            "calls": used.calls / self.budget.calls,
        }

    def images(self, wanted: int) -> int:
        """Return how many images the next POST may upload, at most `wanted`."""
        if not self.quota.charge.by_image:
            return wanted
        return max(1, min(wanted, self.budget.points // WRITE_POINTS // SHARED_BUDGET))

    def delay_of_fresh(self, now: float, call: Call) -> float:
        """Return the seconds until a call for a fresh image may be sent."""
        now = self._at(now)
        turn = self._fresh_turn if _fitting(self.quota, now, call) <= SPACED else now
        return max(self._until_room(now, call, self.quota.fresh), turn - now)

    def delay_of_backlog(self, now: float, call: Call, missing: int) -> float:
        """Return the seconds until a call for some of `missing` images may be sent."""
        now = self._at(now)
        delay = self._until_room(now, call, self.quota.ours)
        return (
            delay if _goes_at_once(self.quota, now, call, missing) else max(delay, self._turn - now)
        )

    def start(self, now: float, call: Call, *, fresh: bool = False) -> None:
        """Record that a call is about to be sent; fresh: because of a fresh image."""
        now, quota = self._at(now), self.quota
        is_little = _is_little(quota, now, call)
        self._in_flight += 1
        quota.start(call)
        self._spacing = 0.0 if is_little else _spacing_after(quota, now, call)
        due = max(self._turn, now - CATCH_UP * quota.whole.window) + self._spacing
        self._turn = min(due, now + self._spacing)  # fresh images take no turns in advance
        if fresh:
            left = _fitting(self.quota, now, call)
            self._fresh_turn = now + quota.points.next_room(now) / (left + 1)

    def withdraw(self, now: float, call: Call) -> None:
        """Record that a call that was started is not sent."""
        now = self._at(now)
        self._in_flight -= 1
        self.quota.withdraw(call)
        self._turn -= self._spacing

    def finish(self, now: float, call: Call, end: End, usage: BudgetUsage | None) -> None:
        """Record how a call has ended, and what its headers report, if it has any."""
        now = self._at(now)
        self._in_flight -= 1
        self.quota.finish(now, call, end)
        if usage is not None:
            self.update(now, usage)

    def update(self, now: float, usage: BudgetUsage) -> None:
        """Record what is known of the account's usage."""
        now, whole = self._at(now), self.quota.whole
        self.quota.update(now, usage)
        if self.quota.whole != whole:
            self._turn = self._fresh_turn = now

    def recall(self, now: float, age: float, call: Call) -> None:
        """Record a call that an earlier process made `age` seconds ago; the oldest comes first."""
        self.quota.spend(self._at(now) - age, call)

    def _until_room(self, now: float, call: Call, ours: Budget) -> float:
        quota = self.quota
        if self._in_flight and call.images > quota.charge.most_accepted:
            return RECHECK * quota.points.seconds
        return quota.delay(now, call, ours)

    def _at(self, now: float) -> float:
        """Return `now` by a clock that never runs backwards."""
        if now + self._skew < self._clock:
            self._skew = self._clock - now
        self._clock = now + self._skew
        self.quota.doubt(self._clock)
        return self._clock


def _goes_at_once(quota: Quota, now: float, call: Call, missing: int) -> bool:
    """Return whether a backlog is not spread: little is used, or all of it fits."""
    posts = -(-missing // max(1, call.images))
    return _is_little(quota, now, call) or all(
        used + posts * price <= (1 - LEFT_TO_FRESH) * limit
        for _, used, price, limit in _windows(quota, now, call)
    )


def _is_little(quota: Quota, now: float, call: Call) -> bool:
    """Return whether a call stays within the part of the budget that is used at once."""
    return all(
        used + price <= AT_ONCE * limit for _, used, price, limit in _windows(quota, now, call)
    )


def _spacing_after(quota: Quota, now: float, call: Call) -> float:
    """Return the seconds until the next such call of a backlog.

    Calls are spread evenly; while more than that has just been used, what is left has to last
    until the first call leaves the window.
    """
    spacing = 0.0
    for window, used, price, limit in _windows(quota, now, call):
        even = window.seconds * price / max(limit, price)
        left = max(0.0, limit - used) // price
        spacing = max(spacing, even, window.next_room(now) / (left + 1))
    return spacing


def _windows(
    quota: Quota, now: float, call: Call
) -> tuple[tuple[SlidingWindow, int, int, float], ...]:
    """Return both windows, what each holds, what the call adds to it, and its limit."""
    used, price = quota.used(now), quota.price(call)
    limits = quota.limits(now, quota.ours)
    return (
        (quota.points, used.points, price.points, limits.points),
        (quota.calls, used.calls, price.calls, limits.calls),
    )


def _fitting(quota: Quota, now: float, call: Call) -> int:
    """Return how many such calls for fresh images fit into what is left of the points."""
    left = quota.limits(now, quota.fresh).points - quota.used(now).points
    return max(0, int(left // quota.price(call).points))
