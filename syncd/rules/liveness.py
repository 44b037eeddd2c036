"""What to do about a part of the daemon that stands still."""

from __future__ import annotations

from enum import Enum

import msgspec


class Action(Enum):
    """What a part needs."""

    NONE = "none"
    NAME = "name"
    """It is told of, once; the others go on without it."""
    RESTART = "restart"
    """It is told of, and the service manager hears no more that the daemon lives."""


class PartState(msgspec.Struct, frozen=True):
    """How a part stands, each a yes or a no."""

    stands: bool  # it has been at one step for too long
    vital: bool  # without it nothing works, as without the ledger
    proven: bool  # in this process it worked for long, and then stood still


def watchdog_action(part: PartState) -> Action:
    """Decide from facts alone.

    A folder whose disk hangs is no reason to stop the others again and again: where a part did not
    work since the process began, the last start did not help, and the next one would not.
    """
    if not part.stands:
        return Action.NONE
    return Action.RESTART if part.vital or part.proven else Action.NAME
