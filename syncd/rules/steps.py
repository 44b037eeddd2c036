"""The one question: what is to be done now about one image in one account?"""

from __future__ import annotations

from enum import Enum

import msgspec


class Step(Enum):
    """What a worker does about a replica."""

    REST = "rest"
    """Nothing: it is as it should be, or nobody wants it."""
    WAIT = "wait"
    """It is missing, and its account takes nothing now."""
    UPLOAD = "upload"
    """Send its bytes."""


class View(msgspec.Struct, frozen=True):
    """The facts of one replica, each a yes or a no."""

    wanted: bool
    held: bool
    rejected: bool
    open: bool  # the account takes calls now


def next_step(view: View) -> Step:
    """Decide from facts alone, so that asking again is always right."""
    if not view.wanted or view.held or view.rejected:
        return Step.REST
    return Step.UPLOAD if view.open else Step.WAIT
