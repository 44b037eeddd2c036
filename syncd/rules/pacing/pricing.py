"""Whether a POST of several images is charged as one call or as one call per image.

The documentation does not say. Headers show it where they are sent: the reported hour holds at
least what our calls cost, and usage rises between two responses by what they cost. Without
headers, one POST is sent that would be throttled if images were charged (a probe). Large budgets
are probed at once (`trusting`): there a charge by the request is likely, POSTs of full size save
most calls, and being throttled costs little.
"""

from __future__ import annotations

from bisect import bisect_right
from enum import Enum, auto

from syncd.rules.pacing.budget import WRITE_POINTS, Budget, Call
from syncd.rules.pacing.sliding_window import SlidingWindow

UNKNOWN_CHARGE_POSTS = 4
"""POSTs per window, at least, that a budget allows while the charge is unknown, by the image."""

MAX_PROBE_SHARE = 10
"""Divisor of the writes per window that limits such POSTs further as the budget runs out, so that
some of it is left until headers have shown the charge: sent evenly, such POSTs reach a third of a
window's budget after a tenth of the window."""

MAX_SILENT_RESPONSES = 3
"""Consecutive responses without a figure after which headers are no longer expected."""

HEADER_LAG_WINDOWS = 0.08
"""Windows by which headers may lag: a figure sooner after a call does not include it."""

MAX_RISE_WINDOWS = 0.3
"""Windows within which a rise that images explain is not attributed to other clients."""

MAX_HEADER_WAIT = 0.3
"""Windows after the first figure until headers that show no charge are no longer waited for."""

RECHECK_AFTER = 72
"""Windows until a charge by the image is checked again, which may cost one throttled call (6 hours
with a window of 300 s)."""


class Charge(Enum):
    """The charge for a POST of several images."""

    UNKNOWN = auto()
    REQUEST = auto()
    IMAGE = auto()


class _Trial:
    """Our calls since one figure of the headers, to compare with the next figures."""

    def __init__(self, percent: float | None, began: float, expired: int) -> None:
        """percent is that figure, None before the first; expired, our calls that had left the hour
        by then."""
        self.percent = percent
        self.began = began
        self.expired = expired
        self._times: list[float] = []  # of responses
        self._sums: list[tuple[int, int]] = []  # requests and images until then

    def add(self, now: float, images: int) -> None:
        """Add a call that uploaded `images` images."""
        requests, before = self.sums()
        self._times.append(now)
        self._sums.append((requests + 1, before + images))

    def sums(self, until: float | None = None) -> tuple[int, int]:
        """Return the requests and images of all calls that were answered by `until`."""
        place = len(self._times) if until is None else bisect_right(self._times, until)
        return self._sums[place - 1] if place else (0, 0)


class Pricing:
    """The charge that one account has shown; UNKNOWN respects the budget under both."""

    def __init__(self, hour: float, *, trusting: bool) -> None:
        """hour is the length of the calls' window in seconds."""
        self.charge = Charge.UNKNOWN
        self.by_image = False
        """Whether images are charged, as far as was last known."""
        self._accepted = SlidingWindow(hour)
        self._assumed = SlidingWindow(hour)  # the same calls at their assumed charge
        self._assumed_in_all = 0
        self._trusting = trusting
        self._headers_missing = False  # no figure shows the charge: the next POST is a probe
        self._recheck_at: float | None = None
        self._silent_responses = 0
        self._first_figure_at: float | None = None
        self._trial = _Trial(None, 0.0, 0)

    @property
    def may_probe(self) -> bool:
        """Whether the next POST may show the charge by its size."""
        return self._headers_missing or (self._trusting and not self.by_image)

    @property
    def possible_charges(self) -> tuple[bool, ...]:
        """The charges that must stay within the budget: by the image (True) or the request."""
        match self.charge:
            case Charge.REQUEST:
                return (False,)
            case Charge.IMAGE:
                return (True,)
            case Charge.UNKNOWN:
                return (False,) if self.may_probe else (False, True)

    def most_images(self, wanted: int, budget: Budget, room: int) -> int:
        """Return how many images the next POST may upload, at most `wanted`.

        room is how many images fit the budget now if each is charged.
        """
        writes = min(budget.points // WRITE_POINTS, budget.calls)
        match self.charge:
            case Charge.REQUEST:
                return wanted
            case Charge.IMAGE:
                # Larger POSTs save nothing: small ones fill the budget without a remainder.
                return min(wanted, _divisor(writes, max(1, writes // 4)))
            case Charge.UNKNOWN:
                if self.may_probe:
                    return wanted
                lasting = room // max(2, writes // MAX_PROBE_SHARE)
                return max(1, min(wanted, writes // UNKNOWN_CHARGE_POSTS, lasting))

    def recheck(self, now: float) -> None:
        """Make a charge by the image unknown again once it is old."""
        if self._recheck_at is None or now < self._recheck_at:
            return
        self.charge, self._headers_missing, self._recheck_at = Charge.UNKNOWN, False, None
        self._silent_responses, self._first_figure_at, self._trial.percent = 0, None, None

    def record_throttled(self, now: float, call: Call, window: float) -> bool:
        """Record that a call was throttled; return whether a charge by the image explains it."""
        if self.charge is not Charge.UNKNOWN or not self.may_probe or call.images < 2:
            return False
        self._set_by_image(now + RECHECK_AFTER * window)
        return True

    def record_accepted(self, now: float, call: Call, budget: Budget, points_by_image: int) -> None:
        """Record that a call was accepted.

        points_by_image is what the window then holds if images are charged.
        """
        images = max(1, call.images)
        self._trial.add(now, images)
        self._accepted.add(now, 1, images)
        assumed = images if self.charge is Charge.IMAGE else 1
        self._assumed.add(now, assumed, 0)
        self._assumed_in_all += assumed
        alone = call.points * call.images > budget.points
        over = points_by_image > 2 * budget.points  # in one window, even of a leaking budget
        if self.charge is Charge.UNKNOWN and (alone or over):
            self._set_by_request()

    def update(self, now: float, percent: float | None, budget: Budget) -> None:
        """Record the percent of calls that a header reports as used; None without a header."""
        is_unknown = self.charge is Charge.UNKNOWN
        if percent is None:
            self._silent_responses += 1
            self._headers_missing = is_unknown and self._silent_responses >= MAX_SILENT_RESPONSES
            return
        self._silent_responses = 0
        if self._first_figure_at is None:
            self._first_figure_at = now
        waited = now - self._first_figure_at
        self._headers_missing = is_unknown and waited > MAX_HEADER_WAIT * budget.window
        duration = MAX_RISE_WINDOWS * budget.window if is_unknown else budget.calls_window / 4
        if self._trial.percent is None or now - self._trial.began > duration:
            self._start_trial(now, percent)
        else:
            self._judge(now, percent, self._trial.percent, budget)

    def _judge(self, now: float, percent: float, base: float, budget: Budget) -> None:
        """Compare the reported calls with ours, if images were charged.

        Other clients only add to the report. So less than three quarters of ours excludes a charge
        by the image. To establish it, usage must have risen since the trial began by a third of
        the images, calls that left the hour not counted, and too quickly for other clients.
        """
        one = budget.calls / 100  # whole percents are reported: each figure may be one too low
        requests, images = self._trial.sums()
        if (percent + 1) * one < self._least_by_image(
            now, now - HEADER_LAG_WINDOWS * budget.window
        ):
            self._set_by_request()
        elif (
            (percent - base - 1) * one + self._expired(now) - self._trial.expired
            > requests + (images - requests) / 3
            and images > 2 * requests
            and now - self._trial.began < MAX_RISE_WINDOWS * budget.window
        ):
            self._set_by_image(now + RECHECK_AFTER * budget.window)
        else:
            return
        self._start_trial(now, percent)

    def _set_by_request(self) -> None:
        self.charge, self.by_image = Charge.REQUEST, False
        self._headers_missing, self._recheck_at = False, None

    def _set_by_image(self, recheck_at: float) -> None:
        self.charge, self.by_image = Charge.IMAGE, True
        self._headers_missing, self._recheck_at = False, recheck_at

    def _least_by_image(self, now: float, until: float) -> float:
        """Return the least that calls answered by `until` add to the hour if images are charged."""
        if self._trial.began > until:
            return 0.0
        requests, images = self._trial.sums(until)
        all_requests, all_images = self._trial.sums()
        requests += self._accepted.spent(now, by_image=False) - all_requests
        images += self._accepted.spent(now, by_image=True) - all_images
        return requests + (images - requests) * 0.75

    def _expired(self, now: float) -> int:
        """Return how many of our calls have left the hour."""
        return self._assumed_in_all - self._assumed.spent(now, by_image=False)

    def _start_trial(self, now: float, percent: float) -> None:
        self._trial = _Trial(percent, now, self._expired(now))


def _divisor(whole: int, most: int) -> int:
    return next(size for size in range(most, 0, -1) if whole % size == 0)
