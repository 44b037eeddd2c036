"""The intake: files that were found wait until they stand still, are read, and are recorded."""

from __future__ import annotations

import asyncio
import heapq
import os
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import structlog
from structlog.typing import FilteringBoundLogger

from syncd.folders.inside import Unreadable
from syncd.folders.kept import Kept
from syncd.folders.probe import Picture, Unfit
from syncd.folders.read import Reader, Reading
from syncd.ledger import tree
from syncd.ledger.database import Ledger
from syncd.ledger.tree import Content, Place
from syncd.model import Digest, Stat, printable
from syncd.rules.settling import time_to_settle

log: FilteringBoundLogger = structlog.get_logger()

MOST_WAITING = 10_000  # files that settle at once; a scan waits for the rest
BATCH = 64  # files that one hop to a thread reads, and one commit records
BATCH_BYTES = 4 * 2**20  # and no further file once there are so many bytes
READERS = 2

LARGEST = 128 * 2**20
"""Bytes; a file above it is not taken into memory. The Ads Guide's own limit is 30 MB an image."""

Arrived = Callable[[int, Digest, bool], None]
"""Called once a fit image is in the ledger: folder id, digest, whether it has just been dropped."""


@dataclass(slots=True)
class _Waiting:
    root: bytes
    stat: Stat
    since: float  # monotonic: since when this stat has been seen
    fresh: bool


class Intake:
    """Takes every place at most once at a time; what changes while it is read waits again."""

    def __init__(
        self,
        ledger: Ledger,
        settle: float,
        arrived: Arrived,
        kept: Kept,
        uses: Callable[[int], int],
    ) -> None:
        """`kept` takes what is missing somewhere; `uses` says in how many accounts, by folder."""
        self._ledger = ledger
        self._kept = kept
        self._uses = uses
        self._settle = settle
        self._arrived = arrived
        self._waiting: dict[Place, _Waiting] = {}
        self._due: list[tuple[float, int, Place]] = []  # of a scan's finds
        self._fresh_due: list[tuple[float, int, Place]] = []  # of what was just dropped: first
        self._reading: set[Place] = set()
        self._number = 0
        self._changed = asyncio.Event()

    @property
    def reading(self) -> bool:
        """Files that have settled are being read, or are about to be."""
        due = self._next_due()
        return bool(self._reading) or (due is not None and due <= time.monotonic())

    @property
    def waiting(self) -> int:
        """How many files have not settled, or are not recorded yet."""
        return len(self._waiting) + len(self._reading)

    async def offer(self, root: bytes, found: Sequence[tuple[Place, Stat]], *, fresh: bool) -> None:
        """Take files that were found new or changed; waits while too many are settling."""
        for place, stat in found:
            while not fresh and len(self._waiting) >= MOST_WAITING:
                await self._change()
            known = self._waiting.get(place)
            if known is None or known.stat != stat:
                self._wait(place, _Waiting(root, stat, time.monotonic(), fresh))
        self._tell()

    async def run(self) -> None:
        """Read what has settled until cancelled."""
        # Threads of its own: what images leave behind in the allocator is kept for each thread.
        threads = ThreadPoolExecutor(READERS, "read")
        try:
            async with asyncio.TaskGroup() as readers:
                for number in range(READERS):
                    readers.create_task(self._read_settled(threads), name=f"read:{number}")
        finally:
            threads.shutdown(wait=False)

    async def quiet(self) -> None:
        """Wait until no file is settling or being read."""
        while self._waiting or self._reading:
            await self._change()

    def _wait(self, place: Place, waiting: _Waiting) -> None:
        self._waiting[place] = waiting
        seen_for = time.monotonic() - waiting.since
        left = time_to_settle(waiting.stat, seen_for, time.time_ns(), self._settle)
        self._number += 1
        line = self._fresh_due if waiting.fresh else self._due
        heapq.heappush(line, (time.monotonic() + left, self._number, place))

    def _next_due(self) -> float | None:
        return min((line[0][0] for line in (self._fresh_due, self._due) if line), default=None)

    async def _read_settled(self, threads: ThreadPoolExecutor) -> None:
        loop = asyncio.get_running_loop()
        while True:
            batch = self._take_settled()
            if not batch:
                due = self._next_due()
                await self._change(None if due is None else due - time.monotonic())
                continue
            results = await loop.run_in_executor(threads, self._read_all, batch)
            await self._record(batch, results)
            self._reading.difference_update(place for place, _ in batch)
            self._tell()

    def _read_all(self, batch: Sequence[tuple[Place, _Waiting]]) -> list[Reading | Unreadable]:
        self._kept.wait_for_room(sum(waiting.stat.size for _, waiting in batch))
        results: list[Reading | Unreadable] = []
        with Reader() as reader:
            for place, waiting in batch:
                try:
                    results.append(reader.digest(waiting.root, place.path))
                except Unreadable as error:
                    results.append(error)
        return results

    def _take_settled(self) -> list[tuple[Place, _Waiting]]:
        batch: list[tuple[Place, _Waiting]] = []
        for line in (self._fresh_due, self._due):
            self._take_from(line, batch)
        return batch

    def _take_from(
        self, line: list[tuple[float, int, Place]], batch: list[tuple[Place, _Waiting]]
    ) -> None:
        held_back: list[tuple[float, int, Place]] = []
        now, size = time.monotonic(), sum(waiting.stat.size for _, waiting in batch)
        while line and line[0][0] <= now and len(batch) < BATCH and size < BATCH_BYTES:
            entry = heapq.heappop(line)
            place = entry[2]
            waiting = self._waiting.get(place)
            if waiting is None:
                continue  # an older entry of the same place
            if place in self._reading:
                held_back.append((now + self._settle, entry[1], place))
                continue
            left = time_to_settle(waiting.stat, now - waiting.since, time.time_ns(), self._settle)
            if left > 0:
                held_back.append((now + left, entry[1], place))
                continue
            del self._waiting[place]
            self._reading.add(place)
            batch.append((place, waiting))
            size += waiting.stat.size
        for entry in held_back:
            heapq.heappush(line, entry)

    async def _record(
        self,
        batch: Sequence[tuple[Place, _Waiting]],
        results: Sequence[Reading | Unreadable],
    ) -> None:
        found: list[tuple[Place, Stat, Content | str]] = []
        recorded: list[tuple[Place, _Waiting, Reading | None]] = []
        for (place, waiting), result in zip(batch, results, strict=True):
            match result:
                case Reading(stat_before=before, stat_after=after) if (
                    before != waiting.stat or after != before
                ):
                    if place not in self._waiting:
                        again = _Waiting(waiting.root, after, time.monotonic(), waiting.fresh)
                        self._wait(place, again)
                case Reading():
                    found.append((place, waiting.stat, _content(result)))
                    recorded.append((place, waiting, result))
                case Unreadable(gone=True):
                    log.debug("file.gone", file=_shown(waiting.root, place))
                case Unreadable(reason=why):
                    found.append((place, waiting.stat, why))
                    recorded.append((place, waiting, None))
                    log.warning("file.unreadable", file=_shown(waiting.root, place), why=why)
        if not found:
            return
        news = await self._ledger.write(tree.record_all(found))
        for (place, waiting, reading), is_news in zip(recorded, news, strict=True):
            if reading is not None:
                self._tell_of(place, waiting, reading, is_news=is_news)

    def _tell_of(self, place: Place, waiting: _Waiting, reading: Reading, *, is_news: bool) -> None:
        unfit = _content(reading).unfit
        file, sha256 = _shown(waiting.root, place), reading.digest.hex()
        if unfit is not None:
            log.warning("file.rejected", file=file, why=unfit, sha256=sha256)
        elif is_news:
            if reading.content is not None:
                self._kept.keep(reading.digest, reading.content, self._uses(place.folder_id))
            self._arrived(place.folder_id, reading.digest, waiting.fresh)
        elif waiting.fresh:
            log.info("file.known", file=file, sha256=sha256)

    def _tell(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()

    async def _change(self, within: float | None = None) -> None:
        try:
            async with asyncio.timeout(within):
                await self._changed.wait()
        except TimeoutError:
            return


def _shown(root: bytes, place: Place) -> str:
    return printable(os.path.join(root, place.path))


def _content(reading: Reading) -> Content:
    if reading.size > LARGEST:
        unfit = f"too large: {reading.size:,} bytes, and syncd sends {LARGEST:,} at most"
        return Content(reading.digest, reading.size, None, None, None, unfit)
    match reading.verdict:
        case Picture(format=kind, width=width, height=height):
            return Content(reading.digest, reading.size, kind.name, width, height, None)
        case Unfit(reason=why):
            return Content(reading.digest, reading.size, None, None, None, why)
