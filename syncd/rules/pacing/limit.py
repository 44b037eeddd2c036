"""One of an account's two limits: what is spent in its window, and what is in flight."""

from __future__ import annotations

from syncd.rules.pacing.budget import Call
from syncd.rules.pacing.sliding_window import SlidingWindow

CLOCK_DRIFT = 0.001
"""Share of a window by which the server's clock may run slower than ours."""

FRESH_SHARE = 0.015
"""Share of the budget that a backlog leaves to fresh images."""


class Limit:
    """The limit of points or of calls, charged by the request and charged by the image.

    A call counts from its start, and leaves the window one window after its *response*: whenever
    the server charged it in between, it has left the server's window by then.
    """

    def __init__(self, seconds: float, *, points: bool) -> None:
        ours = seconds * (1 + CLOCK_DRIFT)
        self.spent = SlidingWindow(ours)
        self.spent_by_backlog = SlidingWindow(ours * (1 + FRESH_SHARE))
        self._points = points  # points, not calls
        self._requests_in_flight = 0
        self._images_in_flight = 0

    def price(self, call: Call, *, by_image: bool) -> int:
        """Return the amount that a call is charged."""
        each = call.points if self._points else 1
        return each * max(1, call.images) if by_image else each

    def used(self, now: float, *, by_image: bool) -> int:
        """Return the amount that is spent or in flight."""
        return self.spent.spent(now, by_image=by_image) + self.in_flight(by_image=by_image)

    def in_flight(self, *, by_image: bool) -> int:
        """Return the amount that is in flight."""
        return self._images_in_flight if by_image else self._requests_in_flight

    def start(self, call: Call) -> None:
        """Record that a call is in flight."""
        self._requests_in_flight += self.price(call, by_image=False)
        self._images_in_flight += self.price(call, by_image=True)

    def finish(self, call: Call) -> None:
        """Record that a call has ended, or was never sent."""
        self._requests_in_flight -= self.price(call, by_image=False)
        self._images_in_flight -= self.price(call, by_image=True)

    def spend(self, now: float, call: Call) -> None:
        """Record that a call has received its response."""
        amounts = (self.price(call, by_image=False), self.price(call, by_image=True))
        self.spent.add(now, *amounts)
        self.spent_by_backlog.add(now, *amounts)
