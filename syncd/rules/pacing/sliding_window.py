"""What was spent in a window that slides: exact to a thousandth of it, in bounded memory."""

from __future__ import annotations

from collections import deque

BINS = 1000
"""Spendings nearer to each other than this part of a window count as one, as of the later."""


class Spending:
    """Amounts of the last so many seconds, each by two ways of charging: a request, an image."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._bins: deque[tuple[float, float, int, int]] = deque()  # began, ended, and amounts
        self._requests = 0
        self._images = 0

    def add(self, now: float, requests: int, images: int) -> None:
        began = now
        if self._bins and now - self._bins[-1][0] < self.seconds / BINS:
            began, _, before, before_images = self._bins.pop()
            self._bins.append((began, now, before + requests, before_images + images))
        else:
            self._bins.append((began, now, requests, images))
        self._requests += requests
        self._images += images

    def spent(self, now: float, *, by_image: bool) -> int:
        while self._bins and self._bins[0][1] + self.seconds <= now:
            _, _, requests, images = self._bins.popleft()
            self._requests -= requests
            self._images -= images
        return self._images if by_image else self._requests

    def time_until(self, now: float, surplus: float, *, by_image: bool) -> float | None:
        """Return seconds until so much has left the window; None when it does not hold that."""
        self.spent(now, by_image=by_image)
        for _, ended, requests, images in self._bins:
            if surplus <= 0:
                break
            surplus -= images if by_image else requests
            if surplus <= 0:
                return max(0.0, ended + self.seconds - now)
        return 0.0 if surplus <= 0 else None
