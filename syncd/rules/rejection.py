"""The consequence for one image that was sent alone, and whose POST got an error about images."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum

from syncd.rules.errors import Verdict

_CONFIRMED_AFTER: Mapping[Verdict, float] = {
    Verdict.TOO_LARGE: 600.0,
    Verdict.REJECT_TWICE: 3600.0,
}
"""Seconds after which the same error rejects an image; both may be temporary."""


class Fate(Enum):
    """The consequence for the image."""

    RETRY = "retry"
    """It is sent again, at growing intervals."""
    AS_FIELD = "as_field"
    """It is sent again at once, as the form field `bytes`."""
    CONFIRM = "confirm"
    """It is rejected if the same error comes again after `time_to_confirm`."""
    REJECT = "reject"
    """It is not sent again."""


def fate(verdict: Verdict, *, as_field: bool, too_large: bool) -> Fate:
    """Return what becomes of an image that was sent as a file or as the form field `bytes`.

    It is `too_large` if the account has accepted bodies, but none of its size.
    """
    match verdict:
        case Verdict.REJECT_UPLOAD:
            return Fate.REJECT if as_field else Fate.AS_FIELD
        case Verdict.REJECT_TWICE:
            return Fate.CONFIRM if as_field else Fate.AS_FIELD
        case Verdict.TOO_LARGE:
            return Fate.CONFIRM if too_large else Fate.RETRY
        case Verdict.REJECT:
            return Fate.REJECT
        case _:
            return Fate.RETRY


def time_to_confirm(verdict: Verdict, doubted_at: float | None, now: float) -> float:
    """Return the seconds until the same error rejects an image that met it first at `doubted_at`.

    Times are in unix seconds; None for an image that has not met it before.
    """
    wait = _CONFIRMED_AFTER[verdict]
    if doubted_at is None or doubted_at > now:
        return wait
    return max(0.0, doubted_at + wait - now)
