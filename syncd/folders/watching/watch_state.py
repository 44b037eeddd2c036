"""How it stands with the watch on a folder, for whoever tells it to a person."""

from __future__ import annotations

from typing import assert_never

import msgspec


class Active(msgspec.Struct, frozen=True):
    """The watch stands, on this directory: another than before is another tree under the name."""

    device: int
    inode: int


class RootMissing(msgspec.Struct, frozen=True):
    """There is no directory at the root's path (yet, or any more); it is waited for."""

    reason: str


class LimitReached(msgspec.Struct, frozen=True):
    """The system grants no (more) watches: new files are found by rescans, until it does."""

    advice: str


class Degraded(msgspec.Struct, frozen=True):
    """The watch keeps ending, and is built again; in between, rescans find what is new."""

    reason: str


WatchState = Active | RootMissing | LimitReached | Degraded


def in_a_word(state: WatchState) -> str:
    """Return how a watch stands, for the figures."""
    match state:
        case Active():
            return "watched"
        case RootMissing():
            return "missing"
        case LimitReached():
            return "limited"
        case Degraded():
            return "hampered"
        case _:
            assert_never(state)
