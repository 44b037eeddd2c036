"""Files that were found and wait until they no longer change; those just dropped go first."""

from __future__ import annotations

import heapq
import math
from collections import defaultdict
from collections.abc import Container, Mapping
from dataclasses import dataclass

from syncd.folders.intake.unrecorded import Mark
from syncd.heartbeat import CHECK_EVERY, Heartbeat
from syncd.ledger.files import Place
from syncd.model import Stat

LARGE = 8 * 2**20
"""Bytes from which a file is large: a reader takes long for it."""

REREAD_AFTER = 0.05
"""Seconds, at least, after which a file is considered again that is being read, or that is larger
than a reader may read now."""


def time_to_settle(stat: Stat, seen_for: float, wall_ns: int, settle: float) -> float:
    """Return the seconds that a file must stay unchanged before it is read; 0 when it has settled.

    seen_for is the seconds for which this stat has been seen, by the monotonic clock; settle is
    the seconds that a file must stay unchanged. The file's own times count only while they are in
    the past: after a clock jump, or with a date in the future, a file waits `settle` seconds from
    when it was first seen, and no longer.
    """
    age = (wall_ns - max(stat.mtime_ns, stat.ctime_ns)) / 1e9
    return max(0.0, settle - max(seen_for, age))


def is_recent(stat: Stat, wall_ns: int, within: float) -> bool:
    """Return whether a file was written, linked or renamed in the last `within` seconds.

    Only its ctime counts: programs and users set the mtime.
    """
    return abs(wall_ns - stat.ctime_ns) < within * 1e9


def unchanged_for(stat: Stat, wall_ns: int) -> float:
    """Return the seconds since a file was last changed, or until then if its clock is ahead."""
    return min(abs(wall_ns - at) for at in (stat.mtime_ns, stat.ctime_ns)) / 1e9


@dataclass(slots=True)
class Found:
    """A file as it was found."""

    place: Place
    root: bytes
    stat: Stat
    since: float  # monotonic time from which it has had this stat
    fresh: bool  # it has just been dropped
    mark: Mark = 0  # of the time at which its place was found


class Settling:
    """The files of one folder that settle: fresh ones and, after them, those that a scan found.

    A place waits at most once, as it was last found. `now` is a monotonic time in seconds;
    `wall_ns` is the wall-clock time, with which the times of files are compared.
    """

    def __init__(self, settle: float) -> None:
        """`settle` is in seconds."""
        self._settle = settle
        self._files: dict[Place, Found] = {}
        self._heaps: dict[bool, list[tuple[float, int, Place]]] = {True: [], False: []}
        self._counts = {True: 0, False: 0}
        self._number = 0

    def __len__(self) -> int:
        return len(self._files)

    def __contains__(self, place: Place) -> bool:
        return place in self._files

    @property
    def fresh(self) -> int:
        """The number of files that have just been dropped."""
        return self._counts[True]

    @property
    def scanned(self) -> int:
        """The number of files that a scan found."""
        return self._counts[False]

    @property
    def next_due(self) -> float | None:
        """The time at which the next file may have settled."""
        return min((heap[0][0] for heap in self._heaps.values() if heap), default=None)

    def add(self, found: Found, now: float, wall_ns: int) -> None:
        """Add a file; one that waits already starts again only if it has changed."""
        known = self._files.get(found.place)
        if known is not None:
            found.mark = known.mark
            found.fresh = found.fresh or known.fresh
            if known.stat == found.stat:
                if known.fresh == found.fresh:
                    return
                found.since = known.since
            self._counts[known.fresh] -= 1
        self._files[found.place] = found
        self._counts[found.fresh] += 1
        self._number += 1
        left = time_to_settle(found.stat, now - found.since, wall_ns, self._settle)
        heapq.heappush(self._heaps[found.fresh], (now + left, self._number, found.place))

    def take(
        self,
        limit: int,
        max_bytes: int,
        now: float,
        wall_ns: int,
        reading: Container[Place],
        largest: float = math.inf,
    ) -> list[Found]:
        """Take up to `limit` files that have settled, and none after `max_bytes` are reached.

        Files that are being read stay, and so do files of more than `largest` bytes, and files that
        turn out not to have settled yet.
        """
        taken: list[Found] = []
        size = 0
        for heap in self._heaps.values():  # the fresh ones first
            held_back: list[tuple[float, int, Place]] = []
            while heap and heap[0][0] <= now and len(taken) < limit and size < max_bytes:
                _, number, place = heapq.heappop(heap)
                found = self._files.get(place)
                if found is None:
                    continue  # an older entry of the same place
                left = time_to_settle(found.stat, now - found.since, wall_ns, self._settle)
                if place in reading:
                    left = max(self._settle, REREAD_AFTER)
                elif found.stat.size > largest:
                    left = max(left, REREAD_AFTER)
                if left > 0:
                    held_back.append((now + left, number, place))
                    continue
                del self._files[place]
                self._counts[found.fresh] -= 1
                taken.append(found)
                size += found.stat.size
            for entry in held_back:
                heapq.heappush(heap, entry)
        return taken


class SettleQueue:
    """The settling files of all folders, of which those that do not hang take turns.

    Folders with fresh files go first.
    """

    def __init__(self, settle: float, readers: Mapping[int, Heartbeat]) -> None:
        """`readers` has the heartbeat of each folder's reading, by the folder's id."""
        self._folders: defaultdict[int, Settling] = defaultdict(lambda: Settling(settle))
        self._readers = readers

    def __len__(self) -> int:
        return sum(map(len, self._folders.values()))

    def __contains__(self, place: Place) -> bool:
        return place.folder_id in self._folders and place in self._folders[place.folder_id]

    def of(self, folder_id: int) -> Settling:
        """Return the settling files of a folder."""
        return self._folders[folder_id]

    def is_stalled(self, folder_id: int) -> bool:
        """Return whether reading files of the folder has stalled."""
        return self._readers[folder_id].is_stalled()

    @property
    def folder_ids(self) -> set[int]:
        """The folders with settling files."""
        return {folder_id for folder_id, files in self._folders.items() if files}

    @property
    def next_due(self) -> float | None:
        """The time at which the next file may have settled in a folder that does not hang."""
        dues = (files.next_due for files in self._responding())
        return min((due for due in dues if due is not None), default=None)

    def has_due(self, now: float) -> bool:
        """Return whether a file may have settled in a folder that does not hang."""
        return any(
            files.next_due is not None and files.next_due <= now and not self.is_stalled(folder_id)
            for folder_id, files in self._folders.items()
        )

    def idle_time(self, now: float) -> float | None:
        """Return the seconds until `take` may find files; None if it depends on new ones."""
        waits = [] if (due := self.next_due) is None else [due - now]
        if any(map(self.is_stalled, self.folder_ids)):
            waits.append(CHECK_EVERY)
        return min(waits, default=None)

    def count_with(self, folder_id: int, *, fresh: bool) -> int:
        """Return the fresh files, or those of scans, of all folders that respond.

        Of a folder that hangs, return its own.
        """
        hangs = self.is_stalled(folder_id)
        folders = [self._folders[folder_id]] if hangs else self._responding()
        return sum(files.fresh if fresh else files.scanned for files in folders)

    def take(
        self,
        limit: int,
        max_bytes: int,
        now: float,
        wall_ns: int,
        reading: Container[Place],
        largest: float = math.inf,
    ) -> list[Found]:
        """Take settled files of one folder that does not hang, as `Settling.take` does."""
        for folder_id, files in sorted(self._folders.items(), key=lambda item: not item[1].fresh):
            if self.is_stalled(folder_id):
                continue
            if batch := files.take(limit, max_bytes, now, wall_ns, reading, largest):
                del self._folders[folder_id]
                if files:
                    self._folders[folder_id] = files  # behind the other folders
                return batch
        return []

    def largest(self, reading: Mapping[Place, Found]) -> float:
        """Return the size in bytes up to which a file may be read now, next to those in `reading`.

        One reader at a time reads large files: the others are left to the small ones.
        """
        reads_large = any(
            found.stat.size > LARGE and not self.is_stalled(place.folder_id)
            for place, found in reading.items()
        )
        return LARGE if reads_large else math.inf

    def _responding(self) -> list[Settling]:
        return [files for one, files in self._folders.items() if not self.is_stalled(one)]
