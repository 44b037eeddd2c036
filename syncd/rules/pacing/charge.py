"""Whether a POST of several images is charged as one call or as one call per image."""

from __future__ import annotations

import math

from syncd.rules.pacing.budget import Budget, Call

UNCONFIRMED, CONFIRMED = 3600.0, 8 * 3600.0
"""Seconds for which a charge by the image is assumed after one throttled call, and after a second
one that confirms it. Each doubt costs one block while it is true: four in the first day, three in
the next ones; while it is wrong, a development account takes 20 images per window."""

PROOF = 3600.0
"""Seconds for which an accepted POST excludes a charge by the image."""


class Charge:
    """The charge that one account has shown. By the request, until a throttled call shows more."""

    def __init__(self) -> None:
        self.by_image_until: float | None = None
        """Until when a charge by the image is assumed; None: a POST costs one call."""
        self.most_accepted = 0
        """The most images that the account has accepted in one POST."""
        self._was_by_image = False  # until the last doubt
        self._proved_at = -math.inf

    @property
    def by_image(self) -> bool:
        """Whether each image is assumed to cost a call."""
        return self.by_image_until is not None

    def restore(self, until: float) -> None:
        """Continue with a charge by the image that an earlier process learned."""
        self.by_image_until, self._was_by_image = until, True
        self.most_accepted = 1

    def record_accepted(self, now: float, call: Call, window: int, budget: Budget) -> None:
        """Learn from an accepted call; `window` points were spent then if images are charged."""
        self.most_accepted = max(self.most_accepted, call.images)
        is_alone_too_much = call.points * call.images > budget.points
        if is_alone_too_much or window > 2 * budget.points:  # even of a leaking budget
            self._proved_at, self._was_by_image = now, False

    def record_throttled(self, now: float, window: int, budget: Budget) -> bool:
        """Learn from a throttled call; return whether a charge by the image explains it.

        With the call, `window` points would have been spent if images are charged.
        """
        is_proved = now < self._proved_at + PROOF
        if self.by_image or is_proved or window <= budget.points:
            return False
        self.by_image_until = now + (CONFIRMED if self._was_by_image else UNCONFIRMED)
        self.most_accepted, self._was_by_image = 1, True
        return True

    def doubt(self, now: float) -> bool:
        """Assume a charge by the request again once the result is old; return whether it is."""
        if self.by_image_until is None or now < self.by_image_until:
            return False
        self.by_image_until, self.most_accepted = None, 1
        return True

    def forget_proof(self) -> None:
        """Forget which POST was accepted: another budget applies."""
        self._proved_at = -math.inf

    def disprove(self) -> None:
        """Assume a charge by the request: headers report fewer calls than we sent images."""
        self.by_image_until, self.most_accepted, self._was_by_image = None, 1, False
