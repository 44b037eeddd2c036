"""How it stands with the watch on a folder, for whoever tells it to a person."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Watching:
    """The watch stands, on this directory: another than before is another tree under the name."""

    device: int
    inode: int


@dataclass(frozen=True, slots=True)
class RootMissing:
    """There is no directory at the root's path (yet, or any more); it is waited for."""

    reason: str


@dataclass(frozen=True, slots=True)
class LimitReached:
    """The system grants no (more) watches: new files are found by rescans, until it does."""

    advice: str


@dataclass(frozen=True, slots=True)
class Hampered:
    """The watch keeps ending, and is built again; in between, rescans find what is new."""

    reason: str


WatchState = Watching | RootMissing | LimitReached | Hampered
