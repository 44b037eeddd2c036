"""The server's clock, as the Date headers of its responses show it.

It is extrapolated with the monotonic clock: a change of our wall clock does not move it.
"""

from __future__ import annotations

import time

from syncd.model import Sent


class ServerClock:
    """The clock of one server."""

    def __init__(self) -> None:
        self._ahead: float | None = None  # of the monotonic clock, in seconds
        self.has_been_read = False
        """Whether a response has arrived, even if without a Date."""

    def record(self, date: float | None) -> None:
        """Record the Date of a response that has just arrived; None is ignored."""
        self.has_been_read = True
        if date is not None:
            self._ahead = date - time.monotonic()

    def at(self, moment: float) -> Sent:
        """Return a moment of the monotonic clock by the server's clock."""
        ours = time.time() - (time.monotonic() - moment)
        if self._ahead is None:
            return Sent(ours, None)
        return Sent(moment + self._ahead, round(moment + self._ahead - ours))

    def now(self) -> Sent:
        """Return this moment by the server's clock."""
        return self.at(time.monotonic())
