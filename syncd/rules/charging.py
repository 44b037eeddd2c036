"""Whether a POST of many images costs one call or one an image: nobody says, the answers show."""

from __future__ import annotations

from bisect import bisect_right
from enum import Enum, auto

from syncd.rules.budget import WRITE_POINTS, Budget, Call

PROBES = 4
"""While the charge is unknown, no POST takes more than this part of a budget, by the image."""

UNHURRIED = 10
"""Such POSTs grow smaller with what is left, so that some of it lasts until the headers have
spoken: evenly sent, they take a tenth of a window to come to a third of it."""

UNREAD = 3
"""Answers without a figure after which none is expected."""

LAG = 0.08
"""Windows by which usage headers may be late: an answer sooner after a call says nothing of it."""

SHORT = 0.3
"""Windows in which a rise that images explain is not the doing of others instead."""

PATIENCE = 0.3
"""Windows after which headers that show neither are no longer waited for."""

DOUBTED_AFTER, GUESS_DOUBTED_AFTER = 12, 72
"""Windows until a charge by the image is doubted: as the headers showed it, asking again costs
nothing; as one refusal made us guess, it may cost another one (1 and 6 hours of 300 s)."""


class Charge(Enum):
    """What a POST of many images costs."""

    UNKNOWN = auto()
    REQUEST = auto()
    IMAGE = auto()


class Charging:
    """What one account has shown; UNKNOWN keeps within the budget under both.

    The headers decide where they come: between two answers, usage rises by what the calls cost.
    Where they do not come, one POST that would be refused if images counted is the question. So
    it is at once where the budget is large (trusting): one call a POST is likely, POSTs of full
    size are what saves calls, and a refusal costs little there.
    """

    def __init__(self, *, trusting: bool) -> None:
        self.charge = Charge.UNKNOWN
        self._trusting = trusting
        self._dares = False  # no header has come: the next POST asks by its size
        self._doubt_at: float | None = None
        self._unread = 0
        self._first_at: float | None = None  # when a header first told a figure
        self._base: float | None = None  # percent of the calls at the first answer
        self._base_at = 0.0
        self._times: list[float] = []  # when the trial's calls were answered
        self._sums: list[tuple[int, int]] = []  # requests and images until then

    @property
    def dares(self) -> bool:
        """The next POST may ask by its size."""
        return self._trusting or self._dares

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
                if self.dares:
                    return wanted
                lasting = room // max(2, writes // UNHURRIED)
                return max(1, min(wanted, writes // PROBES, lasting))

    def look_again(self, now: float) -> bool:
        """Doubt in time that images are charged; answer whether the belief has changed."""
        if self._doubt_at is None or now < self._doubt_at:
            return False
        self.charge, self._dares, self._doubt_at = Charge.UNKNOWN, False, None
        self._unread, self._first_at, self._base = 0, None, None
        return True

    def refused(self, now: float, call: Call, window: float) -> bool:
        """A throttle came for a call; answer whether its images explain it."""
        if self.charge is not Charge.UNKNOWN or not self.dares or call.images < 2:
            return False
        self.charge, self._dares = Charge.IMAGE, False
        self._doubt_at = now + GUESS_DOUBTED_AFTER * window
        return True

    def taken(self, now: float, call: Call, budget: Budget, points_by_image: int) -> None:
        """A call went through; points_by_image is what the window holds if images count."""
        requests, images = self._sums[-1] if self._sums else (0, 0)
        self._times.append(now)
        self._sums.append((requests + 1, images + max(1, call.images)))
        alone = call.points * call.images > budget.points
        over = points_by_image > 2 * budget.points  # under a leak too, over one window
        if self.charge is Charge.UNKNOWN and (alone or over):
            self.charge, self._dares = Charge.REQUEST, False

    def read(self, now: float, percent: float | None, budget: Budget) -> bool:
        """Take in what a header says of the calls used; answer whether the belief has changed."""
        if percent is None:
            self._unread += 1
            self._dares = self.charge is Charge.UNKNOWN and self._unread >= UNREAD
            return False
        self._unread = 0
        if self._first_at is None:
            self._first_at = now
        self._dares = (
            self.charge is Charge.UNKNOWN and now - self._first_at > PATIENCE * budget.window
        )
        trial = SHORT * budget.window if self.charge is Charge.UNKNOWN else budget.calls_window / 4
        if self._base is None or now - self._base_at > trial:
            self._start(now, percent)
            return False
        return self._judge(now, percent, budget)

    def _judge(self, now: float, percent: float, budget: Budget) -> bool:
        """Compare the rise since the first answer with what the calls would cost by the image.

        Others only ever add to it. So less than three quarters of it says no, whoever else calls;
        for a yes it must be a third at least, and have come too soon to be others' doing.
        """
        assert self._base is not None  # noqa: S101  read() has seen to it
        one = budget.calls / 100  # whole percents: each of two figures may be one short
        rise = (percent - self._base) * one
        before = self.charge
        requests, images = self._sent(now - LAG * budget.window)
        all_requests, all_images = self._sent(now)
        if rise + one < requests + (images - requests) * 0.75:
            self.charge, self._dares, self._doubt_at = Charge.REQUEST, False, None
        elif (
            rise - one > all_requests + (all_images - all_requests) / 3
            and all_images > 2 * all_requests
            and now - self._base_at < SHORT * budget.window
        ):
            self.charge, self._dares = Charge.IMAGE, False
            self._doubt_at = now + DOUBTED_AFTER * budget.window
        else:
            return False
        self._start(now, percent)
        return self.charge is not before

    def _sent(self, until: float) -> tuple[int, int]:
        """Return the requests and images of the trial that were answered until then."""
        place = bisect_right(self._times, until)
        return self._sums[place - 1] if place else (0, 0)

    def _start(self, now: float, percent: float) -> None:
        self._base, self._base_at = percent, now
        self._times.clear()
        self._sums.clear()


def _divisor(whole: int, most: int) -> int:
    return next(size for size in range(most, 0, -1) if whole % size == 0)
