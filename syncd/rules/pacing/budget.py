"""The budget of an ad account: points and calls, each in a window of its own."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum, auto

# developers.facebook.com, Marketing API, "Rate Limiting": a score of reads at 1 point and writes
# at 3, with its decay and block by tier; and calls of the business use case in a rolling hour.
READ_POINTS, WRITE_POINTS = 1, 3
CALLS_PER_AD = 40
"""Calls per hour that each active ad adds; syncd does not know how many ads there are."""


class Tier(Enum):
    """The access tier that Meta has granted to an app, by the word used in the configuration."""

    DEVELOPMENT = "development"
    STANDARD = "standard"


class End(Enum):
    """How a call ended, as far as its budget is concerned."""

    TAKEN = auto()
    THROTTLED = auto()
    OTHERWISE = auto()


@dataclass(frozen=True, slots=True)
class Call:
    """One request: its points, and the images that it uploads (0 for a read)."""

    points: int
    images: int = 1


READ = Call(READ_POINTS, 0)


def write(images: int = 1) -> Call:
    """Return a write that uploads `images` images."""
    return Call(WRITE_POINTS, images)


@dataclass(frozen=True, slots=True)
class Budget:
    """The points and calls that may be spent in any window; windows in seconds.

    block is the seconds for which an account accepts nothing once its points are exceeded.
    """

    points: int
    window: float
    calls: int
    calls_window: float
    block: float

    @classmethod
    def for_tier(cls, tier: Tier, ads: int = 0) -> Budget:
        """Return the documented budget of an account with `ads` active ads."""
        documented = _DOCUMENTED[tier]
        return replace(documented, calls=documented.calls + CALLS_PER_AD * ads)

    def less(self, reserve: float) -> Budget:
        """Return the budget without the share `reserve`, from 0 up to 1; at least one write."""
        share = 1.0 - reserve
        return replace(
            self,
            points=max(WRITE_POINTS, int(self.points * share + 1e-9)),
            calls=max(1, int(self.calls * share + 1e-9)),
        )


_DOCUMENTED = {
    Tier.DEVELOPMENT: Budget(60, 300.0, 300, 3600.0, block=300.0),
    Tier.STANDARD: Budget(9000, 300.0, 100_000, 3600.0, block=60.0),
}


@dataclass(frozen=True, slots=True)
class Terms:
    """An account's budget as configured; None means as documented for its tier."""

    tier: Tier | None = None
    points: int | None = None
    window: float | None = None
    calls: int | None = None
    calls_window: float | None = None
    reserve: float = 0.1

    def tier_for(self, reported: Tier | None) -> Tier:
        """Return the tier: the configured one, else the reported one, else the smaller one."""
        return self.tier or reported or Tier.DEVELOPMENT

    def budget(self, reported: Tier | None = None) -> Budget:
        """Return the whole budget, including the reserve.

        The block of a configured window is in proportion: the documented one belongs to 300 s.
        """
        documented = Budget.for_tier(self.tier_for(reported))
        window = documented.window if self.window is None else self.window
        return Budget(
            documented.points if self.points is None else self.points,
            window,
            documented.calls if self.calls is None else self.calls,
            documented.calls_window if self.calls_window is None else self.calls_window,
            documented.block * window / documented.window,
        )
