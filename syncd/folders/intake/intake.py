"""The intake: found files wait until they settle, then they are read and recorded."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import partial

import msgspec

from syncd.folders.intake.cache import ContentCache
from syncd.folders.intake.read import READ_AT_ONCE, Reader, Reading
from syncd.folders.intake.record import Recorder
from syncd.folders.intake.settle import Found, SettleQueue, is_recent
from syncd.folders.intake.unrecorded import Unrecorded
from syncd.folders.safe_open import Unreadable
from syncd.heartbeat import Change, Heartbeat, wait_unless_stalled
from syncd.ledger.files import Place
from syncd.model import Stat
from syncd.threads import ThreadPool

MAX_SETTLING = 10_000
"""Fresh files, or files found by scans, that settle at once in all folders that respond, or in one
that hangs; a scan that finds more waits."""

BATCH = 256
"""Files of a folder that are read by one job on a thread, and recorded by one commit. With 64, a
commit writes as many pages of the index of digests, and recording takes two thirds more CPU."""

BATCH_BYTES = 4 * 2**20  # after which a batch takes no further file

READERS = 2

QUICK = 0.1
"""Seconds in which a batch is read and recorded, unless the disk is slow; until then no other is
read. Two readers at once wake each other up for the GIL, which each file needs eight times: with
one, a backfill of 20 KB images takes 8 % less CPU, and half as many futex calls."""


class Burst(msgspec.Struct, frozen=True):
    """Above which number of files found at once only the recently changed ones are fresh.

    The others are a backlog, which a scan finds.
    """

    files: int = 1000
    recent: float = 60.0  # seconds


class Intake:
    """The files on their way into the ledger, each of which is read at most once at a time.

    A file that changes while it is read settles again. A folder whose disk hangs delays its own
    files, and no reader.
    """

    def __init__(
        self,
        recorder: Recorder,
        cache: ContentCache,
        settle: float,
        readers: Mapping[int, Heartbeat],
        burst: Burst | None = None,
    ) -> None:
        """`settle` is in seconds; `readers` has a heartbeat of reading for each folder's id."""
        self._recorder = recorder
        self._cache = cache
        self._burst = burst or Burst()
        self._readers = readers
        self._settling = SettleQueue(settle, readers)
        # Threads of its own: each keeps the memory that images leave behind in the allocator.
        self._threads = ThreadPool("read")
        self._reading: dict[Place, Found] = {}
        self._unfinished: set[Place] = set()  # they changed while they were read, and wait again
        self._turn = asyncio.Lock()
        self._changed = Change()  # files were added or recorded
        self._unrecorded = Unrecorded()
        self._line = {fresh: asyncio.Lock() for fresh in (True, False)}  # of those without room

    @property
    def is_reading(self) -> bool:
        """Whether settled files are being read, or soon will be, in a folder that responds."""
        reading = any(not self._settling.is_stalled(place.folder_id) for place in self._reading)
        return reading or self._settling.has_due(time.monotonic())

    @property
    def pending(self) -> int:
        """The number of files that are not recorded yet."""
        return len(self._settling) + len(self._reading)

    async def offer(
        self, root: bytes, found: Sequence[tuple[Place, Stat]], *, wait: bool = True
    ) -> None:
        """Add files that are to be read, then wait while too many are settling, if `wait`."""
        now, wall_ns = time.monotonic(), time.time_ns()
        for place, stat in found:
            self._add(Found(place, root, stat, now, fresh=False), now, wall_ns)
        self._changed.notify()
        if found and wait:
            await self._wait_for_room(found[0][0].folder_id, fresh=False)

    async def offer_fresh(self, root: bytes, found: Sequence[tuple[Place, Stat]]) -> bool:
        """Add new or changed files that the watch named, which go before those of scans.

        Return whether all were added: of a burst, only files that have just changed are.
        """
        now, wall_ns = time.monotonic(), time.time_ns()
        few, recent = len(found) <= self._burst.files, self._burst.recent
        fresh = [(p, stat) for p, stat in found if few or is_recent(stat, wall_ns, recent)]
        for place, stat in fresh:
            self._add(Found(place, root, stat, now, fresh=True), now, wall_ns)
        self._changed.notify()
        if fresh:
            await self._wait_for_room(fresh[0][0].folder_id, fresh=True)
        return len(fresh) == len(found)

    async def run(self) -> None:
        """Read settled files until cancelled."""
        try:
            async with asyncio.TaskGroup() as readers:
                for number in range(READERS):
                    readers.create_task(self._read_settled(readers), name=f"read:{number}")
        finally:
            self._threads.close()

    async def quiet(self) -> None:
        """Wait until no file is settling or being read, except for those that are still written.

        A file is taken to be still written if it changed between two reads of its stat.
        """
        while self.pending > len(self._unfinished):
            await self._changed.wait()

    async def record_found(self, folder_id: int) -> None:
        """Wait until the files that are settling or being read now are recorded.

        Those of other folders whose disks hang are not waited for.
        """
        found = self._unrecorded.divide()

        def is_recorded() -> bool:
            return all(
                folder != folder_id and self._settling.is_stalled(folder)
                for folder in self._unrecorded.folders(found)
            )

        await wait_unless_stalled(is_recorded, self._unrecorded.wait_for_end)

    async def _wait_for_room(self, folder_id: int, *, fresh: bool) -> None:
        """Wait while too many files settle; those of a folder that hangs wait for each other.

        Of hundreds of scans that wait, one checks after each change; the others wait in line.
        """

        def has_room() -> bool:
            return self._settling.count_with(folder_id, fresh=fresh) < MAX_SETTLING

        async with self._line[fresh]:
            if await wait_unless_stalled(has_room, self._changed.wait, self._readers[folder_id]):
                return
        await wait_unless_stalled(has_room, self._changed.wait)

    def _add(self, found: Found, now: float, wall_ns: int) -> None:
        being_read = self._reading.get(found.place)
        if being_read is not None and being_read.stat == found.stat:
            being_read.fresh = being_read.fresh or found.fresh
        else:
            found.mark = self._unrecorded.latest if being_read is None else being_read.mark
            if found.place not in self._settling:
                self._unrecorded.add(found.place.folder_id, found.mark)
            self._settling.of(found.place.folder_id).add(found, now, wall_ns)

    async def _read_settled(self, readers: asyncio.TaskGroup) -> None:
        """Read batches in turn; while one of them is slow, another reader has the next turn."""
        while True:
            async with self._turn:
                batch = await self._next_batch()
                reading = self._threads.submit(partial(self._read_batch, batch))
                await asyncio.wait({reading}, timeout=QUICK)
                if reading.done():
                    await self._record(batch, reading)
                    continue
            if await wait_unless_stalled(
                reading.done,
                partial(asyncio.wait, {reading}),
                self._readers[batch[0].place.folder_id],
            ):
                await self._record(batch, reading)
            else:  # this reader continues with other folders
                readers.create_task(self._record(batch, reading), name="read late")

    async def _next_batch(self) -> list[Found]:
        """Wait until files have settled, and take the next to read."""
        while True:
            now = time.monotonic()
            batch = self._settling.take(
                BATCH,
                BATCH_BYTES,
                now,
                time.time_ns(),
                self._reading,
                self._settling.largest(self._reading),
            )
            if batch:
                self._reading.update((found.place, found) for found in batch)
                return batch
            with suppress(TimeoutError):
                async with asyncio.timeout(self._settling.idle_time(time.monotonic())):
                    await self._changed.wait()

    async def _record(
        self, batch: Sequence[Found], reading: asyncio.Future[list[Reading | Unreadable]]
    ) -> None:
        changed = await self._recorder.record(batch, await reading)
        self._unfinished.difference_update(found.place for found in batch)
        self._unfinished.update(found.place for found, _ in changed)
        for found, stat in changed:
            if found.place not in self._settling:
                now = time.monotonic()
                again = replace(found, stat=stat, since=now)
                self._settling.of(found.place.folder_id).add(again, now, time.time_ns())
                self._unrecorded.add(found.place.folder_id, found.mark)
        for found in batch:
            del self._reading[found.place]
            self._unrecorded.remove(found.place.folder_id, found.mark)
        self._changed.notify()

    def _read_batch(self, batch: Sequence[Found]) -> list[Reading | Unreadable]:
        sizes = (found.stat.size for found in batch)
        self._cache.wait_for_room([size for size in sizes if size <= READ_AT_ONCE])
        results: list[Reading | Unreadable] = []
        reader = self._readers[batch[0].place.folder_id]
        with reader.operation() as operation, Reader(operation.beat) as files:
            for found in batch:
                try:
                    results.append(files.digest(found.root, found.place.path))
                except Unreadable as error:
                    results.append(error)
        return results
