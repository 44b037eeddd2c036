"""The states of a watch on a folder, which the log and `syncd status` report."""

from __future__ import annotations

from typing import assert_never

import msgspec


class Active(msgspec.Struct, frozen=True):
    """A watch on this directory; another directory under the same name is another tree."""

    device: int
    inode: int


class RootMissing(msgspec.Struct, frozen=True):
    """The root's path does not lead to a directory; syncd waits for one."""

    reason: str


class LimitReached(msgspec.Struct, frozen=True):
    """The system grants no further watches; until it does, rescans find new files."""

    advice: str


class Degraded(msgspec.Struct, frozen=True):
    """The watch ends and is rebuilt repeatedly; in between, rescans find new files."""

    reason: str


WatchState = Active | RootMissing | LimitReached | Degraded


def label(state: WatchState) -> str:
    """Return the state in one word, for the statistics."""
    match state:
        case Active():
            return "watched"
        case RootMissing():
            return "missing"
        case LimitReached():
            return "limited"
        case Degraded():
            return "degraded"
        case _:
            assert_never(state)
