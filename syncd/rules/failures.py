"""Consecutive failed calls of one account, and what they have in common.

Three different images that meet the same unknown error, without a success between, show that it is
about the call. A POST of several images counts as one: any of them may be the reason, or that they
share a POST, so that one of the three has to be alone.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec
from msgspec.structs import replace

from syncd.model import Digest
from syncd.rules.errors import ApiError

DIFFERENT = 3
"""Different images that meet the same unknown error before it is about the call."""

_CALLS = 5  # consecutive failed calls after which the account is failing
_AGE = 60.0  # seconds since the first failed call after which it is failing

ALERT_AFTER = 3600.0
"""Seconds since the first failed call after which the operator is alerted."""

Apart = tuple[frozenset[Digest], ...]
"""The images of at most `DIFFERENT` failed POSTs; no two have an image in common."""


class Failures(msgspec.Struct, frozen=True, kw_only=True):
    """The failed calls since the last success."""

    calls: int = 0
    why: str | None = None  # of the last one
    since: float | None = None  # of the first one, in unix seconds
    is_state: bool = False
    """Whether the account is failing: one failed call is not a state."""
    is_alert: bool = False
    """Whether the account has been failing for so long that the operator is alerted."""
    apart: Apart = ()
    unknown: Mapping[str, Apart] = msgspec.field(default_factory=dict)
    """For each code that the table lacks, the images that met it."""
    has_other: bool = False
    """Whether a call without images failed."""

    @property
    def is_about_one_image(self) -> bool:
        """Whether one image may be the reason of all of them."""
        return len(self.apart) <= 1 and not self.has_other

    def after(
        self, error: ApiError, images: frozenset[Digest], now: float, *, unknown: bool
    ) -> Failures:
        """Return the failures after one more, of a POST of `images` or a call without any."""
        since = now if self.since is None else self.since
        calls, age = self.calls + 1, now - since
        is_state = self.is_state or age >= _AGE or (calls >= _CALLS and not unknown)
        of_codes = self.unknown
        if unknown:
            of_code = narrowed(of_codes.get(error.number, ()), images)
            of_codes = {**of_codes, error.number: of_code}
        return replace(
            self,
            calls=calls,
            why=str(error),
            since=since,
            is_state=is_state,
            is_alert=self.is_alert or (is_state and age >= ALERT_AFTER),
            apart=narrowed(self.apart, images),
            unknown=of_codes,
            has_other=self.has_other or not images,
        )

    def is_about_the_call(self, error: ApiError) -> bool:
        """Return whether different images have met the error."""
        met = self.unknown.get(error.number, ())
        return len(met) == DIFFERENT and len(met[0]) == 1


def narrowed(apart: Apart, images: frozenset[Digest]) -> Apart:
    """Return the failed POSTs with one more, the smallest first; a part of one replaces it."""
    common = [known for known in apart if known & images]
    if len(common) > 1 or not images or not all(images < known for known in common):
        return apart
    others = [known for known in apart if known not in common]
    return tuple(sorted((*others, images), key=len)[:DIFFERENT])
