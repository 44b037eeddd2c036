"""When a changed file has settled, and whether it changed recently."""

from __future__ import annotations

from syncd.model import Stat


def time_to_settle(stat: Stat, seen_for: float, wall_ns: int, settle: float) -> float:
    """Return the seconds that a file must stay unchanged before it is read; 0 when it has settled.

    seen_for is the seconds for which this stat has been seen, by the monotonic clock; settle is
    the seconds that a file must stay unchanged. The file's own times count only while they are in
    the past: after a clock jump, or with a date in the future, a file waits `settle` seconds from
    when it was first seen, and no longer.
    """
    age = (wall_ns - max(stat.mtime_ns, stat.ctime_ns)) / 1e9
    return max(0.0, settle - max(seen_for, age))


def is_recent(stat: Stat, wall_ns: int, within: float) -> bool:
    """Return whether a file was written, linked or renamed in the last `within` seconds.

    Only its ctime counts: programs and users set the mtime.
    """
    return abs(wall_ns - stat.ctime_ns) < within * 1e9
