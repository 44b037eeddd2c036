"""When a stats line is written: on the period while there is news in it, else now and then."""

from __future__ import annotations

HOURLY = 3600.0
"""Seconds within which the line of an account or a folder comes, whatever happens."""

ALIVE = 240.0
"""Seconds within which the process's own line comes: no stats for 5 minutes is an alarm."""


def is_due(*, news: bool, since: float | None, every: float, within: float) -> bool:
    """Tell whether a line is written at this turn of the period.

    news, whether it differs from its last one; since, how many seconds ago that was, None if there
    was none. Turns are `every` seconds apart, so one that cannot wait for the next one is due.
    """
    return since is None or news or since + every > within
