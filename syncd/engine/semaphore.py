"""How many bytes of images may be in memory for sending, over all accounts; fairly shared."""

from __future__ import annotations

import asyncio
from collections import OrderedDict, deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from syncd.model import AccountId

IN_FLIGHT = 24 * 2**20
"""Bytes over all accounts. A larger pack goes alone."""


class FairByteSemaphore:
    """Room for so many bytes; accounts that wait for it take turns, each its packs in order.

    Whose turn it is goes next, however large its pack: no small one passes it.
    """

    def __init__(self, room: int = IN_FLIGHT) -> None:
        self._room = room
        self._free = room
        self._waiting: OrderedDict[AccountId, deque[tuple[int, asyncio.Future[None]]]] = (
            OrderedDict()
        )

    @property
    def size(self) -> int:
        """How many bytes are in flight, as far as they count."""
        return self._room - self._free

    @asynccontextmanager
    async def carry(self, account: AccountId, size: int) -> AsyncIterator[bool]:
        """Enter once there is room for so many bytes; tell whether that took a wait.

        What was decided before a wait is to be decided again.
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
            self._let_in()

    async def _turn(self, account: AccountId, size: int) -> None:
        granted: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        line = self._waiting.setdefault(account, deque())
        line.append((size, granted))
        try:
            await granted
        except asyncio.CancelledError:
            if granted.done() and not granted.cancelled():
                self._free += size
            self._let_in()
            raise

    def _let_in(self) -> None:
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
