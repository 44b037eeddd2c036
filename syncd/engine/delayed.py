"""Digests that join an account's work queue later."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from syncd.engine.queue import ROOM, WorkQueue
from syncd.model import Digest


class Delayed:
    """Digests that are held back from one queue: for a time, or until the operator retries them.

    At most ROOM digests have a timer. Of more, as when a folder's disk is away, the rest is left to
    the ledger, which is read again later.
    """

    def __init__(self, queue: WorkQueue) -> None:
        self._queue = queue
        self._timers: dict[Digest, asyncio.TimerHandle] = {}
        self._given_up: set[Digest] = set()
        self._refill: asyncio.TimerHandle | None = None

    def __len__(self) -> int:
        return len(self._timers)

    @property
    def next_delay(self) -> float | None:
        """Seconds until the first digest joins the queue; None without one."""
        now = asyncio.get_running_loop().time()
        dues = (timer.when() for timer in self._timers.values())
        return min((max(0.0, due - now) for due in dues), default=None)

    @property
    def given_up(self) -> int:
        """How many digests this process does not try again."""
        return len(self._given_up)

    def retry_after(self, digest: Digest, delay: float) -> None:
        """Let a digest that was taken join the backlog after `delay` seconds."""
        if len(self._timers) < ROOM:
            self._queue.hold_back(digest)
            self._start(digest, delay, self._queue.add)
            return
        self._queue.release(digest)
        if self._refill is None:
            loop = asyncio.get_running_loop()
            self._refill = loop.call_later(delay, self._request_refill)

    def await_arrival(self, digest: Digest, timeout: float) -> None:
        """Let a new arrival join the queue when `arrive` is called, or after `timeout` seconds."""
        if digest in self._queue or len(self._timers) >= ROOM:
            self._queue.add_fresh(digest)
        else:
            self._queue.hold_back(digest)
            self._start(digest, timeout, self._queue.add_fresh)

    def arrive(self, digest: Digest) -> None:
        """Let a delayed digest join the queue now, before the backlog."""
        if (timer := self._timers.get(digest)) is not None:
            timer.cancel()
            self._end(digest, self._queue.add_fresh)

    def give_up(self, digest: Digest) -> None:
        """Do not try a digest that was taken again until `retry_now` is called."""
        self._queue.hold_back(digest)
        self._given_up.add(digest)

    def retry_now(self) -> None:
        """Let every delayed digest join the backlog now; forget which were given up."""
        for digest in self._given_up:
            self._queue.release(digest)
        self._given_up.clear()
        for digest, timer in list(self._timers.items()):
            timer.cancel()
            self._end(digest, self._queue.add)

    def _start(self, digest: Digest, delay: float, add: Callable[[Digest], None]) -> None:
        loop = asyncio.get_running_loop()
        self._timers[digest] = loop.call_later(delay, self._end, digest, add)

    def _end(self, digest: Digest, add: Callable[[Digest], None]) -> None:
        del self._timers[digest]
        self._queue.release(digest)
        add(digest)

    def _request_refill(self) -> None:
        self._refill = None
        self._queue.refill.set()
