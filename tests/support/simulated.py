"""A simulated ad account, and a sender that asks a Pace when to call: days pass in seconds."""

from __future__ import annotations

import heapq
import math
import random
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from syncd.rules.pacing.budget import Budget, Call, End, Tier, write
from syncd.rules.pacing.pace import Pace
from syncd.rules.pacing.usage import BudgetUsage


@dataclass
class Server:
    """An account with the documented limits; what the documentation leaves open is a setting."""

    budget: Budget
    tier: Tier = Tier.DEVELOPMENT
    leaks: bool = False
    per_image: bool = False
    reports_calls: bool = True
    reports_points: bool = False
    exact: bool = False  # percents with decimals, not whole ones
    lag: float = 0.0
    work_per_call: float = 0.0
    growth: float = 0.25  # share of the block's length that each call during it adds

    taken: int = 0
    images: int = 0
    points_taken: int = 0
    theirs_taken: int = 0  # points of others
    throttled: list[tuple[float, str]] = field(default_factory=list)
    into_block: int = 0
    blocked_until: float = -math.inf
    worst_work: float = 0.0
    _points: deque[tuple[float, int]] = field(default_factory=deque)
    _calls: deque[tuple[float, int]] = field(default_factory=deque)
    _level: float = 0.0
    _level_at: float = 0.0
    _points_sum: int = 0
    _calls_sum: int = 0
    _reports: deque[tuple[float, BudgetUsage]] = field(default_factory=deque)

    def call(self, now: float, call: Call, ours: bool = True) -> bool:
        """Make a call; return whether the account accepts it."""
        times = max(1, call.images) if self.per_image else 1
        points = call.points * times
        if now < self.blocked_until:
            self.into_block += ours
            self.blocked_until += self.budget.block * self.growth
            return False
        if self.score(now) + points > self.budget.points + 1e-9:
            self._throttle(now, "ours" if ours else "theirs", self.budget.block)
            return False
        if self.hour(now) + times > self.budget.calls:
            self._throttle(now, "ours" if ours else "theirs", self.budget.calls_window / 60)
            return False
        self._points.append((now, points))
        self._points_sum += points
        self._level = self.level(now) + points
        self._calls.append((now, times))
        self._calls_sum += times
        if ours:
            self.taken += 1
            self.images += call.images
            self.points_taken += points
        else:
            self.theirs_taken += points
        self._report(now)
        return True

    def score(self, now: float) -> float:
        while self._points and self._points[0][0] + self.budget.window <= now:
            self._points_sum -= self._points.popleft()[1]
        return self.level(now) if self.leaks else self._points_sum

    def level(self, now: float) -> float:
        lost = (now - self._level_at) * self.budget.points / self.budget.window
        self._level, self._level_at = max(0.0, self._level - lost), now
        return self._level

    def hour(self, now: float) -> int:
        while self._calls and self._calls[0][0] + self.budget.calls_window <= now:
            self._calls_sum -= self._calls.popleft()[1]
        return self._calls_sum

    def usage(self, now: float) -> BudgetUsage | None:
        """Return what the headers report, which is `lag` seconds old."""
        self._report(now)
        last: BudgetUsage | None = None
        while self._reports and self._reports[0][0] <= now - self.lag:
            last = self._reports.popleft()[1]
        if last is not None:
            self._reports.appendleft((now - self.lag, last))
        if last is None and (self.reports_calls or self.reports_points):
            calls = 0 if self.reports_calls else None
            points = 0 if self.reports_points else None
            return BudgetUsage(calls=calls, points=points, tier=self.tier)
        return last

    def _report(self, now: float) -> None:
        work = self.work_per_call * self.hour(now)
        self.worst_work = max(self.worst_work, work)
        calls = 100 * self.hour(now) / self.budget.calls
        usage = BudgetUsage(
            calls=(calls if self.exact else math.floor(calls + 1e-9))
            if self.reports_calls
            else None,
            cpu_time=math.floor(work) if self.work_per_call else None,
            points=round(100 * self.score(now) / self.budget.points, 2)
            if self.reports_points
            else None,
            tier=self.tier if self.reports_calls or self.reports_points else None,
        )
        self._reports.append((now, usage))

    def _throttle(self, now: float, sender: str, block: float) -> None:
        self.throttled.append((now, sender))
        self.blocked_until = now + block
        self._report(now)

    @property
    def our_throttled(self) -> int:
        return sum(sender == "ours" for _, sender in self.throttled)


@dataclass
class Sender:
    """One account's lane as the engine drives it: a backlog, and fresh images that arrive."""

    pace: Pace
    server: Server
    per_post: int = 25
    latency: Callable[[], float] = lambda: 0.4
    backlog: int = 10**9
    workers: int = 4
    arrivals: Iterable[float] = ()
    skew: Callable[[float], float] = lambda now: now  # the sender's clock
    waited: list[float] = field(default_factory=list)
    sent: list[tuple[float, int]] = field(default_factory=list)
    posts: list[int] = field(default_factory=list)
    held: list[tuple[float, int]] = field(default_factory=list)  # times, and images held by then

    def time_of(self, images: int) -> float:
        """Return when the account held `images` images; infinity if it never did."""
        return next((time for time, held in self.held if held >= images), math.inf)

    def run(
        self, seconds: float, others: Iterable[tuple[float, Call]] = (), start: float = 0.0
    ) -> None:
        """Send for `seconds`, while others make their calls at their times."""
        _Run(self, others, start).run(start + seconds)


Event = tuple[float, int, str, Call | None]
"""A time, a number that orders events of one time, what happens, and the call."""


class _Run:
    """One run of a sender, as a queue of events."""

    def __init__(self, sender: Sender, others: Iterable[tuple[float, Call]], start: float) -> None:
        self._sender = sender
        self._server = sender.server
        self._pace = sender.pace
        self._events: list[Event] = []
        self._number = 0
        self._fresh: deque[float] = deque()  # times of arrival
        self._in_flight = 0
        self._closed_until = -math.inf
        self._next_check = start
        for time, other in others:
            self._at(time, "other", other)
        for time in sender.arrivals:
            self._at(time, "arrival")
        self._at(start, "check")

    def run(self, end: float) -> None:
        while self._events:
            now, _, what, call = heapq.heappop(self._events)
            if now > end:
                break
            if self._happens(now, what, call):
                self._send_allowed(now)

    def _at(self, time: float, what: str, call: Call | None = None) -> None:
        self._number += 1
        heapq.heappush(self._events, (time, self._number, what, call))

    def _happens(self, now: float, what: str, call: Call | None) -> bool:
        """Handle one event; return whether the sender may be able to send now."""
        match what, call:
            case "other", Call():
                if now >= self._server.blocked_until:  # other clients respect a block, too
                    self._server.call(now, call, ours=False)
                return False
            case "arrival", None:
                self._fresh.append(now)
                return True
            case "request", Call():  # it reaches the server
                taken = self._server.call(now, call)
                self._at(now + self._sender.latency() / 2, "taken" if taken else "throttled", call)
                return False
            case "taken" | "throttled", Call():
                self._respond(now, call, taken=what == "taken")
                return True
            case "check", None:
                return now >= self._next_check
            case _:
                raise AssertionError(what)

    def _respond(self, now: float, call: Call, *, taken: bool) -> None:
        self._in_flight -= 1
        ours = self._sender.skew(now)
        if taken:
            self._held(now, call.images)
        else:
            self._sender.backlog += call.images
            left = max(self._server.blocked_until - now, self._pace.budget.block)
            self._closed_until = now + left * 1.05
        end = End.TAKEN if taken else End.THROTTLED
        self._pace.finish(ours, call, end, self._server.usage(now))

    def _held(self, now: float, images: int) -> None:
        held = self._sender.held
        held.append((now, images + (held[-1][1] if held else 0)))

    def _send_allowed(self, now: float) -> None:
        """Send all POSTs that may be sent now, and plan the next check."""
        sender = self._sender
        if now < self._closed_until:
            if self._closed_until > self._next_check:
                self._next_check = self._closed_until
                self._at(self._closed_until, "check")
            return
        while self._in_flight < sender.workers and (self._fresh or sender.backlog > 0):
            ours = sender.skew(now)
            wanted = min(sender.per_post, len(self._fresh) or sender.backlog)
            post = write(self._pace.images(wanted))
            if self._fresh:
                delay = self._pace.delay_of_fresh(ours, post)
            else:
                delay = self._pace.delay_of_backlog(ours, post, sender.backlog)
            if delay > 0:
                self._next_check = now + max(delay, 1e-4)
                self._at(self._next_check, "check")
                break
            self._pace.start(ours, post, fresh=bool(self._fresh))
            self._send(now, post)

    def _send(self, now: float, post: Call) -> None:
        sender = self._sender
        sender.sent.append((now, self._pace.price(post).points))
        sender.posts.append(post.images)
        for _ in range(post.images):
            if self._fresh:
                sender.waited.append(now - self._fresh.popleft())
            else:
                sender.backlog -= 1
        self._in_flight += 1
        self._at(now + sender.latency() / 2, "request", post)


def spread(every: float, seconds: float, jitter: float = 0.0, seed: int = 0) -> list[float]:
    """Return times that are `every` seconds apart, each later by up to `jitter` seconds."""
    chance = random.Random(seed)
    return [every * n + chance.uniform(0, jitter) for n in range(math.ceil(seconds / every))]
