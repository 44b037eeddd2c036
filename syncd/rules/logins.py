"""Attempts to log in: how long a client waits after wrong passwords, and how many all may send."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

FREE = 5
"""Wrong passwords of a client before it has to wait."""

FIRST, LONGEST = 60.0, 3600.0
"""Seconds that a client waits after `FREE` wrong passwords; each further one doubles them."""

MOST_OF_ALL, WINDOW = 60, 60.0
"""Wrong passwords of all clients within `WINDOW` seconds: a client may have many addresses."""

FORGOTTEN = 24 * 3600.0
"""Seconds after its last wrong password at which those of a client no longer count."""


class Failures(msgspec.Struct, frozen=True):
    """The wrong passwords of a client since it last logged in, and when it sent the last one."""

    count: int
    last: float  # unix seconds


def after_failure(before: Failures | None, now: float) -> Failures:
    """Return the failures of a client that has sent another wrong password."""
    if before is None or abs(now - before.last) >= FORGOTTEN:
        return Failures(1, now)
    return Failures(before.count + 1, now)


def wait(failures: Failures | None, now: float) -> float:
    """Return the seconds that a client has to wait; 0 if it may try now.

    A clock that was set back ends the wait.
    """
    if failures is None or failures.count < FREE or now < failures.last:
        return 0.0
    length = min(LONGEST, FIRST * 2.0 ** min(failures.count - FREE, 10))
    return max(0.0, failures.last + length - now)


def wait_of_all(failed: Sequence[float], now: float) -> float:
    """Return the seconds until clients may try again, after wrong passwords at these times."""
    recent = within(failed, now)
    return recent[0] + WINDOW - now if len(recent) >= MOST_OF_ALL else 0.0


def within(failed: Sequence[float], now: float) -> list[float]:
    """Return the last times that still count."""
    return [at for at in failed if 0.0 <= now - at < WINDOW][-MOST_OF_ALL:]
