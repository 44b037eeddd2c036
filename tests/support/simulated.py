"""An ad account in simulated time, and a sender that asks a Pace when to call: days in seconds."""

from __future__ import annotations

import heapq
import math
import random
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from syncd.rules.pacing.budget import Budget, Call, Tier, write
from syncd.rules.pacing.pace import Pace
from syncd.rules.pacing.usage import Reading


@dataclass
class Server:
    """The documented limits, with all that nobody knows of them as a setting."""

    budget: Budget
    tier: Tier = Tier.DEVELOPMENT
    leaks: bool = False
    per_image: bool = False
    says_calls: bool = True
    says_points: bool = False
    lag: float = 0.0
    work_per_call: float = 0.0
    growth: float = 0.25  # of the block's length, for each call into it

    taken: int = 0
    images: int = 0
    points_taken: int = 0
    refusals: list[tuple[float, str]] = field(default_factory=list)
    into_block: int = 0
    blocked_until: float = -math.inf
    worst_work: float = 0.0
    _points: deque[tuple[float, int]] = field(default_factory=deque)
    _calls: deque[tuple[float, int]] = field(default_factory=deque)
    _level: float = 0.0
    _level_at: float = 0.0
    _points_sum: int = 0
    _calls_sum: int = 0
    _said: deque[tuple[float, Reading]] = field(default_factory=deque)

    def call(self, now: float, call: Call, ours: bool = True) -> bool:
        """Answer whether the account takes a call."""
        times = max(1, call.images) if self.per_image else 1
        points = call.points * times
        if now < self.blocked_until:
            self.into_block += ours
            self.blocked_until += self.budget.block * self.growth
            return False
        if self.score(now) + points > self.budget.points + 1e-9:
            self._refuse(now, "ours" if ours else "theirs", self.budget.block)
            return False
        if self.hour(now) + times > self.budget.calls:
            self._refuse(now, "ours" if ours else "theirs", self.budget.calls_window / 60)
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
        self._remember(now)
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

    def reading(self, now: float) -> Reading | None:
        """Return what the headers say: of some time ago, when they lag."""
        self._remember(now)
        told: Reading | None = None
        while self._said and self._said[0][0] <= now - self.lag:
            told = self._said.popleft()[1]
        if told is not None:
            self._said.appendleft((now - self.lag, told))
        if told is None and (self.says_calls or self.says_points):
            calls, points = (0 if self.says_calls else None), (0 if self.says_points else None)
            return Reading(calls=calls, points=points, tier=self.tier)
        return told

    def _remember(self, now: float) -> None:
        work = self.work_per_call * self.hour(now)
        self.worst_work = max(self.worst_work, work)
        reading = Reading(
            calls=math.floor(100 * self.hour(now) / self.budget.calls + 1e-9)
            if self.says_calls
            else None,
            work=math.floor(work) if self.work_per_call else None,
            points=round(100 * self.score(now) / self.budget.points, 2)
            if self.says_points
            else None,
            tier=self.tier if self.says_calls or self.says_points else None,
        )
        self._said.append((now, reading))

    def _refuse(self, now: float, whose: str, block: float) -> None:
        self.refusals.append((now, whose))
        self.blocked_until = now + block
        self._remember(now)

    @property
    def our_refusals(self) -> int:
        return sum(whose == "ours" for _, whose in self.refusals)


@dataclass
class Sender:
    """One account's lane as the engine drives it: a backlog, and images that arrive."""

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
    refused: int = 0

    def run(  # noqa: PLR0912  one branch an event
        self, seconds: float, others: Iterable[tuple[float, Call]] = (), start: float = 0.0
    ) -> None:
        events: list[tuple[float, int, str, Call | None]] = []
        number = 0

        def at(time: float, what: str, call: Call | None = None) -> None:
            nonlocal number
            number += 1
            heapq.heappush(events, (time, number, what, call))

        for time, other in others:
            at(time, "other", other)
        for time in self.arrivals:
            at(time, "arrival")
        at(start, "look")
        fresh: deque[float] = deque()
        in_flight, closed_until, next_look = 0, -math.inf, start
        while events:
            now, _, what, call = heapq.heappop(events)
            if now > start + seconds:
                break
            match what:
                case "other":
                    assert call is not None
                    if now >= self.server.blocked_until:  # they have some sense too
                        self.server.call(now, call, ours=False)
                    continue
                case "arrival":
                    fresh.append(now)
                case "reach":  # the server, in the middle of the call
                    assert call is not None
                    taken = self.server.call(now, call)
                    at(now + self.latency() / 2, "taken" if taken else "refused", call)
                    continue
                case "taken" | "refused":
                    assert call is not None
                    in_flight -= 1
                    mine = self.skew(now)
                    if what == "taken":
                        self.pace.taken(mine, call)
                    else:
                        self.refused += 1
                        self.pace.throttled(mine, call)
                        left = max(self.server.blocked_until - now, self.pace.budget.block)
                        closed_until = now + left * 1.05
                    self.pace.ended(mine, call, self.server.reading(now))
                case _:
                    if now < next_look:
                        continue
            if now < closed_until:
                if closed_until > next_look:
                    next_look = closed_until
                    at(closed_until, "look")
                continue
            while in_flight < self.workers and (fresh or self.backlog > 0):
                mine = self.skew(now)
                wanted = min(self.per_post, len(fresh) or self.backlog)
                post = write(self.pace.images(wanted))
                ask = self.pace.delay_of_fresh if fresh else self.pace.delay_of_backlog
                if (delay := ask(mine, post)) > 0:
                    next_look = now + max(delay, 1e-4)
                    at(next_look, "look")
                    break
                self.pace.began(mine, post)
                price = self.pace.price(post)
                self.sent.append((now, price.points))
                self.posts.append(post.images)
                for _ in range(post.images):
                    if fresh:
                        self.waited.append(now - fresh.popleft())
                    else:
                        self.backlog -= 1
                in_flight += 1
                at(now + self.latency() / 2, "reach", post)


def spread(every: float, seconds: float, jitter: float = 0.0, seed: int = 0) -> list[float]:
    """Return the times of something that happens every so often, each off by up to a jitter."""
    chance = random.Random(seed)
    return [every * n + chance.uniform(0, jitter) for n in range(math.ceil(seconds / every))]
