"""When a file has stood still for long enough to be read, and which has just changed."""

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


def is_recent(stat: Stat, wall_ns: int, within: float) -> bool:
    """Return whether a file was written, linked or renamed in the last so many seconds.

    Its ctime alone tells: what a copy or a person sets is the mtime.
    """
    return abs(wall_ns - stat.ctime_ns) < within * 1e9
