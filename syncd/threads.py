"""Blocking work on daemon threads, where a thread that hangs with its disk delays nothing else.

The threads of a pool of fixed size may all hang, and a process that ends waits for them. Here each
piece of work finds a thread, and none is waited for: they end with the process.
"""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from queue import SimpleQueue
from typing import TypeVar

T = TypeVar("T")

Job = Callable[[], None]

EXIT_TIMEOUT = 5.0
"""Seconds: more than any operation takes, except one on a disk or a file server that hangs."""


async def run_in_thread(work: Callable[[], T]) -> T:
    """Return the result of the work on a new thread, or raise its exception.

    Starting a thread takes some 50 us. If the caller is cancelled, the thread ends by itself.
    """
    future, job = _job(work)
    start_thread(job)
    return await future


def start_thread(work: Job) -> None:
    """Start work on a new thread, which is not waited for."""
    threading.Thread(target=work, name="blocking", daemon=True).start()


async def run_until_cancelled(work: Callable[[threading.Event], T], name: str) -> T:
    """Return the result of the work on a thread of that name, or raise its exception.

    If the caller is cancelled, the event is set and the thread waited for, unless it hangs.
    """
    stop = threading.Event()
    future, job = _job(partial(work, stop))
    thread = threading.Thread(target=job, name=name, daemon=True)
    thread.start()
    try:
        return await asyncio.shield(future)
    finally:
        stop.set()
        await asyncio.wait([future], timeout=EXIT_TIMEOUT)
        if future.done():
            thread.join()


class ThreadPool:
    """Threads that are reused, as many as there was work at once.

    Work that needs much memory reuses that of its thread: a new thread would ask the system for
    its own.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._idle: deque[SimpleQueue[Job | None]] = deque()
        self._closed = False

    def submit(self, work: Callable[[], T]) -> asyncio.Future[T]:
        """Start the work; a caller that stops waiting cancels the future that is returned."""
        try:
            inbox = self._idle.popleft()  # not the last one: its result may still be in use
        except IndexError:
            inbox = SimpleQueue()
            threading.Thread(
                target=self._serve, args=(inbox,), name=self._name, daemon=True
            ).start()
        future, job = _job(work, lambda: self._idle.append(inbox))
        inbox.put(job)
        return future

    def close(self) -> None:
        """End the idle threads, and each other thread once its work is done."""
        self._closed = True
        with suppress(IndexError):
            while True:
                self._idle.pop().put(None)

    def _serve(self, inbox: SimpleQueue[Job | None]) -> None:
        while (job := inbox.get()) is not None:
            job()
            del job  # with its result, which else would be freed just before the next one is made
            if self._closed:
                self.close()  # which ends this thread, too


def _job(
    work: Callable[[], T], done: Callable[[], None] = lambda: None
) -> tuple[asyncio.Future[T], Job]:
    """Return a future of the running loop, and the job that completes it from a thread.

    `done` is called on the thread before the loop is notified.
    """
    loop = asyncio.get_running_loop()
    future: asyncio.Future[T] = loop.create_future()

    def deliver(outcome: Job) -> None:
        if not future.done():  # else the caller was cancelled
            outcome()

    def job() -> None:
        try:
            result = work()
        except BaseException as error:  # noqa: BLE001  raised by `await future`
            raised = error
            outcome = lambda: future.set_exception(raised)  # noqa: E731  one of two outcomes
        else:
            outcome = lambda: future.set_result(result)  # noqa: E731  the other outcome
        done()
        with suppress(RuntimeError):  # the loop has been closed meanwhile
            loop.call_soon_threadsafe(deliver, outcome)

    return future, job
