"""Whether a POST of many images costs one call or one an image: nobody says, the answers show."""

from __future__ import annotations

from bisect import bisect_right
from enum import Enum, auto

from syncd.rules.pacing.budget import WRITE_POINTS, Budget, Call
from syncd.rules.pacing.sliding_window import Spending

PROBES = 4
"""While the charge is unknown, no POST takes more than this part of a budget, by the image."""

MAX_PROBE_SHARE = 10
"""Such POSTs grow smaller with what is left, so that some of it lasts until the headers have
spoken: evenly sent, they take a tenth of a window to come to a third of it."""

UNREAD = 3
"""Answers without a figure after which none is expected."""

HEADER_LAG_WINDOWS = 0.08
"""Windows by which usage headers may be late: an answer sooner after a call says nothing of it."""

SHORT = 0.3
"""Windows in which a rise that images explain is not the doing of others instead."""

PATIENCE = 0.3
"""Windows after which headers that show neither are no longer waited for."""

DOUBTED_AFTER = 72
"""Windows until a charge by the image is doubted: to ask again may cost a refusal (6 hours of
300 s)."""


class Charge(Enum):
    """What a POST of many images costs."""

    UNKNOWN = auto()
    REQUEST = auto()
    IMAGE = auto()


class Charging:
    """What one account has shown; UNKNOWN keeps within the budget under both.

    The headers decide where they come: the hour holds what our calls cost at least, and between
    two answers usage rises by what they cost. Where they do not come, one POST that would be
    refused if images counted is the question. So it is at once where the budget is large
    (trusting): one call a POST is likely, POSTs of full size are what saves calls, and a refusal
    costs little there.
    """

    def __init__(self, hour: float, *, trusting: bool) -> None:
        """hour is the calls' window."""
        self.charge = Charge.UNKNOWN
        self._taken = Spending(hour)
        self._believed = Spending(hour)  # the same, at what each call was believed to cost
        self._believed_in_all = 0
        self.by_image = False
        """Images are charged, as far as was last known."""
        self._trusting = trusting
        self._dares = False  # no header has come: the next POST asks by its size
        self._doubt_at: float | None = None
        self._unread = 0
        self._first_at: float | None = None  # when a header first told a figure
        self._base: float | None = None  # percent of the calls at the first answer
        self._base_at = 0.0
        self._base_left = 0  # what had left the hour by then
        self._times: list[float] = []  # when the trial's calls were answered
        self._sums: list[tuple[int, int]] = []  # requests and images until then

    @property
    def may_probe(self) -> bool:
        """The next POST may ask by its size."""
        return self._dares or (self._trusting and not self.by_image)

    def most_images(self, wanted: int, budget: Budget, room: int) -> int:
        """Return how many images the next POST may bring; room is how many would fit at a call
        an image."""
        writes = min(budget.points // WRITE_POINTS, budget.calls)
        match self.charge:
            case Charge.REQUEST:
                return wanted
            case Charge.IMAGE:
                # An image costs what it costs: small POSTs that fill the budget without a rest.
                return min(wanted, _divisor(writes, max(1, writes // 4)))
            case Charge.UNKNOWN:
                if self.may_probe:
                    return wanted
                lasting = room // max(2, writes // MAX_PROBE_SHARE)
                return max(1, min(wanted, writes // PROBES, lasting))

    def look_again(self, now: float) -> None:
        """Doubt in time that images are charged."""
        if self._doubt_at is None or now < self._doubt_at:
            return
        self.charge, self._dares, self._doubt_at = Charge.UNKNOWN, False, None
        self._unread, self._first_at, self._base = 0, None, None

    def refused(self, now: float, call: Call, window: float) -> bool:
        """A throttle came for a call; answer whether its images explain it."""
        if self.charge is not Charge.UNKNOWN or not self.may_probe or call.images < 2:
            return False
        self._is_by_image(now + DOUBTED_AFTER * window)
        return True

    def taken(self, now: float, call: Call, budget: Budget, points_by_image: int) -> None:
        """A call went through; points_by_image is what the window holds if images count."""
        requests, images = self._sums[-1] if self._sums else (0, 0)
        self._times.append(now)
        self._sums.append((requests + 1, images + max(1, call.images)))
        self._taken.add(now, 1, max(1, call.images))
        believed = max(1, call.images) if self.charge is Charge.IMAGE else 1
        self._believed.add(now, believed, 0)
        self._believed_in_all += believed
        alone = call.points * call.images > budget.points
        over = points_by_image > 2 * budget.points  # under a leak too, over one window
        if self.charge is Charge.UNKNOWN and (alone or over):
            self._is_by_request()

    def read(self, now: float, percent: float | None, budget: Budget) -> None:
        """Take in what a header says of the calls used."""
        if percent is None:
            self._unread += 1
            self._dares = self.charge is Charge.UNKNOWN and self._unread >= UNREAD
            return
        self._unread = 0
        if self._first_at is None:
            self._first_at = now
        self._dares = (
            self.charge is Charge.UNKNOWN and now - self._first_at > PATIENCE * budget.window
        )
        trial = SHORT * budget.window if self.charge is Charge.UNKNOWN else budget.calls_window / 4
        if self._base is None or now - self._base_at > trial:
            self._start(now, percent)
        else:
            self._judge(now, percent, self._base, budget)

    def _judge(self, now: float, percent: float, base: float, budget: Budget) -> None:
        """Compare the calls that the hour holds with what ours would be by the image.

        Others only ever add to them. So less than three quarters says no, whoever else calls. For
        a yes, a third at least must have come since the first answer, what left the hour
        meanwhile not counted, and too soon to be others' doing.
        """
        one = budget.calls / 100  # whole percents: each of two figures may be one short
        requests, images = self._sums[-1] if self._sums else (0, 0)
        if (percent + 1) * one < self._least_by_image(
            now, now - HEADER_LAG_WINDOWS * budget.window
        ):
            self._is_by_request()
        elif (
            (percent - base - 1) * one + self._left(now) - self._base_left
            > requests + (images - requests) / 3
            and images > 2 * requests
            and now - self._base_at < SHORT * budget.window
        ):
            self._is_by_image(now + DOUBTED_AFTER * budget.window)
        else:
            return
        self._start(now, percent)

    def _is_by_request(self) -> None:
        self.charge, self.by_image = Charge.REQUEST, False
        self._dares, self._doubt_at = False, None

    def _is_by_image(self, doubt_at: float) -> None:
        self.charge, self.by_image = Charge.IMAGE, True
        self._dares, self._doubt_at = False, doubt_at

    def _least_by_image(self, now: float, until: float) -> float:
        """Return what the hour holds at least of calls answered until then, if images count."""
        if self._base_at > until:
            return 0.0
        place = bisect_right(self._times, until)
        requests, images = self._sums[place - 1] if place else (0, 0)
        last_requests, last_images = self._sums[-1] if self._sums else (0, 0)
        requests += self._taken.spent(now, by_image=False) - last_requests
        images += self._taken.spent(now, by_image=True) - last_images
        return requests + (images - requests) * 0.75

    def _left(self, now: float) -> int:
        """Return how many of our calls have left the hour."""
        return self._believed_in_all - self._believed.spent(now, by_image=False)

    def _start(self, now: float, percent: float) -> None:
        self._base, self._base_at, self._base_left = percent, now, self._left(now)
        self._times.clear()
        self._sums.clear()


def _divisor(whole: int, most: int) -> int:
    return next(size for size in range(most, 0, -1) if whole % size == 0)
