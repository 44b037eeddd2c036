"""The intake: files that were found wait until they stand still, are read, and are recorded."""

from __future__ import annotations

import asyncio
import os
import time
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from functools import partial

import structlog

from syncd.folders.intake.cache import ContentCache
from syncd.folders.intake.lines import Lines
from syncd.folders.intake.read import Reader, Reading
from syncd.folders.intake.settle import Found, Settling
from syncd.folders.safe_open import Unreadable
from syncd.heartbeat import Heartbeat, wait_unless_stalled
from syncd.images.probe import Picture, Unsupported
from syncd.ledger import files
from syncd.ledger.database import Ledger
from syncd.ledger.files import Content, Place
from syncd.log import Log, elapsed
from syncd.model import Digest, Stat, printable
from syncd.rules import remedies
from syncd.rules.settle import is_recent
from syncd.threads import ThreadPool

log: Log = structlog.get_logger()

MOST_WAITING = 10_000
"""Files in each line that settle at once, of all folders that do not hang, or of one that does; who
finds more waits for them."""

MANY, LATELY = 1000, 60.0
"""Of more files than this that one look found, those are fresh that changed in the last minute: the
others lay there, and are a backlog like any."""

BATCH = 64  # files of a folder that one hop to a thread reads, and one commit records
BATCH_BYTES = 4 * 2**20  # and no further file once there are so many bytes
READERS = 2

LARGEST = 128 * 2**20
"""Bytes; a file above it is not taken into memory. The Ads Guide's own limit is 30 MB an image."""

Arrived = Callable[[int, Digest, bool], None]
"""Called once a fit image is in the ledger: folder id, digest, whether it has just been dropped."""


class Intake:
    """Takes every place at most once at a time; what changes while it is read waits again.

    A folder whose disk hangs keeps its own files waiting, and no reader.
    """

    def __init__(
        self,
        ledger: Ledger,
        settle: float,
        arrived: Arrived,
        kept: ContentCache,
        uses: Callable[[int], int],
        readers: Mapping[int, Heartbeat] | None = None,
    ) -> None:
        """`kept` takes what is missing somewhere; `uses` says in how many accounts, by folder.

        readers has, by folder, what shows how its reading moves.
        """
        self._ledger = ledger
        self._kept = kept
        self._uses = uses
        self._arrived = arrived
        self._readers = defaultdict(Heartbeat) if readers is None else readers
        self._lines = Lines(settle, self._readers)
        # Of its own: what images leave behind in the allocator is kept for each thread.
        self._threads = ThreadPool("read")
        self._reading: dict[Place, Found] = {}
        self._changed = asyncio.Event()

    @property
    def reading(self) -> bool:
        """Files that have settled are being read, or are about to be, and nothing hangs there."""
        due = self._lines.next_due
        return any(not self._lines.stalled(place.folder_id) for place in self._reading) or (
            due is not None and due <= time.monotonic()
        )

    @property
    def waiting(self) -> int:
        """How many files have not settled, or are not recorded yet."""
        return len(self._lines) + len(self._reading)

    async def offer(self, root: bytes, found: Sequence[tuple[Place, Stat]]) -> None:
        """Take files that a scan found new or changed; then wait while too many are settling."""
        now, wall_ns = time.monotonic(), time.time_ns()
        for place, stat in found:
            self._take_in(Found(place, root, stat, now, fresh=False), now, wall_ns)
        self._tell()
        if found:
            await self._wait_for_room(found[0][0].folder_id, lambda line: line.others)

    async def offer_fresh(self, root: bytes, found: Sequence[tuple[Place, Stat]]) -> bool:
        """Take, before all that a scan found, files that a look came upon; answers whether all.

        Of very many only those are taken that have just changed: the others are a scan's to find.
        """
        now, wall_ns = time.monotonic(), time.time_ns()
        few = len(found) <= MANY
        fresh = [(p, stat) for p, stat in found if few or is_recent(stat, wall_ns, LATELY)]
        for place, stat in fresh:
            self._take_in(Found(place, root, stat, now, fresh=True), now, wall_ns)
        self._tell()
        if fresh:
            await self._wait_for_room(fresh[0][0].folder_id, lambda line: line.fresh)
        return len(fresh) == len(found)

    async def run(self) -> None:
        """Read what has settled until cancelled."""
        try:
            async with asyncio.TaskGroup() as readers:
                for number in range(READERS):
                    readers.create_task(self._read_settled(readers), name=f"read:{number}")
        finally:
            self._threads.close()

    async def quiet(self) -> None:
        """Wait until no file is settling or being read."""
        while self.waiting:
            await self._change()

    async def quiet_but_for_hanging(self, folder_id: int) -> None:
        """Wait as `quiet` does, but for other folders only as long as their disks do not hang."""

        def is_quiet() -> bool:
            return not any(
                one == folder_id or not self._lines.stalled(one)
                for one in self._lines.folders.union(place.folder_id for place in self._reading)
            )

        await wait_unless_stalled(is_quiet, self._change)

    async def _wait_for_room(self, folder_id: int, length: Callable[[Settling], int]) -> None:
        await wait_unless_stalled(
            lambda: self._lines.beside(folder_id, length) < MOST_WAITING, self._change
        )

    def _take_in(self, found: Found, now: float, wall_ns: int) -> None:
        being_read = self._reading.get(found.place)
        if being_read is not None and being_read.stat == found.stat:
            being_read.fresh = being_read.fresh or found.fresh
        else:
            self._lines.of(found.place.folder_id).add(found, now, wall_ns)

    async def _read_settled(self, readers: asyncio.TaskGroup) -> None:
        while True:
            batch = self._lines.take(
                BATCH, BATCH_BYTES, time.monotonic(), time.time_ns(), self._reading
            )
            if not batch:
                await self._change(self._lines.rest(time.monotonic()))
                continue
            self._reading.update((found.place, found) for found in batch)
            reading = self._threads.submit(partial(self._read_all, batch))
            if await wait_unless_stalled(
                reading.done,
                partial(asyncio.wait, {reading}),
                self._readers[batch[0].place.folder_id],
            ):
                results = reading.result()  # kept while the next are read: memory to read into
                await self._take_over(batch, results)
            else:  # this reader goes on with other folders
                readers.create_task(self._take_over_late(batch, reading), name="read late")

    async def _take_over_late(
        self, batch: Sequence[Found], reading: asyncio.Future[list[Reading | Unreadable]]
    ) -> None:
        await self._take_over(batch, await reading)

    async def _take_over(
        self, batch: Sequence[Found], results: Sequence[Reading | Unreadable]
    ) -> None:
        await self._record(batch, results)
        for found in batch:
            del self._reading[found.place]
        self._tell()

    def _read_all(self, batch: Sequence[Found]) -> list[Reading | Unreadable]:
        self._kept.wait_for_room(sum(found.stat.size for found in batch))
        results: list[Reading | Unreadable] = []
        pulse = self._readers[batch[0].place.folder_id]
        with pulse.operation() as operation, Reader(operation.beat) as reader:
            for found in batch:
                try:
                    results.append(reader.digest(found.root, found.place.path))
                except Unreadable as error:
                    results.append(error)
        return results

    async def _record(
        self, batch: Sequence[Found], results: Sequence[Reading | Unreadable]
    ) -> None:
        facts: list[tuple[Place, Stat, Content | str]] = []
        recorded: list[tuple[Found, Content | str, bytes | None]] = []
        for found, result in zip(batch, results, strict=True):
            content: Content | str
            data: bytes | None = None
            match result:
                case Reading(stat_before=before, stat_after=after) if (
                    before != found.stat or after != before
                ):
                    self._wait_again(found, after)
                    continue
                case Unreadable(gone=True):
                    log.debug("file.gone", file=_shown(found))
                    continue
                case Reading():
                    content, data = _content(result), result.content
                case Unreadable(reason=why):
                    content = why
            facts.append((found.place, found.stat, content))
            recorded.append((found, content, data))
        if not facts:
            return
        now = time.time()
        troubled, news = await self._ledger.write(files.record_all_since(facts, now))
        for (found, content, data), is_news in zip(recorded, news, strict=True):
            since = troubled.get(found.place)
            match content:
                case Content() if since is not None:
                    log.notice("file.readable", file=_shown(found), duration=elapsed(since, now))
                case str(why) if since is None:
                    log.error("file.unreadable", file=_shown(found), why=why, remedy=remedies.FILE)
                case _:
                    pass
            if isinstance(content, Content):
                self._tell_of(found, content, data, is_news=is_news)

    def _wait_again(self, found: Found, stat: Stat) -> None:
        settling = self._lines.of(found.place.folder_id)
        if found.place not in settling:
            now = time.monotonic()
            changed = Found(found.place, found.root, stat, now, found.fresh)
            settling.add(changed, now, time.time_ns())

    def _tell_of(
        self, found: Found, content: Content, data: bytes | None, *, is_news: bool
    ) -> None:
        if content.unfit is not None:
            sha256 = content.digest.hex()
            log.warning("file.rejected", file=_shown(found), why=content.unfit, sha256=sha256)
        elif is_news:
            folder_id = found.place.folder_id
            if data is not None:
                self._kept.keep(content.digest, data, self._uses(folder_id))
            self._arrived(folder_id, content.digest, found.fresh)
        elif found.fresh:
            log.info("file.known", file=_shown(found), sha256=content.digest.hex())

    def _tell(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()

    async def _change(self, within: float | None = None) -> None:
        try:
            async with asyncio.timeout(within):
                await self._changed.wait()
        except TimeoutError:
            return


def _shown(found: Found) -> str:
    return printable(os.path.join(found.root, found.place.path))


def _content(reading: Reading) -> Content:
    if reading.size > LARGEST:
        unfit = f"too large: {reading.size:,} bytes, and syncd sends {LARGEST:,} at most"
        return Content(
            digest=reading.digest,
            size=reading.size,
            format=None,
            width=None,
            height=None,
            unfit=unfit,
        )
    match reading.verdict:
        case Picture(format=kind, width=width, height=height):
            return Content(
                digest=reading.digest,
                size=reading.size,
                format=kind.name,
                width=width,
                height=height,
                unfit=None,
            )
        case Unsupported(reason=why):
            return Content(
                digest=reading.digest,
                size=reading.size,
                format=None,
                width=None,
                height=None,
                unfit=why,
            )
