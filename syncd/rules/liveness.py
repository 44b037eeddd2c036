"""The watchdog's action for a part of the daemon that no longer makes progress."""

from __future__ import annotations

from enum import Enum

import msgspec


class Action(Enum):
    """A reaction of the watchdog to a part."""

    NONE = "none"
    REPORT = "report"
    """Log it once; the other parts continue without it."""
    RESTART = "restart"
    """Log it, and stop notifying the service manager, which then restarts the daemon."""


class PartState(msgspec.Struct, frozen=True):
    """The facts about one part."""

    stalled: bool  # it has been in one operation for too long
    vital: bool  # nothing works without it, as without the ledger
    proven: bool  # it worked for long in this process before it stalled


def watchdog_action(part: PartState) -> Action:
    """Return what to do about a part.

    A restart can help a part that worked before in this process. A part that never worked was not
    helped by the last start, and must not restart the others again and again: for example a folder
    on a disk that hangs.
    """
    if not part.stalled:
        return Action.NONE
    return Action.RESTART if part.vital or part.proven else Action.REPORT
