"""The pace of an audit, the differences that it finds, and which of them it believes."""

from __future__ import annotations

from enum import Enum

from syncd.model import ImageStatus, Listed
from syncd.rules.pacing.budget import READ_POINTS, Budget

MAX_SHARE = 0.05
"""Share of an account's budget that a periodic audit uses at most."""

MASS = 5
"""Images; fewer in one response are never a mass change."""

CONFIRM_AFTER = 3600.0
"""Seconds after which a second look at a mass change counts."""


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


class Belief(Enum):
    """The consequence for the images that one response of the account left out."""

    USUAL = "usual"
    """They are gone, as images that are removed by hand are."""
    SUSPECT = "suspect"
    """So many at once are rather a fault of the account or the API: nothing is recorded yet."""
    BELIEVED = "believed"
    """The same, but a later audit or the operator has confirmed it."""


def believe(
    absent: int, compared: int, *, suspect_for: float | None, accepted: bool = False
) -> Belief:
    """Decide about `absent` of the images that one response was compared with.

    suspect_for is the age in seconds of the account's first mass change, None without one; it is
    negative if the clock was set back. accepted: the operator has confirmed it, or an earlier
    response of this audit. Every `MASS` images or more are judged, so that what is usual in each
    response is less than half of the whole audit as well.
    """
    if compared < MASS or 2 * absent < compared:
        return Belief.USUAL
    confirmed = suspect_for is not None and suspect_for >= CONFIRM_AFTER
    return Belief.BELIEVED if accepted or confirmed else Belief.SUSPECT


def next_response(left: int, limit: int) -> int:
    """Return how many of the `left` images the next response is compared with, at most `limit`.

    The last response is not left with fewer than `MASS` images unless fewer are left.
    """
    if left <= limit:
        return left
    return limit if left - limit >= MASS else left - MASS
