"""The times of a watch: of its checks, of its repetition, and of scans once it is quiet."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from syncd.folders.watching.targets import ScanTarget, coalesced

BUILD_SHARE = 20
"""Building a watch holds the GIL for 16 us per directory: so it takes at most 1/20 of the time."""


class Timing(msgspec.Struct, frozen=True, kw_only=True):
    """Times in seconds; tests use shorter ones."""

    quiet: float = 1.0  # without an event, after which new directories are scanned again
    max_quiet_wait: float = 30.0  # they are scanned after this time in any case
    root_check: float = 1.0
    limit_check: float = 60.0
    limit_retry: float = 300.0
    first_delay: float = 0.1
    max_delay: float = 60.0
    degraded: float = 2.0  # a delay from which on the watch counts as degraded
    steady: float = 30.0  # a watch that lasted this long is sound again
    first_wait: float = 5.0  # for folders that are to join the first shared watch
    rebuild: float = 3600.0  # after which a folder that has returned joins the shared watch


class RetryDelay:
    """The delay before the next watch is built."""

    def __init__(self, timing: Timing) -> None:
        self._timing = timing
        self._delay = 0.0

    def delay_after(self, build_time: float, lifetime: float) -> float:
        """Return the delay in seconds after a watch that was built and then lasted this long."""
        if lifetime >= self._timing.steady or not self._delay:
            self._delay = self._timing.first_delay
        else:
            self._delay = min(self._delay * 2, self._timing.max_delay)
        return max(self._delay, build_time * BUILD_SHARE)


class QuietRescan:
    """Deep targets to be scanned again once it is quiet, or after they have waited long enough.

    Files that are created in a new directory before it is watched cause no event, and the first
    scan may have come before them, too.
    """

    def __init__(self, max_wait: float) -> None:
        """`max_wait` is in seconds, as are all times here."""
        self._max_wait = max_wait
        self._targets: frozenset[ScanTarget] = frozenset()
        self._since = 0.0

    @property
    def is_pending(self) -> bool:
        """Whether there are targets that wait."""
        return bool(self._targets)

    def add(self, targets: Iterable[ScanTarget], now: float) -> None:
        """Add those of the targets that are deep."""
        deep = [target for target in targets if target.deep]
        if deep:
            if not self._targets:
                self._since = now
            self._targets = coalesced([*self._targets, *deep])

    def take_due(self, now: float, *, quiet: bool) -> frozenset[ScanTarget]:
        """Return the targets if they are due now, each once."""
        if not quiet and now - self._since < self._max_wait:
            return frozenset()
        targets, self._targets = self._targets, frozenset()
        return targets
