"""Attempts to log in: how many a client, and all clients together, may make within a minute."""

from __future__ import annotations

from collections.abc import Sequence

MOST_OF_CLIENT = 5
MOST_OF_ALL = 60
"""Failed attempts within `WINDOW`; a password of 20 random characters is then never guessed."""

WINDOW = 60.0  # seconds


def within(attempts: Sequence[tuple[float, str]], now: float) -> list[tuple[float, str]]:
    """Return the failed attempts that still count; each is a time and a client."""
    return [attempt for attempt in attempts if now - attempt[0] < WINDOW][-MOST_OF_ALL:]


def is_allowed(attempts: Sequence[tuple[float, str]], client: str, now: float) -> bool:
    """Return whether a client may try now, after these failed attempts."""
    recent = within(attempts, now)
    own = sum(one == client for _, one in recent)
    return len(recent) < MOST_OF_ALL and own < MOST_OF_CLIENT
