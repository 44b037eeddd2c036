"""How an audit is spread over time, and what it makes of what an account lists."""

from __future__ import annotations

from enum import Enum

from syncd.model import ImageStatus, Listed
from syncd.rules.pacing.budget import READ_POINTS, Budget

SHARE = 0.05
"""Share of an account's budget that an audit on its period takes at most."""


def between_reads(reads: int, every: float, budget: Budget) -> float:
    """Return the seconds from one read of an audit to the next: spread over half of its period,
    and never more than its share of the budget."""
    spread = every / 2 / max(1, reads)
    by_points = READ_POINTS * budget.window / (budget.points * SHARE)
    return max(spread, by_points, budget.calls_window / (budget.calls * SHARE))


class Difference(Enum):
    """How what an account lists differs from what is believed."""

    NONE = "none"
    GONE = "gone"
    RENAMED = "renamed"
    INTERNAL = "internal"
    """Its status is one that no image of ours should have."""


def compare(listed: Listed | None, name: str | None, status: str | None) -> Difference:
    """Compare an image with the name and status that were last said of it, None for neither."""
    if listed is None or listed.status is ImageStatus.DELETED:
        return Difference.GONE
    usual = listed.status in (ImageStatus.ACTIVE, ImageStatus.UNKNOWN)
    if not usual and listed.status.value != status:
        return Difference.INTERNAL
    renamed = name is not None and listed.name is not None and listed.name != name
    return Difference.RENAMED if renamed else Difference.NONE
