"""The queue of one account: a digest waits in it at most once, and one worker has it."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Sequence

from syncd.model import Digest

ROOM = 1000
"""Digests in memory for one account; the rest of a backlog stays in the ledger."""


class WorkQueue:
    """Digests that wait, that wait for their time, and that are worked on.

    Two workers never have the same digest. One that comes while it is worked on is not queued
    behind itself, where it would take the place of another in a POST: once it is done, `relook`
    asks the ledger whether it is still missing.
    """

    def __init__(self) -> None:
        self._fresh: deque[Digest] = deque()
        self._returned: deque[Digest] = deque()
        self._backlog: deque[Digest] = deque()
        self._waiting: set[Digest] = set()
        self._delayed: dict[Digest, asyncio.TimerHandle] = {}
        self._look_later: asyncio.TimerHandle | None = None  # more wait than are remembered
        self._working: set[Digest] = set()
        self._again: set[Digest] = set()
        self._given_up: set[Digest] = set()
        self._done_since: set[Digest] = set()  # the last page was asked for
        self.relook = asyncio.Event()
        self._arrived = asyncio.Event()
        self._stirred = asyncio.Event()
        self._drained = asyncio.Event()
        self._drained.set()

    def __len__(self) -> int:
        return len(self._waiting)

    @property
    def has_fresh(self) -> bool:
        """An image waits that has just arrived."""
        return bool(self._fresh)

    @property
    def in_flight(self) -> int:
        """How many digests workers have."""
        return len(self._working)

    @property
    def given_up(self) -> int:
        """How many digests are not tried again by this process."""
        return len(self._given_up)

    @property
    def idle(self) -> bool:
        """Nothing can be worked on now."""
        return not (self._waiting or self._working)

    @property
    def resting(self) -> bool:
        """Nothing waits, is delayed or is worked on."""
        return not (self._waiting or self._delayed or self._working)

    @property
    def room(self) -> int:
        """How many more digests may come from the ledger."""
        return ROOM - len(self._waiting) - len(self._working)

    def add_fresh(self, digest: Digest) -> None:
        """A digest has just arrived: it goes before the backlog, however long that is.

        Of very many at once, the later ones come from the ledger like a backlog.
        """
        if not self._may_wait(digest):
            return
        if len(self._fresh) < ROOM:
            self._enter(self._fresh, digest)
            self.stir()
        else:
            self.relook.set()

    def expect(self, digest: Digest, within: float) -> None:
        """A digest that has just arrived waits for `come`, so many seconds at most."""
        if len(self._delayed) >= ROOM:
            self.add_fresh(digest)
        elif self._may_wait(digest):
            loop = asyncio.get_running_loop()
            self._delayed[digest] = loop.call_later(within, self._comes, digest)

    def come(self, digest: Digest) -> None:
        """What an expected digest waited for has happened."""
        if (timer := self._delayed.get(digest)) is not None:
            timer.cancel()
            self._comes(digest)

    def add(self, digest: Digest) -> None:
        """A digest of the backlog takes its place at the end."""
        if self._may_wait(digest):
            self._enter(self._backlog, digest)

    async def add_page(self, page: Awaitable[Sequence[Digest]]) -> Sequence[Digest]:
        """Take and return a page of the ledger's, which may be older than what is done meanwhile.

        Such a digest would only take the place of another in a POST; `relook` asks again.
        """
        self._done_since.clear()
        digests = await page
        for digest in digests:
            if digest in self._done_since:
                self.relook.set()
            else:
                self.add(digest)
        return digests

    def take(self, most: int) -> list[Digest]:
        """Hand out the next digests, those that just arrived first."""
        taken: list[Digest] = []
        while self._waiting and len(taken) < most:
            line = self._fresh or self._returned or self._backlog
            taken.append(line.popleft())
            self._waiting.discard(taken[-1])
        self._working.update(taken)
        self._tell_room()
        return taken

    def put_back(self, digests: Iterable[Digest]) -> None:
        """Digests that were taken and not sent go before the backlog, in their order."""
        for digest in reversed(list(digests)):
            self._working.discard(digest)
            self._again.discard(digest)
            self._waiting.add(digest)
            self._returned.appendleft(digest)
        self._arrived.set()

    def later(self, digest: Digest, delay: float) -> None:
        """A digest that was taken waits for `delay` seconds first.

        Of very many, as a folder that is away brings them, the later ones are left to the ledger,
        which is asked again then: they take no room from what can be brought.
        """
        self._working.discard(digest)
        self._again.discard(digest)
        loop = asyncio.get_running_loop()
        if len(self._delayed) < ROOM:
            self._delayed[digest] = loop.call_later(delay, self._is_due, digest)
        elif self._look_later is None:
            self._look_later = loop.call_later(delay, self._look)
        self._tell_room()

    def done(self, digest: Digest) -> None:
        """Nothing more is to be done about a digest that was taken."""
        self._working.discard(digest)
        self._done_since.add(digest)
        if digest in self._again:
            self._again.discard(digest)
            self.relook.set()
        self._tell_room()

    def give_up(self, digest: Digest) -> None:
        """A digest that was taken is not tried again by this process."""
        self._given_up.add(digest)
        self._again.discard(digest)
        self.done(digest)

    def hurry(self) -> None:
        """Whatever waits for its time, or was given up, is due now."""
        self._given_up.clear()
        for digest, timer in list(self._delayed.items()):
            timer.cancel()
            self._is_due(digest)

    async def ready(self, enough: int, patience: Callable[[], float]) -> None:
        """Wait until a digest is there, and then for company, while patience (seconds) lasts."""
        while not self._waiting:
            await self._arrival(None)
        began = asyncio.get_running_loop().time()
        while 0 < len(self._waiting) < enough:
            waited = asyncio.get_running_loop().time() - began
            if waited >= (_MOMENT if self._fresh else max(_MOMENT, patience())):
                return
            await self._arrival(_MOMENT)

    def stir(self) -> None:
        """Who waits in `stirred` looks again: what they wait for may have come nearer."""
        self._stirred.set()

    async def stirred(self, seconds: float) -> None:
        """Wait so long, or until an image has just arrived, or `stir` is called."""
        self._stirred.clear()
        try:
            async with asyncio.timeout(seconds):
                await self._stirred.wait()
        except TimeoutError:
            return

    async def wait_for_room(self) -> None:
        """Wait until half of the queue is free."""
        while self.room < ROOM // 2:
            self._drained.clear()
            await self._drained.wait()

    def _may_wait(self, digest: Digest) -> bool:
        if digest in self._working:
            self._again.add(digest)
            return False
        return not (digest in self._waiting or digest in self._delayed or digest in self._given_up)

    def _enter(self, line: deque[Digest], digest: Digest) -> None:
        self._waiting.add(digest)
        line.append(digest)
        self._arrived.set()

    def _look(self) -> None:
        self._look_later = None
        self.relook.set()

    def _comes(self, digest: Digest) -> None:
        del self._delayed[digest]
        self.add_fresh(digest)

    def _is_due(self, digest: Digest) -> None:
        del self._delayed[digest]
        self._enter(self._backlog, digest)

    def _tell_room(self) -> None:
        if self.room >= ROOM // 2:
            self._drained.set()

    async def _arrival(self, within: float | None) -> None:
        self._arrived.clear()
        try:
            async with asyncio.timeout(within):
                await self._arrived.wait()
        except TimeoutError:
            return


_MOMENT = 0.03  # seconds in which images that were dropped together find each other
