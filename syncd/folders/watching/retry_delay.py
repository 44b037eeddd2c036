"""The timing of a watch: its checks, and the growing delay before it is built again."""

from __future__ import annotations

import msgspec

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
