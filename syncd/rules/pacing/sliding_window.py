"""A sliding window of spending: exact to a thousandth of its length, in bounded memory."""

from __future__ import annotations

from collections import deque

BINS = 1000
"""Amounts that are closer together than this fraction of the window are counted as one, at the time
of the later."""


class SlidingWindow:
    """The amounts spent in the last `seconds`, charged by the request and charged by the image."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._bins: deque[tuple[float, float, int, int]] = deque()  # first, last, and amounts
        self._requests = 0
        self._images = 0

    def add(self, now: float, requests: int, images: int) -> None:
        """Add an amount, as charged by the request and by the image."""
        first = now
        if self._bins and now - self._bins[-1][0] < self.seconds / BINS:
            first, _, before, before_images = self._bins.pop()
            self._bins.append((first, now, before + requests, before_images + images))
        else:
            self._bins.append((first, now, requests, images))
        self._requests += requests
        self._images += images

    def spent(self, now: float, *, by_image: bool) -> int:
        """Return the amount in the window."""
        while self._bins and self._bins[0][1] + self.seconds <= now:
            _, _, requests, images = self._bins.popleft()
            self._requests -= requests
            self._images -= images
        return self._images if by_image else self._requests

    def time_until(self, now: float, surplus: float, *, by_image: bool) -> float | None:
        """Return the seconds until `surplus` has left the window; None if it holds less."""
        self.spent(now, by_image=by_image)
        for _, last, requests, images in self._bins:
            if surplus <= 0:
                break
            surplus -= images if by_image else requests
            if surplus <= 0:
                return max(0.0, last + self.seconds - now)
        return 0.0 if surplus <= 0 else None
