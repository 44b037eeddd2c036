"""The pacer of one account: every call waits here for its turn.

The one module that knows asyncio_throttle. Pace decides, from what was spent and what the headers
report; the throttlers count the same windows once more, and delay what would exceed them.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping

from asyncio_throttle.throttler import Throttler

from syncd.ledger.accounts import SpentCall
from syncd.rules.errors import ApiError, Verdict, judge
from syncd.rules.pacing.budget import READ, Call, End, Terms, Tier, write
from syncd.rules.pacing.pace import Pace
from syncd.rules.pacing.usage import BudgetUsage


def end_of(error: ApiError) -> End:
    """Return how a call ended that failed with an error."""
    return End.THROTTLED if judge(error) is Verdict.PAUSE_ACCOUNT else End.OTHERWISE


def recall(pace: Pace, spent: SpentCall) -> None:
    """Spend a call that another process has recorded."""
    age = max(0.0, time.time() - spent.at)
    pace.recall(time.monotonic(), age, Call(spent.points, spent.images))


_POLL = 0.02  # seconds between two checks of a throttler that delays a call


class Pacer:
    """Grants turns to one waiter at a time; a granted turn is used, or withdrawn."""

    def __init__(self, terms: Terms) -> None:
        self._pace = Pace(terms, time.monotonic())
        budget = self._pace.most
        self._points = Throttler(budget.points, budget.window, _POLL)
        self._calls = Throttler(budget.calls, budget.calls_window, _POLL)
        self._woken = asyncio.Event()

    @property
    def pace(self) -> Pace:
        """The account's budget and spending."""
        return self._pace

    @property
    def shares_used(self) -> Mapping[str, float]:
        """The shares of the budget, less the reserve, that are spent: of its points and calls."""
        return self._pace.shares_used(time.monotonic())

    @property
    def delay_of_read(self) -> float:
        """Seconds until a read may be sent."""
        return self._pace.delay_of_fresh(time.monotonic(), READ)

    def forget_reports(self) -> None:
        """Forget what headers have reported: the operator knows that the account takes calls."""
        self._pace.quota.forget_reports()
        self.wake()

    def restore(
        self, tier: Tier | None, by_image_for: float, spent: list[tuple[float, Call]]
    ) -> None:
        """Restore what an earlier process learned and spent: calls with their age in seconds.

        by_image_for: the seconds for which a charge by the image is still assumed.
        """
        now = time.monotonic()
        if tier is not None:
            self._pace.update(now, BudgetUsage(tier=tier))
        if by_image_for > 0:
            self._pace.quota.charge.restore(now + by_image_for)
        for age, call in spent:
            self._pace.recall(now, age, call)
        self._set_limits()

    async def turn(
        self, images: int, is_fresh: Callable[[], bool], missing: Callable[[], int]
    ) -> Call:
        """Wait until a POST of images may be sent; return the call with its number of images.

        There are at most `images`. `is_fresh` returns whether an image has just arrived: its POST
        may be sent earlier than one of a backlog. `missing` returns how many images of the account
        wait: a backlog that fits into the budget is sent at once.
        """
        while True:
            now, call = time.monotonic(), write(self._pace.images(images))
            if fresh := is_fresh():
                delay = self._pace.delay_of_fresh(now, call)
            else:
                delay = self._pace.delay_of_backlog(now, call, missing())
            if delay <= 0:
                return await self._begin(now, call, fresh=fresh)
            await self._wait(delay)

    async def turn_for(self, call: Call) -> Call:
        """Wait, as a backlog does, until a call without images may be sent."""
        while (delay := self._pace.delay_of_backlog(now := time.monotonic(), call, 1)) > 0:
            await self._wait(delay)
        return await self._begin(now, call, fresh=False)

    def wake(self) -> None:
        """Let the waiters compute their delay again: it may have become shorter."""
        self._woken.set()

    def resize(self, call: Call, images: int) -> Call:
        """Return the call as it is sent, with fewer images than it was granted for."""
        if images == call.images:
            return call
        now, smaller = time.monotonic(), write(images)
        self._pace.withdraw(now, call)
        self._pace.start(now, smaller)
        return smaller

    def withdraw(self, call: Call) -> None:
        """Return the turn of a call that is not sent."""
        self._pace.withdraw(time.monotonic(), call)

    def finish(self, call: Call, end: End, reading: BudgetUsage | None) -> None:
        """Record how a call ended, and the reading of its headers."""
        self._pace.finish(time.monotonic(), call, end, reading)
        self._set_limits()
        self.wake()

    async def _wait(self, seconds: float) -> None:
        self._woken.clear()
        try:
            async with asyncio.timeout(seconds):
                await self._woken.wait()
        except TimeoutError:
            return

    async def _begin(self, now: float, call: Call, *, fresh: bool) -> Call:
        self._pace.start(now, call, fresh=fresh)
        passed = False
        try:
            await self._pass_throttlers(call)
            passed = True
        finally:
            if not passed:
                self.withdraw(call)
        return call

    async def _pass_throttlers(self, call: Call) -> None:
        price = self._pace.price(call)
        for _ in range(price.points):
            await self._points.acquire()  # type: ignore[no-untyped-call]  # it has no types
        for _ in range(price.calls):
            await self._calls.acquire()  # type: ignore[no-untyped-call]  # the same

    def _set_limits(self) -> None:
        budget = self._pace.most
        self._points.rate_limit, self._points.period = budget.points, budget.window
        self._calls.rate_limit, self._calls.period = budget.calls, budget.calls_window


def share_used(pacer: Pacer) -> float:
    """Return the larger one of the shares of the budget that are spent."""
    return max(pacer.shares_used.values())
