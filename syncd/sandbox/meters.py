"""Meters: how much was spent of a budget, by a sliding window or by a leak."""

from __future__ import annotations

from collections import deque
from typing import Protocol


class Meter(Protocol):
    """Counts what is spent. Times are seconds of any one clock."""

    def spent(self, now: float) -> float: ...

    def spend(self, now: float, amount: float) -> None: ...

    def free_at(self, now: float, amount: float, limit: float) -> float:
        """Return when this amount fits under the limit again."""
        ...


class Window:
    """What was spent in the last so many seconds."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._spendings: deque[tuple[float, float]] = deque()
        self._total = 0.0

    def spent(self, now: float) -> float:
        while self._spendings and self._spendings[0][0] + self._seconds <= now:
            self._total -= self._spendings.popleft()[1]
        return self._total if self._spendings else 0.0

    def spend(self, now: float, amount: float) -> None:
        self._spendings.append((now, amount))
        self._total += amount

    def free_at(self, now: float, amount: float, limit: float) -> float:
        surplus = self.spent(now) + amount - limit
        for at, spent in self._spendings:
            if surplus <= 0:
                break
            surplus -= spent
            now = at + self._seconds
        return now


class Leak:
    """A bucket that loses a whole budget in so many seconds, evenly."""

    def __init__(self, seconds: float, limit: float) -> None:
        self._rate = limit / seconds
        self._level = 0.0
        self._at = 0.0

    def spent(self, now: float) -> float:
        self._level = max(0.0, self._level - (now - self._at) * self._rate)
        self._at = now
        return self._level

    def spend(self, now: float, amount: float) -> None:
        self._level = self.spent(now) + amount

    def free_at(self, now: float, amount: float, limit: float) -> float:
        surplus = self.spent(now) + amount - limit
        return now + max(0.0, surplus) / self._rate
