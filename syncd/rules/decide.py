"""Whether a worker sends one image to one account now. Deletions are decided in `deletion`."""

from __future__ import annotations

from enum import Enum

import msgspec


class Step(Enum):
    """The next step for a replica."""

    REST = "rest"
    """Nothing: no file wants it, the account holds it, or the account rejected it."""
    WAIT = "wait"
    """Wait until its account takes calls."""
    SEND = "send"
    """Upload it, or copy it from an account that holds it."""


class Missing(msgspec.Struct, frozen=True, kw_only=True):
    """The facts about one replica that may be missing."""

    wanted: bool
    """A file of a folder that feeds the account has the image."""
    held: bool
    """The account holds the image."""
    rejected: bool
    """The account has rejected the image for good."""
    is_open: bool
    """The account takes calls now."""


def next_step(replica: Missing) -> Step:
    """Decide from facts alone, so that the same question can be asked again at any time."""
    if replica.wanted and not replica.held and not replica.rejected:
        return Step.SEND if replica.is_open else Step.WAIT
    return Step.REST
