"""A sliding window of spending: exact to a thousandth of its length, in bounded memory."""

from __future__ import annotations

from collections import deque

BINS = 1000
"""Amounts that are closer together than this fraction of the window are counted as one, at the time
of the later."""

CLOCK_DRIFT = 0.001
"""Share by which our window is longer than the server's, whose clock may run slower than ours."""

RECHECK = 0.002
"""Windows until the next check when only the end of a call in flight can make room."""


class SlidingWindow:
    """The amounts spent in the last `seconds`, and those of calls in flight.

    Each amount is kept as charged by the request and as charged by the image. A call counts from
    its start, and leaves the window one window after its *response*: whenever the server charged it
    in between, it has left the server's window by then.
    """

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds * (1 + CLOCK_DRIFT)
        self._bins: deque[tuple[float, float, int, int]] = deque()  # first, last, and amounts
        self._requests = 0
        self._images = 0
        self._in_flight = (0, 0)

    def start(self, requests: int, images: int) -> None:
        """Record the amounts of a call that starts."""
        self._in_flight = (self._in_flight[0] + requests, self._in_flight[1] + images)

    def finish(self, requests: int, images: int) -> None:
        """Record that a call with these amounts has ended, or was never sent."""
        self.start(-requests, -images)

    def add(self, now: float, requests: int, images: int) -> None:
        """Add the amounts of a call that has received its response.

        One that is older than the newest, as of another process, counts as one with it.
        """
        first = now
        if self._bins and now - self._bins[-1][0] < self.seconds / BINS:
            first, last, before, before_images = self._bins.pop()
            self._bins.append((first, max(now, last), before + requests, before_images + images))
        else:
            self._bins.append((first, now, requests, images))
        self._requests += requests
        self._images += images

    def spent(self, now: float, *, by_image: bool) -> int:
        """Return the amount in the window, without calls in flight."""
        while self._bins and self._bins[0][1] + self.seconds <= now:
            _, _, requests, images = self._bins.popleft()
            self._requests -= requests
            self._images -= images
        return self._images if by_image else self._requests

    def used(self, now: float, *, by_image: bool) -> int:
        """Return the amount in the window, with calls in flight."""
        return self.spent(now, by_image=by_image) + self._in_flight[by_image]

    def delay(self, now: float, price: int, limit: float, *, by_image: bool) -> float:
        """Return the seconds until `price` more stays within `limit`.

        A price above the limit is allowed in an empty window, or nothing would ever be learned.
        """
        surplus = self.used(now, by_image=by_image) + price - max(limit, price)
        if surplus <= 1e-9:
            return 0.0
        for _, last, requests, images in self._bins:
            surplus -= images if by_image else requests
            if surplus <= 1e-9:
                return max(0.0, last + self.seconds - now)
        return RECHECK * self.seconds

    def next_room(self, now: float) -> float:
        """Return the seconds until the first amount leaves; the window's length if it is empty."""
        self.spent(now, by_image=False)
        return self._bins[0][1] + self.seconds - now if self._bins else self.seconds
