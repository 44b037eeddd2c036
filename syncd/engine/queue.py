"""The work queue of one account: a digest waits in it at most once, and one worker has it."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Iterable, Sequence

from syncd.ledger.replicas import Missing
from syncd.model import Digest

ROOM = 1000
"""Digests in memory for one account; the rest of a backlog stays in the ledger."""


class WorkQueue:
    """Digests that wait for a worker, and those that workers have.

    New arrivals are taken first, then digests that were put back, then the backlog. A digest that
    is added while a worker has it is not queued a second time, because it would take another
    image's place in a POST. Instead `refill` is set once the worker is done with it, and the ledger
    is asked whether it is still missing.
    """

    def __init__(self, on_fresh: Callable[[], None] = lambda: None) -> None:
        """`on_fresh` is called when a new arrival joins the queue."""
        self.refill = asyncio.Event()
        """Set when the ledger may have missing digests that the queue does not have."""
        self.unread = 0
        """How many missing digests the ledger has that were not added yet."""
        self.is_read = False
        """Whether all that the ledger had when `refill` was last cleared has been added."""
        self._fresh: OrderedDict[Digest, None] = OrderedDict()
        self._put_back: OrderedDict[Digest, None] = OrderedDict()
        self._backlog: OrderedDict[Digest, None] = OrderedDict()
        self._working: set[Digest] = set()
        self._added_again: set[Digest] = set()  # while a worker had them
        self._held_back: set[Digest] = set()
        self._done_since: set[Digest] | None = None  # a page was requested that is being read
        self._changed = asyncio.Event()
        self._on_fresh = on_fresh

    def __len__(self) -> int:
        return len(self._fresh) + len(self._put_back) + len(self._backlog)

    def __contains__(self, digest: Digest) -> bool:
        return (
            digest in self._working
            or digest in self._held_back
            or digest in self._fresh
            or digest in self._put_back
            or digest in self._backlog
        )

    @property
    def has_fresh(self) -> bool:
        """Whether a new arrival waits."""
        return bool(self._fresh)

    @property
    def in_flight(self) -> int:
        """How many digests workers have."""
        return len(self._working)

    @property
    def is_idle(self) -> bool:
        """Whether no digest waits, and no worker has one."""
        return not len(self) and not self._working

    @property
    def room(self) -> int:
        """How many more digests may come from the ledger."""
        return ROOM - len(self) - len(self._working)

    def add(self, digest: Digest) -> None:
        """Add a digest of the backlog at the end."""
        if digest in self._working:
            self._added_again.add(digest)
        elif digest not in self:
            self._backlog[digest] = None
            self._changed.set()

    def add_fresh(self, digest: Digest) -> None:
        """Add a new arrival before the backlog.

        When ROOM new arrivals wait already, it comes from the ledger like a backlog.
        """
        if digest in self._working:
            self._added_again.add(digest)
        elif digest in self:
            return
        elif len(self._fresh) < ROOM:
            self._fresh[digest] = None
            self._changed.set()
            self._on_fresh()
        else:
            self.refill.set()

    async def add_page(
        self,
        page: Awaitable[Missing],
        admit: Callable[[Sequence[Digest]], Sequence[Digest]] = lambda digests: digests,
    ) -> Missing:
        """Return a page of missing digests, read from the ledger meanwhile; add what `admit` lets.

        A digest that is done while the page is read may be in it although it is held by now: it is
        not added, and `refill` is set.
        """
        done = self._done_since = set()
        try:
            missing = await page
        finally:
            self._done_since = None
        for digest in admit(missing.digests):
            if digest in done:
                self.refill.set()
            else:
                self.add(digest)
        return missing

    def take(self, limit: int) -> list[Digest]:
        """Hand out the next digests, at most `limit`."""
        taken: list[Digest] = []
        while len(self) and len(taken) < limit:
            digest, _ = (self._fresh or self._put_back or self._backlog).popitem(last=False)
            taken.append(digest)
        self._working.update(taken)
        self._changed.set()
        return taken

    def put_back(self, digests: Iterable[Digest]) -> None:
        """Put digests that were taken and not sent before the backlog, in their order."""
        for digest in reversed(list(digests)):
            self._working.discard(digest)
            self._added_again.discard(digest)
            self._put_back[digest] = None
            self._put_back.move_to_end(digest, last=False)
        self._changed.set()

    def done(self, digest: Digest) -> None:
        """Finish a digest that was taken."""
        self._working.discard(digest)
        if self._done_since is not None:
            self._done_since.add(digest)
        if digest in self._added_again:
            self._added_again.discard(digest)
            self.refill.set()
        self._changed.set()

    def hold_back(self, digest: Digest) -> None:
        """Keep a digest out of the queue until it is released."""
        self.release(digest)
        self._held_back.add(digest)

    def release(self, digest: Digest) -> None:
        """Forget a digest that was taken or held back; it may be added again."""
        self._held_back.discard(digest)
        self._working.discard(digest)
        self._added_again.discard(digest)
        self._changed.set()

    async def wait_for_change(self, limit: float | None = None) -> None:
        """Return when the queue has changed, or after `limit` seconds."""
        self._changed.clear()
        try:
            async with asyncio.timeout(limit):
                await self._changed.wait()
        except TimeoutError:
            return


async def wait_for_batch(queue: WorkQueue, images: int, delay: Callable[[], float]) -> None:
    """Wait until a digest waits, and then until `images` do or the time for more has passed.

    `delay` returns the seconds that it is worth waiting for more of a backlog now.
    """
    while not len(queue):
        await queue.wait_for_change()
    began = asyncio.get_running_loop().time()
    while 0 < len(queue) < images:
        waited = asyncio.get_running_loop().time() - began
        if waited >= (_MOMENT if queue.has_fresh else max(_MOMENT, delay())):
            return
        await queue.wait_for_change(_MOMENT)


_MOMENT = 0.03
"""Seconds in which images that were dropped together meet in one POST."""
