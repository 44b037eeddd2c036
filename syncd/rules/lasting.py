"""How long a state lasted, as the event that tells of its end says it."""

from __future__ import annotations


def lasted(since: float, now: float) -> float:
    """Return seconds between two moments in unix seconds; none where the clock was set back."""
    return round(max(0.0, now - since), 1)
