"""What an account says of an image that is about to be deleted there."""

from __future__ import annotations

from enum import Enum

from syncd.model import ImageStatus, Listed

CLOCKS = 3.0
"""Seconds by which two times of the server may differ though nothing lies between them: both are
cut to whole seconds, and an answer takes a moment."""

LOOK_AGAIN = 24 * 3600.0
"""Seconds until an image that is used, or whose deletion was refused, is looked at again."""

PATIENCE, LONGEST = 60.0, 6 * 3600.0
"""Seconds that a deletion has to come true before it is asked for again, and at most between two:
images were read back as ACTIVE 20 s after it, and nobody knows for how long."""


class Finding(Enum):
    """What the account says of it."""

    FREE = "free"
    """It is there, used by nothing, and we brought it."""
    GONE = "gone"
    USED = "used"
    THEIRS = "theirs"
    """It was there before we first sent it, or nobody knows since when."""
    INTERNAL = "internal"
    """Its status is none that we know how to deal with."""


def find(listed: Listed | None, sent_at: float | None) -> Finding:
    """Return what is to be made of an account's word; sent_at, when we first sent the image, is
    in unix seconds of the server's clock. What is not said speaks for the image."""
    if listed is None or listed.status is ImageStatus.DELETED:
        return Finding.GONE
    if listed.status is not ImageStatus.ACTIVE:
        return Finding.INTERNAL
    if listed.used is not False:
        return Finding.USED
    if listed.created_at is None or sent_at is None or listed.created_at < sent_at - CLOCKS:
        return Finding.THEIRS
    return Finding.FREE


class Confirmation(Enum):
    """What follows from a look at an image whose deletion was taken."""

    GONE = "gone"
    WAIT = "wait"
    AGAIN = "again"
    LET_BE = "let be"
    """Somebody has brought it again, or uses it."""


def confirm(listed: Listed | None, asked_at: float | None, waited: float) -> Confirmation:
    """Decide about an image `waited` seconds after its deletion was taken; asked_at, when that was
    first, is in unix seconds of the server's clock."""
    if listed is None or listed.status is ImageStatus.DELETED:
        return Confirmation.GONE
    if waited < PATIENCE:
        return Confirmation.WAIT
    created = listed.created_at
    is_the_same = created is not None and asked_at is not None and created <= asked_at + CLOCKS
    return Confirmation.AGAIN if is_the_same and listed.used is False else Confirmation.LET_BE


def next_look(asked: int) -> float:
    """Return seconds until the next look at an image whose deletion was taken so often."""
    return float(min(LONGEST, PATIENCE * 4.0 ** min(asked - 1, 10)))
