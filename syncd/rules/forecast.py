"""How long the missing images of an account take within its budget."""

from __future__ import annotations

import msgspec

from syncd.rules.pacing.budget import WRITE_POINTS, Budget
from syncd.rules.pacing.pace import LEFT_TO_FRESH


class Forecast(msgspec.Struct, frozen=True):
    """The calls for the missing images, and their duration in seconds."""

    images: int
    calls: int
    seconds: float
    alone: float  # the same, at one image per POST


def forecast(images: int, per_post: int, budget: Budget, used: float = 0.0) -> Forecast:
    """Return how long `images` missing images take when only the budget limits them.

    used is the share of the budget that is spent now.
    """
    calls = -(-images // max(1, per_post))
    return Forecast(
        images, calls, seconds_for(calls, budget, used), seconds_for(images, budget, used)
    )


def seconds_for(writes: int, budget: Budget, used: float = 0.0) -> float:
    """Return the seconds that `writes` calls take.

    As in `pacing.pace`: what fits is sent at once, and more is spread evenly over both windows.
    """
    fitting = (1 - LEFT_TO_FRESH - used) * min(budget.points / WRITE_POINTS, budget.calls)
    if writes <= fitting:
        return 0.0
    by_points = budget.window * WRITE_POINTS / budget.points
    return writes * max(by_points, budget.calls_window / budget.calls)


def sentence(account: str, ahead: Forecast, *, at_most: bool) -> str:
    """Return the forecast as text; `at_most` while the budget may be larger than it assumes."""
    if not ahead.images:
        return f"{account}: nothing to send"
    text = (
        f"{account}: {amount(ahead.images, 'image')}, {amount(ahead.calls, 'call')},"
        f" {'at most' if at_most else 'about'} {duration(ahead.seconds)}"
    )
    if ahead.calls == ahead.images:
        return text
    return f"{text}; at one image per POST it would be {duration(ahead.alone)}"


def duration(seconds: float) -> str:
    """Return a duration in its largest unit, and in the next one too while the first is small."""
    if seconds < 59.5:
        return f"{max(1, round(seconds))} s"
    if (minutes := round(seconds / 60)) < 60:
        return f"{minutes} min"
    if minutes < 10 * 60:
        hours, minutes = divmod(minutes, 60)
        return f"{hours} h {minutes} min" if minutes else f"{hours} h"
    if (hours := round(seconds / 3600)) < 48:
        return f"{hours} h"
    if hours >= 240:
        return f"{round(seconds / 86400)} d"
    days, hours = divmod(hours, 24)
    return f"{days} d {hours} h" if hours else f"{days} d"


def amount(number: int, what: str) -> str:
    """Return "1 image" or "1,200 images"."""
    return f"{number:,} {what}" if number == 1 else f"{number:,} {what}s"
