"""Work on threads for requests: a limited amount at a time, also of requests that have ended.

A browser ends the requests of a page that its user leaves. Their threads cannot be stopped, so that
they keep their slots; else a user who turns pages quickly would start any number of threads.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TypeVar

from syncd.threads import ThreadPool

T = TypeVar("T")


class Slots:
    """Threads for one kind of work, `count` at a time.

    Work that takes longer than `patience` seconds, on a disk that hangs, gives up its slot.
    """

    def __init__(self, name: str, count: int, patience: float) -> None:
        self._free = asyncio.Semaphore(count)
        self._threads = ThreadPool(name)
        self._patience = patience

    async def start(
        self, work: Callable[[], T], late: Callable[[], None] = lambda: None
    ) -> asyncio.Future[T]:
        """Start work once a slot is free; return its future, which the caller must not cancel.

        `late` is called if the work runs out of patience.
        """
        await self._free.acquire()
        future = self._threads.submit(work)
        slot = _Slot(self._free)
        timer = asyncio.get_running_loop().call_later(self._patience, slot.lose, late)
        future.add_done_callback(lambda ended: _end(ended, slot, timer))
        return future

    async def run(self, work: Callable[[], T]) -> T:
        """Return the result of work, or raise its exception."""
        future = await self.start(work)
        await asyncio.wait([future])  # which does not cancel it with the caller
        return future.result()

    def close(self) -> None:
        """End the threads once their work is done."""
        self._threads.close()


class _Slot:
    """A slot, which is released once."""

    def __init__(self, free: asyncio.Semaphore) -> None:
        self._free: asyncio.Semaphore | None = free

    def release(self) -> None:
        if self._free is not None:
            self._free.release()
            self._free = None

    def lose(self, late: Callable[[], None]) -> None:
        self.release()
        late()


def _end(future: asyncio.Future[T], slot: _Slot, timer: asyncio.TimerHandle) -> None:
    timer.cancel()
    slot.release()
    if not future.cancelled():
        future.exception()  # retrieved: the request may have ended
