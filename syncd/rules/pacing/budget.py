"""What an ad account may spend: points and calls, each in a window of its own."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum

# developers.facebook.com, Marketing API, "Rate Limiting": a score of reads at 1 point and writes
# at 3, with its decay and block by tier; and calls of the business use case in a rolling hour.
READ_POINTS, WRITE_POINTS = 1, 3
CALLS_PER_AD = 40
"""Calls that each active ad adds to the hour's; syncd does not know of any."""


class Tier(Enum):
    """What Meta has granted an app, by the configuration's word for it."""

    DEVELOPMENT = "development"
    STANDARD = "standard"


@dataclass(frozen=True, slots=True)
class Call:
    """One request, by what it may cost: points and images, of which a read brings none."""

    points: int
    images: int = 1


READ = Call(READ_POINTS, 0)


def write(images: int = 1) -> Call:
    """Return a POST that brings so many images."""
    return Call(WRITE_POINTS, images)


@dataclass(frozen=True, slots=True)
class Budget:
    """Points and calls that may be spent in any window of so many seconds.

    block is for how many seconds an account answers nothing once its points are overrun.
    """

    points: int
    window: float
    calls: int
    calls_window: float
    block: float

    @classmethod
    def for_tier(cls, tier: Tier, ads: int = 0) -> Budget:
        """Return the documented budget of an account with so many active ads."""
        documented = _DOCUMENTED[tier]
        return replace(documented, calls=documented.calls + CALLS_PER_AD * ads)

    def less(self, reserve: float) -> Budget:
        """Return what is left when a share from 0 up to 1 stays for others: one write at least."""
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
    """What the configuration says of an account's budget; None is what its tier says."""

    tier: Tier | None = None
    points: int | None = None
    window: float | None = None
    calls: int | None = None
    calls_window: float | None = None
    reserve: float = 0.1

    def tier_for(self, told: Tier | None) -> Tier:
        """Return the tier that holds: as configured, else as told, else the smaller one."""
        return self.tier or told or Tier.DEVELOPMENT

    def budget(self, told: Tier | None = None) -> Budget:
        """Return the whole budget, of which `reserve` stays for people.

        A window of one's own has its block in proportion: the documented one belongs to 300 s.
        """
        documented = Budget.for_tier(self.tier_for(told))
        window = documented.window if self.window is None else self.window
        return Budget(
            documented.points if self.points is None else self.points,
            window,
            documented.calls if self.calls is None else self.calls,
            documented.calls_window if self.calls_window is None else self.calls_window,
            documented.block * window / documented.window,
        )
