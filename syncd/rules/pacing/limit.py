"""One limit's window: what of it we spent, and what is under way."""

from __future__ import annotations

from syncd.rules.pacing.budget import Call
from syncd.rules.pacing.sliding_window import Spending

CLOCKS = 0.001
"""By how much of a window two machines' clocks may differ in running through it."""

HELD_BACK = 0.015
"""Share of the budget that a backlog leaves to fresh images."""


class Window:
    """Points or calls, each counted by both ways of charging: a request, an image.

    A call counts from its beginning, and leaves the window only so long after its *answer*:
    whenever the server charged it in between, its own window is over by then.
    """

    def __init__(self, seconds: float, *, points: bool) -> None:
        ours = seconds * (1 + CLOCKS)
        self.spent = Spending(ours)
        self.spent_by_backlog = Spending(ours * (1 + HELD_BACK))
        self._points = points  # counts points, not calls
        self._flying_requests = 0
        self._flying_images = 0

    def price(self, call: Call, *, by_image: bool) -> int:
        """Return what of it a call takes."""
        each = call.points if self._points else 1
        return each * max(1, call.images) if by_image else each

    def used(self, now: float, *, by_image: bool) -> int:
        """Return what is spent of it or under way."""
        return self.spent.spent(now, by_image=by_image) + self.in_flight(by_image=by_image)

    def in_flight(self, *, by_image: bool) -> int:
        """Return what is under way."""
        return self._flying_images if by_image else self._flying_requests

    def start(self, call: Call) -> None:
        """A call began."""
        self._flying_requests += self.price(call, by_image=False)
        self._flying_images += self.price(call, by_image=True)

    def finish(self, call: Call) -> None:
        """A call that began is over, or was never sent."""
        self._flying_requests -= self.price(call, by_image=False)
        self._flying_images -= self.price(call, by_image=True)

    def spend(self, now: float, call: Call) -> None:
        """A call was answered."""
        amounts = (self.price(call, by_image=False), self.price(call, by_image=True))
        self.spent.add(now, *amounts)
        self.spent_by_backlog.add(now, *amounts)
