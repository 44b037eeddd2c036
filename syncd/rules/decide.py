"""The one question: what is to be done now about one image in one account?"""

from __future__ import annotations

from enum import Enum

import msgspec


class Step(Enum):
    """What a worker does about a replica."""

    REST = "rest"
    """Nothing: it is as it should be, or nobody wants it."""
    WAIT = "wait"
    """There is something to do, and its account takes nothing now."""
    BRING = "bring"
    """Send its bytes, or have it copied out of an account that holds it."""
    ASK = "ask"
    """Ask the account about it, before it may be deleted."""
    DELETE = "delete"
    """Take it out of the account."""


class View(msgspec.Struct, frozen=True):
    """The facts of one replica, each a yes or a no."""

    wanted: bool
    held: bool
    rejected: bool
    open: bool  # the account takes calls now
    due: bool = False  # condemned, the grace is over, and no person is asked
    needed: bool = False  # the account holds another image under its hash that is not condemned
    asked: bool = False  # the account has just been asked about it, and has it
    guarded: bool = False  # the account says: it is used, or was there before we brought it


def next_step(view: View) -> Step:
    """Decide from facts alone, so that asking again is always right."""
    if view.wanted and not view.held and not view.rejected:
        return Step.BRING if view.open else Step.WAIT
    if view.held and view.due and not view.wanted and not view.needed:
        if view.asked and view.guarded:
            return Step.REST
        if not view.open:
            return Step.WAIT
        return Step.DELETE if view.asked else Step.ASK
    return Step.REST
