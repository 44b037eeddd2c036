"""Feeds an account's queue from the ledger: a page of what is missing at a time."""

from __future__ import annotations

from syncd.engine.lane import Lane
from syncd.ledger import replicas
from syncd.ledger.database import Ledger

PAGE = 500


class Feeder:
    """Reads what is missing in key order whenever there is room, and again after `look_again`."""

    def __init__(self, lane: Lane, ledger: Ledger) -> None:
        self._lane = lane
        self._ledger = ledger

    def look_again(self) -> None:
        """Facts have changed: something may be missing that was not."""
        self._lane.queue.relook.set()

    async def run(self) -> None:
        """Feed until cancelled."""
        queue, account = self._lane.queue, self._lane.account
        while True:
            queue.relook.clear()
            last, page = b"", None
            while page is None or len(page) == PAGE:
                await queue.wait_for_room()
                missing = replicas.missing_after(account, last, PAGE)
                page = await queue.add_page(self._ledger.read(missing))
                last = page[-1] if page else b""
            await queue.relook.wait()
