"""Whether an account is in sync: the one rule of `syncd backfill` and `syncd status`."""

from __future__ import annotations

from collections.abc import Iterable
from enum import Enum


class Sync(Enum):
    """How far an account is in sync with its folders, the best state first."""

    IN_SYNC = "in_sync"
    """The account holds every image of its folders."""
    REJECTED = "rejected"
    """It holds every image but those that were rejected."""
    MISSING = "missing"
    """An image is missing, or a file or a folder could not be read."""


def worst(states: Iterable[Sync]) -> Sync:
    """Return the state of several accounts together."""
    return max(states, key=list(Sync).index, default=Sync.IN_SYNC)


def sync_of(*, missing: int, rejected: int, unread: int, unscanned: int) -> Sync:
    """Return how far an account is in sync.

    missing and rejected count images; unread counts the files of its folders that could not be
    read or are still written, and unscanned the folders without a whole scan.
    """
    if missing or unread or unscanned:
        return Sync.MISSING
    return Sync.REJECTED if rejected else Sync.IN_SYNC
