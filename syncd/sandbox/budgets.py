"""The documented budgets of an ad account, and the blocks that follow when they are overrun."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from syncd.sandbox.meters import Leak, Meter, Window
from syncd.sandbox.switches import Switches
from syncd.sandbox.values import AccountId, Kind

READ_POINTS, WRITE_POINTS = 1, 3
GROWTH = 0.25
"""A guess: by how much of its length a block grows for each call made into it."""


@dataclass(frozen=True, slots=True)
class Limits:
    """One tier's figures; seconds are already scaled. Source: Meta's rate limiting pages."""

    points: float
    decay: float
    block: float
    calls: float
    calls_per_ad: float
    hour: float
    access: str


_TIERS = {
    "development": Limits(60, 300, 300, 300, 40, 3600, "development_access"),
    "standard": Limits(9000, 300, 60, 100_000, 40, 3600, "standard_access"),
    "unlimited": Limits(float("inf"), 300, 60, float("inf"), 40, 3600, "standard_access"),
}


def limits(switches: Switches) -> Limits:
    """Return the figures of the tier, with every duration divided by the time scale."""
    tier, scale = _TIERS[switches.tier], switches.time_scale
    return replace(tier, decay=tier.decay / scale, block=tier.block / scale, hour=tier.hour / scale)


@dataclass(frozen=True, slots=True)
class Cost:
    """What a call takes from the budgets."""

    points: float
    calls: float
    cpu: float


def cost(kind: Kind, method: str, images: int, switches: Switches) -> Cost:
    """Return the price of a call that brings so many images."""
    times = max(1, images) if switches.charge == "per_image" else 1
    points = READ_POINTS if method == "GET" else WRITE_POINTS
    cpu = switches.cpu_per_image * images if kind is Kind.UPLOAD else 0.0
    return Cost(points * times, times, cpu)


@dataclass(frozen=True, slots=True)
class Block:
    """An account that answers nothing but this error for a while."""

    error: str
    length: float
    until: float


@dataclass(frozen=True, slots=True)
class Usage:
    """How much of an account's budgets is spent: shares of 1, and seconds until it is usable."""

    calls: float
    cpu: float
    score: float
    regain: float
    score_reset: float
    blocked_by: str | None
    access: str


class Budget:
    """One account's budgets."""

    def __init__(self, limits: Limits, decay: str) -> None:
        self._limits = limits
        leaks = decay == "leak" and limits.points != float("inf")
        self._score: Meter = Leak(limits.decay, limits.points) if leaks else Window(limits.decay)
        self._calls = Window(limits.hour)
        self._cpu = Window(limits.hour)
        self._block: Block | None = None

    def blocked(self, now: float) -> Block | None:
        if self._block is not None and self._block.until <= now:
            self._block = None
        return self._block

    def called_into(self, block: Block) -> None:
        """Make the block longer, as a call made into it does."""
        self._block = replace(block, until=block.until + block.length * GROWTH)

    def block(self, now: float, error: str, seconds: float) -> None:
        self._block = Block(error, seconds, now + seconds)

    def charge(self, now: float, cost: Cost, ads: int, score_error: str) -> str | None:
        """Spend, or block the account and return the error's name."""
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
        limits = self._limits
        block = self.blocked(now)
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
    """Every account's budgets, made on first use."""

    def __init__(self, switches: Switches) -> None:
        self._limits = limits(switches)
        self._decay = switches.decay
        self._accounts: dict[AccountId, Budget] = {}
        self.app = Window(self._limits.hour)

    def of(self, account: AccountId) -> Budget:
        if account not in self._accounts:
            self._accounts[account] = Budget(self._limits, self._decay)
        return self._accounts[account]

    def __iter__(self) -> Iterator[tuple[AccountId, Budget]]:
        return iter(self._accounts.items())
