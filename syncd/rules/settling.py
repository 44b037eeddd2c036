"""When a file has stood still for long enough to be read."""

from __future__ import annotations

from syncd.model import Stat


def time_to_settle(stat: Stat, seen_for: float, wall_ns: int, settle: float) -> float:
    """Return how many seconds a file must still stand still; 0 when it has settled.

    seen_for is for how long this very stat has been seen, by the monotonic clock. The file's own
    times count only while they are in the past: a clock that jumps, or a picture dated ahead,
    makes a file wait for as long as it is watched, and no longer.
    """
    age = (wall_ns - max(stat.mtime_ns, stat.ctime_ns)) / 1e9
    return max(0.0, settle - max(seen_for, age))
