"""Work that blocks, on threads of which one that hangs with its disk keeps nothing else.

A pool's threads may all come to hang, and whoever ends a process waits for them. Here there is
always another one, and nobody waits for any: they end with the process.
"""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from queue import SimpleQueue
from typing import TypeVar

T = TypeVar("T")

Job = Callable[[], None]


async def run_in_thread(work: Callable[[], T]) -> T:
    """Return what the work does on a new thread, or raise what it raises.

    A thread takes some 50 us. A caller that is cancelled leaves it to end by itself.
    """
    ended, job = _job(work)
    start_thread(job)
    return await ended


def start_thread(work: Job) -> None:
    """Begin work that nobody waits for."""
    threading.Thread(target=work, name="aside", daemon=True).start()


class ThreadPool:
    """Threads that are kept for the next work, as many as there was work at once.

    What works with much memory keeps it: a new thread would ask the system for its own.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._idle: deque[SimpleQueue[Job | None]] = deque()
        self._closed = False

    def begin(self, work: Callable[[], T]) -> asyncio.Future[T]:
        """Begin the work, for one who may stop waiting for it, and cancels what is returned."""
        try:
            inbox = self._idle.popleft()  # not the last: what it has brought may still be in use
        except IndexError:
            inbox = SimpleQueue()
            threading.Thread(
                target=self._serve, args=(inbox,), name=self._name, daemon=True
            ).start()
        ended, job = _job(work, lambda: self._idle.append(inbox))
        inbox.put(job)
        return ended

    def close(self) -> None:
        """Let the threads go that have nothing to do, and each other one once it has done."""
        self._closed = True
        with suppress(IndexError):
            while True:
                self._idle.pop().put(None)

    def _serve(self, inbox: SimpleQueue[Job | None]) -> None:
        while (job := inbox.get()) is not None:
            job()
            del job  # and its result, which is not to be freed just before the next one is made
            if self._closed:
                self.close()  # itself too


def _job(
    work: Callable[[], T], done: Callable[[], None] = lambda: None
) -> tuple[asyncio.Future[T], Job]:
    """Return what becomes done on the running loop when the job was called on a thread.

    `done` is called before the loop hears of it.
    """
    loop = asyncio.get_running_loop()
    ended: asyncio.Future[T] = loop.create_future()

    def tell(answer: Job) -> None:
        if not ended.done():  # its caller was cancelled
            answer()

    def job() -> None:
        try:
            result = work()
        except BaseException as error:  # noqa: BLE001  its caller raises it
            raised = error
            answer = lambda: ended.set_exception(raised)  # noqa: E731  one of two answers
        else:
            answer = lambda: ended.set_result(result)  # noqa: E731  the other
        done()
        with suppress(RuntimeError):  # the loop has been closed meanwhile
            loop.call_soon_threadsafe(tell, answer)

    return ended, job
