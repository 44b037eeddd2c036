"""The turns of scans of whole folders, so that hundreds of folders are not scanned at once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from syncd.heartbeat import Change, Heartbeat, wait_unless_stalled

AT_ONCE = 16
"""Scans of whole folders at the same time. Each has a connection to the ledger, four descriptors
and the files that it has found: with 200 at once, the daemon had 820 descriptors and 250 MB."""


class ScanTurns:
    """A limited number of scans at a time; those whose disks hang do not count."""

    def __init__(self, at_once: int = AT_ONCE) -> None:
        self._at_once = at_once
        self._running: list[Heartbeat] = []
        self._line = asyncio.Lock()
        self._ended = Change()

    @asynccontextmanager
    async def turn(self, heartbeat: Heartbeat) -> AsyncIterator[None]:
        """Wait for a turn in the order of the calls, and have it until the block ends."""
        async with self._line:
            await wait_unless_stalled(self._is_free, self._ended.wait)
            self._running.append(heartbeat)
        try:
            yield
        finally:
            self._running.remove(heartbeat)
            self._ended.notify()

    def _is_free(self) -> bool:
        return sum(not one.is_stalled() for one in self._running) < self._at_once
