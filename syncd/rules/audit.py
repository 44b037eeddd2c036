"""The pace of an audit, and the differences between an account and the ledger that it finds."""

from __future__ import annotations

from enum import Enum

from syncd.model import ImageStatus, Listed
from syncd.rules.pacing.budget import READ_POINTS, Budget

MAX_SHARE = 0.05
"""Share of an account's budget that a periodic audit uses at most."""


def read_interval(reads: int, every: float, budget: Budget) -> float:
    """Return the seconds between two of an audit's `reads`.

    They are spread over half of the period of `every` seconds, and use `MAX_SHARE` of the budget
    at most.
    """
    spread = every / 2 / max(1, reads)
    by_points = READ_POINTS * budget.window / (budget.points * MAX_SHARE)
    by_calls = budget.calls_window / (budget.calls * MAX_SHARE)
    return max(spread, by_points, by_calls)


class Difference(Enum):
    """How an image in an account differs from the ledger."""

    NONE = "none"
    GONE = "gone"
    RENAMED = "renamed"
    INACTIVE = "inactive"
    """Its status has become one that syncd's images should not have."""


def compare(listed: Listed | None, name: str | None, status: str | None) -> Difference:
    """Compare an image with the name and status recorded by the last audit, None before the first.

    listed is None for an image that the account left out.
    """
    if listed is None or listed.status is ImageStatus.DELETED:
        return Difference.GONE
    usual = listed.status in (ImageStatus.ACTIVE, ImageStatus.UNKNOWN)
    if not usual and listed.status.value != status:
        return Difference.INACTIVE
    renamed = name is not None and listed.name is not None and listed.name != name
    return Difference.RENAMED if renamed else Difference.NONE
