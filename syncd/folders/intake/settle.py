"""Files that were found and wait until they stand still; what was just dropped goes first."""

from __future__ import annotations

import heapq
from collections.abc import Container
from dataclasses import dataclass

from syncd.ledger.files import Place
from syncd.model import Stat
from syncd.rules.settle import time_to_settle

READ_AGAIN = 0.05  # seconds, at least, after which a file that is being read is looked at again


@dataclass(slots=True)
class Found:
    """A file as it was found."""

    place: Place
    root: bytes
    stat: Stat
    since: float  # monotonic: since when this stat has been seen
    fresh: bool  # it has just been dropped


class Settling:
    """Each place once, as it was last found, in one of two lines.

    `now` is of a monotonic clock, in seconds; `wall_ns` is what the files' times are compared with.
    """

    def __init__(self, settle: float) -> None:
        self._settle = settle
        self._files: dict[Place, Found] = {}
        self._lines: dict[bool, list[tuple[float, int, Place]]] = {True: [], False: []}
        self._lengths = {True: 0, False: 0}
        self._number = 0

    def __len__(self) -> int:
        return len(self._files)

    def __contains__(self, place: Place) -> bool:
        return place in self._files

    @property
    def fresh(self) -> int:
        """How many of them have just been dropped."""
        return self._lengths[True]

    @property
    def others(self) -> int:
        """How many of them a scan found."""
        return self._lengths[False]

    @property
    def next_due(self) -> float | None:
        """When the next of them may have settled."""
        return min((line[0][0] for line in self._lines.values() if line), default=None)

    def add(self, found: Found, now: float, wall_ns: int) -> None:
        """Let a file wait; one that waits already does so again only if it is not what it was."""
        known = self._files.get(found.place)
        if known is not None:
            found.fresh = found.fresh or known.fresh
            if known.stat == found.stat:
                if known.fresh == found.fresh:
                    return
                found.since = known.since
            self._lengths[known.fresh] -= 1
        self._files[found.place] = found
        self._lengths[found.fresh] += 1
        self._number += 1
        left = time_to_settle(found.stat, now - found.since, wall_ns, self._settle)
        heapq.heappush(self._lines[found.fresh], (now + left, self._number, found.place))

    def take(
        self, most: int, most_bytes: int, now: float, wall_ns: int, reading: Container[Place]
    ) -> list[Found]:
        """Hand out files that have settled, at most so many, and no more once they are so large.

        What is `reading` stays, and so does a file that turns out not to have settled yet.
        """
        taken: list[Found] = []
        size = 0
        for line in self._lines.values():  # the fresh one first
            held_back: list[tuple[float, int, Place]] = []
            while line and line[0][0] <= now and len(taken) < most and size < most_bytes:
                _, number, place = heapq.heappop(line)
                found = self._files.get(place)
                if found is None:
                    continue  # an older entry of the same place
                left = time_to_settle(found.stat, now - found.since, wall_ns, self._settle)
                if place in reading:
                    left = max(self._settle, READ_AGAIN)
                if left > 0:
                    held_back.append((now + left, number, place))
                    continue
                del self._files[place]
                self._lengths[found.fresh] -= 1
                taken.append(found)
                size += found.stat.size
            for entry in held_back:
                heapq.heappush(line, entry)
        return taken
