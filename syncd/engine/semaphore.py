"""A bound on the bytes of images in memory for sending, shared fairly by all accounts."""

from __future__ import annotations

import asyncio
from collections import OrderedDict, deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from syncd.model import AccountId

IN_FLIGHT = 24 * 2**20
"""Bytes over all accounts. A larger batch is sent alone."""


class FairByteSemaphore:
    """Room for `room` bytes; accounts that wait for it take turns, each with its batches in order.

    The batch whose turn it is goes next, however large: no smaller one overtakes it.
    """

    def __init__(self, room: int = IN_FLIGHT) -> None:
        self._room = room
        self._free = room
        self._waiting: OrderedDict[AccountId, deque[tuple[int, asyncio.Future[None]]]] = (
            OrderedDict()
        )

    @property
    def size(self) -> int:
        """Bytes in flight; a batch larger than the room counts as the room."""
        return self._room - self._free

    @asynccontextmanager
    async def acquire(self, account: AccountId, size: int) -> AsyncIterator[bool]:
        """Hold room for `size` bytes inside the block; yield whether that took a wait.

        A decision from before the wait must be made again after it.
        """
        size = min(size, self._room)
        waits = size > 0 and (bool(self._waiting) or size > self._free)
        if waits:
            await self._turn(account, size)
        else:
            self._free -= size
        try:
            yield waits
        finally:
            self._free += size
            self._grant()

    async def _turn(self, account: AccountId, size: int) -> None:
        granted: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        line = self._waiting.setdefault(account, deque())
        line.append((size, granted))
        try:
            await granted
        except asyncio.CancelledError:
            if granted.done() and not granted.cancelled():
                self._free += size
            self._grant()
            raise

    def _grant(self) -> None:
        while self._waiting:
            account, line = next(iter(self._waiting.items()))
            size, granted = line[0]
            if granted.done():  # its waiter was cancelled
                line.popleft()
            elif size <= self._free:
                line.popleft()
                self._free -= size
                granted.set_result(None)
                self._waiting.move_to_end(account)
            else:
                return
            if not line:
                del self._waiting[account]
