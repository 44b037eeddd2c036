"""The pacer of one account: whoever sends waits here for their turn.

The one module that knows asyncio_throttle. Pace decides, from what was spent and what the headers
say; the throttlers count the same windows once more, and hold back what would overrun them.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from enum import Enum, auto

from asyncio_throttle.throttler import Throttler

from syncd.rules.errors import ApiError, Verdict, judge
from syncd.rules.pacing.budget import Call, Terms, Tier, write
from syncd.rules.pacing.pace import Pace
from syncd.rules.pacing.usage import Reading


class End(Enum):
    """How a call ended, as far as its budget goes."""

    TAKEN = auto()
    THROTTLED = auto()
    OTHERWISE = auto()


def end_of(fault: ApiError) -> End:
    """Return how a call ended that brought this instead of an answer."""
    return End.THROTTLED if judge(fault) is Verdict.PAUSE_ACCOUNT else End.OTHERWISE


_LOOK = 0.02  # seconds between two looks of a throttler that holds back


class Pacer:
    """Grants turns to one waiter at a time; a turn that was granted is used, or withdrawn."""

    def __init__(self, terms: Terms) -> None:
        self._pace = Pace(terms, time.monotonic())
        budget = self._pace.budget
        self._points = Throttler(budget.points, budget.window, _LOOK)
        self._calls = Throttler(budget.calls, budget.calls_window, _LOOK)

    @property
    def pace(self) -> Pace:
        """What is known of the account's budget."""
        return self._pace

    @property
    def budget_used(self) -> float:
        """Percent of the account's budget, the reserve taken off, that is spent in its window."""
        return 100 * self._pace.share_used(time.monotonic())

    def recall(self, tier: Tier | None, spent: list[tuple[float, Call]]) -> None:
        """Take up what an earlier process learnt and spent: calls by their age in seconds."""
        now = time.monotonic()
        if tier is not None:
            self._pace.ended(now, Call(0, 0), Reading(tier=tier))
        for age, call in spent:
            self._pace.recall(now, age, call)
        self._set_guards()

    async def turn(
        self,
        images: int,
        is_fresh: Callable[[], bool],
        stirred: Callable[[float], Awaitable[None]],
    ) -> Call:
        """Wait until a POST of at most so many images may go.

        stirred returns after so many seconds, or sooner when there is reason to look again: an
        image that has just arrived may go earlier than a backlog, an answer may bring good news.
        """
        while True:
            now, call = time.monotonic(), write(self._pace.images(images))
            delay_of = self._pace.delay_of_fresh if is_fresh() else self._pace.delay_of_backlog
            delay = delay_of(now, call)
            if delay <= 0:
                break
            await stirred(delay)
        return await self._begin(now, call)

    async def turn_for(self, call: Call, stirred: Callable[[float], Awaitable[None]]) -> Call:
        """Wait, as a backlog does, until a call may go that brings no image."""
        while (delay := self._pace.delay_of_backlog(now := time.monotonic(), call)) > 0:
            await stirred(delay)
        return await self._begin(now, call)

    async def _begin(self, now: float, call: Call) -> Call:
        self._pace.began(now, call)
        passed = False
        try:
            await self._pass_guards(call)
            passed = True
        finally:
            if not passed:
                self.withdraw(call)
        return call

    def resize(self, call: Call, images: int) -> Call:
        """Return the call as it is sent: with fewer images than it was granted for."""
        if images == call.images:
            return call
        now, smaller = time.monotonic(), write(images)
        self._pace.withdrawn(now, call)
        self._pace.began(now, smaller)
        return smaller

    def withdraw(self, call: Call) -> None:
        """A call that was granted is not sent."""
        self._pace.withdrawn(time.monotonic(), call)

    def ended(self, call: Call, end: End, reading: Reading | None) -> None:
        """A call was taken, throttled, or ended otherwise; the reading is of its headers."""
        now = time.monotonic()
        if end is End.TAKEN:
            self._pace.taken(now, call)
        elif end is End.THROTTLED:
            self._pace.throttled(now, call)
        self._pace.ended(now, call, reading)
        self._set_guards()

    async def _pass_guards(self, call: Call) -> None:
        price = self._pace.price(call)
        for _ in range(price.points):
            await self._points.acquire()  # type: ignore[no-untyped-call]  # it types nothing
        for _ in range(price.calls):
            await self._calls.acquire()  # type: ignore[no-untyped-call]  # the same

    def _set_guards(self) -> None:
        budget = self._pace.budget
        self._points.rate_limit, self._points.period = budget.points, budget.window
        self._calls.rate_limit, self._calls.period = budget.calls, budget.calls_window
