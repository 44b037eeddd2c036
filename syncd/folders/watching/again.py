"""Looks to be taken once more when it has become quiet."""

from __future__ import annotations

from collections.abc import Iterable

from syncd.folders.watching.targets import ScanTarget, coalesced

NOTHING: frozenset[ScanTarget] = frozenset()


class QuietRescan:
    """Remembers deep looks until it has become quiet, or until they have waited long enough.

    What is made in a new directory before notify watches it has no event, and the first look may
    have come before it, too.
    """

    def __init__(self, longest: float) -> None:
        """`longest` is in seconds, as all times here."""
        self._longest = longest
        self._looks = NOTHING
        self._since = 0.0

    def remember(self, looks: Iterable[ScanTarget], now: float) -> None:
        """Take note of those looks that are deep."""
        deep = [look for look in looks if look.deep]
        if deep:
            if not self._looks:
                self._since = now
            self._looks = coalesced([*self._looks, *deep])

    def due(self, now: float, *, quiet: bool) -> frozenset[ScanTarget]:
        """Return what is to be looked at again now, once."""
        if not quiet and now - self._since < self._longest:
            return NOTHING
        looks, self._looks = self._looks, NOTHING
        return looks
