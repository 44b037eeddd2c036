"""Detection of parts of the daemon that have stalled, by the progress of their operations."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable

STALLED_AFTER = 10.0
"""Seconds without progress after which nothing waits for an operation any longer: a slow file
server responds sooner."""

CHECK_EVERY = 1.0
"""Seconds between two checks for a stall, which causes no event of its own."""


class Heartbeat:
    """The operations that one part of the daemon is in; usable from any thread.

    Between its operations the part waits by design, for any length of time.
    """

    def __init__(self, stalled_after: float = STALLED_AFTER) -> None:
        """`stalled_after` is in seconds."""
        self.stalled_after = stalled_after
        self._operations: set[Operation] = set()
        self._first_completed_at: float | None = None

    def operation(self, limit: float = 0.0) -> Operation:
        """Return an operation, which runs while its context is entered.

        Its first `limit` seconds without progress do not count as idle.
        """
        return Operation(self, limit)

    def idle_for(self, now: float) -> float:
        """Return the seconds since its slowest operation made progress; 0 between operations.

        `now` is a time of `time.monotonic()`, as are all times here.
        """
        return max((one.idle_for(now) for one in tuple(self._operations)), default=0.0)

    def is_stalled(self) -> bool:
        """Return whether other parts should no longer wait for this one."""
        return self.idle_for(time.monotonic()) >= self.stalled_after

    def worked_for(self, now: float) -> float:
        """Return the seconds from its first completed operation to its last progress."""
        if self._first_completed_at is None:
            return 0.0
        return now - self.idle_for(now) - self._first_completed_at

    def add(self, operation: Operation) -> None:
        """Record that an operation begins."""
        self._operations.add(operation)

    def complete(self, operation: Operation) -> None:
        """Record that an operation has ended."""
        self._operations.discard(operation)
        if self._first_completed_at is None:
            self._first_completed_at = time.monotonic()


class Operation:
    """Something that takes long only if the disk or the network hangs."""

    __slots__ = ("_heartbeat", "_limit", "_progress_at")

    def __init__(self, heartbeat: Heartbeat, limit: float) -> None:
        self._heartbeat = heartbeat
        self._limit = limit
        self._progress_at = time.monotonic()

    def __enter__(self) -> Operation:
        self.beat()
        self._heartbeat.add(self)
        return self

    def __exit__(self, *_: object) -> None:
        self._heartbeat.complete(self)

    def beat(self) -> None:
        """Record that the operation makes progress."""
        self._progress_at = time.monotonic()

    def idle_for(self, now: float) -> float:
        """Return the seconds since its last progress, less its limit; 0 within the limit."""
        return max(0.0, now - self._progress_at - self._limit)

    def is_stalled(self) -> bool:
        """Return whether other parts should no longer wait for it."""
        return self.idle_for(time.monotonic()) >= self._heartbeat.stalled_after


class Change:
    """Changes of something: each wakes all that wait for it at that moment."""

    def __init__(self) -> None:
        self._next = asyncio.Event()  # replaced whenever it is set

    def notify(self) -> None:
        """Wake those that wait."""
        self._next.set()
        self._next = asyncio.Event()

    async def wait(self) -> None:
        """Wait for the next change."""
        await self._next.wait()


async def wait_unless_stalled(
    is_done: Callable[[], bool],
    changed: Callable[[], Awaitable[object]],
    part: Heartbeat | Operation | None = None,
) -> bool:
    """Wait until `is_done` returns true; return false instead once `part` has stalled.

    `changed` is awaited between two checks, for at most CHECK_EVERY. Without a part, `is_done`
    itself considers what has stalled.
    """
    while not is_done():
        if part is not None and part.is_stalled():
            return False
        try:
            async with asyncio.timeout(CHECK_EVERY):
                await changed()
        except TimeoutError:
            continue
    return True
