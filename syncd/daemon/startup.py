"""When the daemon is ready, as the service manager hears it, and that a start takes its time."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from contextlib import contextmanager

from syncd.daemon.notify import Notifier, Status
from syncd.daemon.runtime import Runtime
from syncd.engine.stats import sentence
from syncd.ledger import queries

_MORE = 60.0  # seconds that a start asks for
_ASKED_EVERY = 10.0  # seconds

PATIENCE = 300.0
"""Seconds that a start may show nothing; then the manager ends it when its own time is over."""


class Going:
    """Whether a start goes on: it moves, or it waits for the network, as long as that lasts."""

    def __init__(self) -> None:
        self.moved_at = time.monotonic()
        self.over = False
        self.waits_for_network = False

    def progress(self) -> None:
        """It has come further. May be called from any thread."""
        self.moved_at = time.monotonic()

    def wants_time(self, now: float) -> bool:
        """Tell whether to ask for more time."""
        return self.waits_for_network or now - self.moved_at < PATIENCE


@contextmanager
def asking_for_time(manager: Notifier) -> Iterator[Going]:
    """Ask for more time inside the block while the start goes on, which is told to what it yields.

    A migration shows each stretch of its work, and so does a folder that is watched now. A loop
    that is blocked asks nothing.
    """
    loop = asyncio.get_running_loop()
    going = Going()
    timer: asyncio.TimerHandle | None = None

    def ask() -> None:
        nonlocal timer
        if going.over:
            return
        if going.wants_time(time.monotonic()):
            manager.extend(_MORE)
        timer = loop.call_later(_ASKED_EVERY, ask)

    ask()
    try:
        yield going
    finally:
        if timer is not None:
            timer.cancel()


class Start:
    """The start of one house: it ends with READY=1, as does a reload."""

    def __init__(self, manager: Notifier, going: Going) -> None:
        self.manager = manager
        self.status = Status(manager)
        self._going = going

    async def tell_ready(self, house: Runtime) -> None:
        """Say so when the watches stand, or why one does not, and each token has its answer.

        A folder whose disk does not answer is not waited for: it holds nothing back but itself.
        Without a manager nobody asks, and the API is not asked either.
        """
        if self.manager.address is None:
            return
        self.status.tell("Starting: the folders are being watched.")
        for keeper in house.disk.keepers.values():
            await keeper.watch_awaited()
            self._going.progress()
        self.status.tell("Starting: the API is asked whether it takes the token.")
        self._going.waits_for_network = True
        await house.engine.hear_of_tokens(
            lambda why: self.status.tell(f"Starting: no answer about the token yet ({why}).")
        )
        self._going.waits_for_network = False
        self._going.progress()
        tallies = [await house.ledger.read(queries.tally(a)) for a in house.engine.lanes]
        self._going.over = True
        self.status.tell(sentence(tallies, house.engine.lanes.values()), "READY=1")
