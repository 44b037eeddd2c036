"""Counts of the calls, images and bytes that this process has sent to an account."""

from __future__ import annotations

from bisect import bisect_left
from enum import Enum

import msgspec

from syncd.rules.errors import ApiError, Verdict, judge

DURATIONS = (0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0)
"""Seconds: the upper bounds between which the durations of uploads are counted."""


class CallKind(Enum):
    """A kind of call to an account."""

    UPLOAD = "upload"
    COPY = "copy"
    READ = "read"
    DELETE = "delete"


class Outcome(Enum):
    """How a call ended."""

    OK = "ok"
    REJECTED = "rejected"
    """The API rejected its images."""
    THROTTLED = "throttled"
    ERROR = "error"
    NO_RESPONSE = "no_response"


_REJECTED = (Verdict.REJECT, Verdict.REJECT_UPLOAD, Verdict.REJECT_TWICE, Verdict.TOO_LARGE)


def outcome_of(error: ApiError | None) -> Outcome:
    """Return how a call ended; None stands for a call without an error."""
    if error is None:
        return Outcome.OK
    if error.status is None:
        return Outcome.NO_RESPONSE
    verdict = judge(error)
    if verdict.is_pause:
        return Outcome.THROTTLED
    return Outcome.REJECTED if verdict in _REJECTED else Outcome.ERROR


class Durations:
    """The durations of calls, counted by the bounds that they do not exceed."""

    def __init__(self) -> None:
        self.counts = [0] * (len(DURATIONS) + 1)
        """For each of DURATIONS, those up to it and above the one before; those above the last."""
        self.total = 0.0  # seconds

    def add(self, seconds: float) -> None:
        """Count a duration."""
        self.counts[bisect_left(DURATIONS, seconds)] += 1
        self.total += seconds


class Counters(msgspec.Struct, kw_only=True):
    """The calls, images and bytes that were sent to an account, and the images it rejected."""

    calls: int = 0
    ended: dict[tuple[CallKind, Outcome], int] = msgspec.field(
        default_factory=lambda: {(kind, outcome): 0 for kind in CallKind for outcome in Outcome}
    )
    """The calls that have ended."""
    images: int = 0
    copied: int = 0  # of the images
    rejected: int = 0
    bytes: int = 0
    uploads: Durations = msgspec.field(default_factory=Durations)
    """From the begin of a POST of images to its response, or to its failure."""
