"""The documented budgets of an ad account, and the blocks that follow when one is exceeded."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Protocol

from syncd.sandbox.switches import Switches
from syncd.sandbox.values import AccountId, Kind

READ_POINTS, WRITE_POINTS = 1, 3
GROWTH = 0.25
"""By how much of its length a block grows with each call during it: a guess."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """The limits of one tier, durations in scaled seconds. Source: Meta's rate limiting pages."""

    points: float
    """Of the score: a read costs 1, a write 3."""
    decay: float = 300
    """Seconds in which a score decays."""
    block: float
    """Seconds for which an exceeded score blocks the account."""
    calls: float
    """Per hour."""
    calls_per_ad: float = 40
    """More calls per hour for each active ad."""
    hour: float = 3600
    access: str
    """The tier's name in usage headers."""


_TIERS = {
    "development": Limits(points=60, block=300, calls=300, access="development_access"),
    "standard": Limits(points=9000, block=60, calls=100_000, access="standard_access"),
    "unlimited": Limits(
        points=float("inf"), block=60, calls=float("inf"), access="standard_access"
    ),
}


def limits(switches: Switches) -> Limits:
    """Return the limits of the tier, with every duration divided by the time scale."""
    tier, scale = _TIERS[switches.tier], switches.time_scale
    return replace(tier, decay=tier.decay / scale, block=tier.block / scale, hour=tier.hour / scale)


@dataclass(frozen=True, slots=True)
class Cost:
    """The cost of a call, for each budget."""

    points: float
    calls: float
    cpu: float


def cost(kind: Kind, method: str, images: int, switches: Switches) -> Cost:
    """Return the cost of a call with `images` images."""
    times = max(1, images) if switches.charge == "per_image" else 1
    points = READ_POINTS if method == "GET" else WRITE_POINTS
    cpu = switches.cpu_per_image * images if kind is Kind.UPLOAD else 0.0
    return Cost(points * times, times, cpu)


class Meter(Protocol):
    """A measure of what is spent of a budget. All times are seconds of one clock."""

    def spent(self, now: float) -> float: ...

    def spend(self, now: float, amount: float) -> None: ...

    def free_at(self, now: float, amount: float, limit: float) -> float:
        """Return the time at which `amount` more fits under the limit."""
        ...


class Window:
    """A sliding window: what was spent in the last `seconds` seconds."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._spendings: deque[tuple[float, float]] = deque()
        self._total = 0.0

    def spent(self, now: float) -> float:
        while self._spendings and self._spendings[0][0] + self._seconds <= now:
            self._total -= self._spendings.popleft()[1]
        return self._total if self._spendings else 0.0

    def spend(self, now: float, amount: float) -> None:
        self._spendings.append((now, amount))
        self._total += amount

    def free_at(self, now: float, amount: float, limit: float) -> float:
        surplus = self.spent(now) + amount - limit
        for at, spent in self._spendings:
            if surplus <= 0:
                break
            surplus -= spent
            now = at + self._seconds
        return now


class Leak:
    """A leaking bucket, which loses a budget of `limit` evenly in `seconds` seconds."""

    def __init__(self, seconds: float, limit: float) -> None:
        self._rate = limit / seconds
        self._level = 0.0
        self._at = 0.0

    def spent(self, now: float) -> float:
        self._level = max(0.0, self._level - (now - self._at) * self._rate)
        self._at = now
        return self._level

    def spend(self, now: float, amount: float) -> None:
        self._level = self.spent(now) + amount

    def free_at(self, now: float, amount: float, limit: float) -> float:
        surplus = self.spent(now) + amount - limit
        return now + max(0.0, surplus) / self._rate


@dataclass(frozen=True, slots=True)
class Block:
    """A time during which every call of an account gets this error."""

    error: str
    length: float
    until: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """How much of an account's budgets is spent (1 is all), and seconds until it is usable."""

    calls: float
    cpu: float
    score: float
    regain: float
    score_reset: float
    blocked_by: str | None
    access: str


class Budget:
    """The budgets of one account."""

    def __init__(self, limits: Limits, decay: str) -> None:
        self._limits = limits
        leaks = decay == "leak" and limits.points != float("inf")
        self._score: Meter = Leak(limits.decay, limits.points) if leaks else Window(limits.decay)
        self._calls = Window(limits.hour)
        self._cpu = Window(limits.hour)
        self._block: Block | None = None

    def current_block(self, now: float) -> Block | None:
        """Return the block in force; None when calls are accepted."""
        if self._block is not None and self._block.until <= now:
            self._block = None
        return self._block

    def extend(self, block: Block) -> None:
        """Make a block longer, as a call during it does."""
        self._block = replace(block, until=block.until + block.length * GROWTH)

    def block(self, now: float, error: str, seconds: float) -> None:
        """Block the account."""
        self._block = Block(error, seconds, now + seconds)

    def charge(self, now: float, cost: Cost, ads: int, score_error: str) -> str | None:
        """Spend the cost, or block the account and return the error's name."""
        limits = self._limits
        if self._score.spent(now) + cost.points > limits.points:
            self.block(now, score_error, limits.block)
            return score_error
        for meter, amount, limit in (
            (self._calls, cost.calls, limits.calls + limits.calls_per_ad * ads),
            (self._cpu, cost.cpu, 100.0),
        ):
            if meter.spent(now) + amount > limit:
                until = meter.free_at(now, amount, limit)
                self.block(now, "80004", max(until - now, limits.hour / 60))
                return "80004"
        self._score.spend(now, cost.points)
        self._calls.spend(now, cost.calls)
        self._cpu.spend(now, cost.cpu)
        return None

    def usage(self, now: float, ads: int) -> Usage:
        """Return what is spent; each of `ads` ads raises the limit of calls."""
        limits = self._limits
        block = self.current_block(now)
        throttled = block is not None and block.error.startswith("800")
        calls = self._calls.spent(now) / (limits.calls + limits.calls_per_ad * ads)
        score = self._score.spent(now) / limits.points
        left = 0.0 if block is None else block.until - now
        return Usage(
            calls=max(calls, 1.0) if throttled else calls,
            cpu=self._cpu.spent(now) / 100,
            score=max(score, 1.0) if block is not None and not throttled else score,
            regain=left if throttled else 0.0,
            score_reset=self._score.free_at(now, 0, 0) - now if score else 0.0,
            blocked_by=None if block is None else block.error,
            access=limits.access,
        )


class Budgets:
    """The budgets of every account, created on first use."""

    def __init__(self, switches: Switches) -> None:
        self._limits = limits(switches)
        self._decay = switches.decay
        self._accounts: dict[AccountId, Budget] = {}
        self.app = Window(self._limits.hour)

    def of(self, account: AccountId) -> Budget:
        """Return the budgets of one account."""
        if account not in self._accounts:
            self._accounts[account] = Budget(self._limits, self._decay)
        return self._accounts[account]

    def __iter__(self) -> Iterator[tuple[AccountId, Budget]]:
        return iter(self._accounts.items())
