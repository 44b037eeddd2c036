"""The schedule of stats lines: each period while they change, less often otherwise."""

from __future__ import annotations

HOURLY = 3600.0
"""Seconds between two lines of an account or a folder at most."""

ALIVE = 240.0
"""Seconds between two lines of the process at most: operators alarm after 5 minutes without one."""


def is_due(*, changed: bool, since: float | None, every: float, within: float) -> bool:
    """Return whether a line is written now; called every `every` seconds.

    changed is whether it differs from the last one, which was written `since` seconds ago, or None
    before the first. A line is due early if the next call would exceed `within` seconds.
    """
    return since is None or changed or since + every > within
