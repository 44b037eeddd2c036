"""A cap learned from throttled calls that our own figures do not explain."""

from __future__ import annotations

import math

from syncd.rules.pacing.budget import WRITE_POINTS

STEP_WRITES, STEP_SHARE = 2, 0.02
"""Writes by which a throttled call lowers the cap, and share of the limit if that is more."""

REGAIN = 5 * 3600.0
"""Seconds until the cap has regained the step. Shorter: more throttled calls while nothing changes
(without headers nine a day at two hours, five at five). Longer: what another program leaves free
when it ends is used later (without headers after eight hours)."""

SLACK = WRITE_POINTS / 4
"""Points by which the flat part of its rise is above the throttled level: else it would round down
to one write less."""

SPARE = 86_400.0
"""Seconds after such a call for which others, if headers show any, are assumed to make one write
more per window: a program that does not call quite evenly then causes one a day, not twelve."""

LEAST_SHARE = 0.5
"""Share of what headers leave to us below which no cap is set: a program whose bursts exceed the
budget with and without our calls would otherwise leave us nothing."""


class LearnedCap:
    """The spending of others beyond what headers show, in points per window."""

    def __init__(self) -> None:
        self._at: float | None = None  # when it was learned; None: nothing was
        self._step = 0.0
        self._theirs = 0.0  # all that they spend, as of then
        self._hidden = 0.0  # what headers did not show of it
        self._uneven_until = -math.inf
        self._accepted = 0  # points that our window held at the last accepted call

    def record_accepted(self, used: int) -> None:
        """Record that the account accepted a call, when our window held `used` points."""
        self._accepted = used

    def record_throttled(
        self,
        now: float,
        *,
        limit: float,
        shown: float,
        whole: int,
        is_known: bool,
        is_settled: bool,
    ) -> None:
        """Learn from a call that was throttled although our window held no more than `limit`.

        shown is what headers show of others, whole the account's budget; all in points. is_settled:
        headers have shown their rate for an hour. Until then the first figures may be far off.
        """
        self._step = max(STEP_WRITES * WRITE_POINTS, STEP_SHARE * limit)
        least = LEAST_SHARE * (whole - shown) if is_known else 0.0
        cap = max(self._accepted - self._step, limit / 2 - self._step, least, WRITE_POINTS)
        if is_settled:
            self._uneven_until = now + SPARE
        self._at, self._theirs = now, whole - cap
        self._hidden = self._theirs - self._with_spare(now, shown) if is_settled else math.inf

    def settle(self, now: float, shown: float) -> None:
        """Called when headers have shown the rate of others for an hour: what they hide is known.

        From then on the cap rises as soon as headers show that others spend less.
        """
        if self._at is not None and self._hidden == math.inf:
            self._hidden = max(0.0, self._theirs - self._with_spare(now, shown))

    def theirs(self, now: float, shown: float) -> float:
        """Return the points that others spend per window, of which headers show `shown`.

        What headers do not show becomes smaller along the curve of CUBIC (RFC 9438): quickly at
        first, slowly around the level that was throttled, then ever faster.
        """
        if self._at is None:
            return shown
        shown = self._with_spare(now, shown)
        regained = (self._step + SLACK) * (1 + ((now - self._at - REGAIN) / REGAIN) ** 3)
        return max(shown, min(self._theirs, shown + self._hidden) - regained)

    def _with_spare(self, now: float, shown: float) -> float:
        return shown + WRITE_POINTS if shown and now < self._uneven_until else shown
