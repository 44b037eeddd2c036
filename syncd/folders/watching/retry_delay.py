"""How long a watch waits before what: times in seconds, and pauses that grow while it fails."""

from __future__ import annotations

import msgspec

BUILD_SHARE = (
    20  # building a watch holds the GIL, 16 µs a directory: a twentieth of the time at most
)


class Timing(msgspec.Struct, frozen=True):
    """What a daemon wants; a test has less patience."""

    quiet: float = 1.0  # after this long without a change, what arrived is looked at again
    unquiet: float = 30.0  # and if it is never quiet, after this long
    root_check: float = 1.0
    limit_check: float = 60.0
    limit_retry: float = 300.0
    first_pause: float = 0.1
    longest_pause: float = 60.0
    hampered: float = 2.0  # pauses from here on are worth a word
    steady: float = 30.0  # a watch that stood this long is sound again


class Patience:
    """The pause before the next watch is built."""

    def __init__(self, timing: Timing) -> None:
        self._timing = timing
        self._pause = 0.0

    def pause_after(self, building: float, standing: float) -> float:
        """Return the pause after a watch that took so long to build and then stood so long."""
        if standing >= self._timing.steady or not self._pause:
            self._pause = self._timing.first_pause
        else:
            self._pause = min(self._pause * 2, self._timing.longest_pause)
        return max(self._pause, building * BUILD_SHARE)
