"""When the daemon is ready, as the service manager hears it, and that a start takes its time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from syncd.daemon.house import House
from syncd.daemon.status import Status
from syncd.engine.stats import sentence
from syncd.ledger import questions
from syncd.service.notify import Notifier

_MORE = 60.0  # seconds that a start asks for
_ASKED_EVERY = 10.0  # seconds


@contextmanager
def asking_for_time(manager: Notifier) -> Iterator[Callable[[], None]]:
    """Ask for more time while the loop turns, until what is returned is called or the block ends.

    A migration runs on the ledger's thread, a watch is built on another: a loop that turns is a
    start that goes on, and one that is stuck is ended by the manager.
    """
    loop = asyncio.get_running_loop()
    timer: asyncio.TimerHandle | None = None

    def ask() -> None:
        nonlocal timer
        manager.extend(_MORE)
        timer = loop.call_later(_ASKED_EVERY, ask)

    def enough() -> None:
        if timer is not None:
            timer.cancel()

    ask()
    try:
        yield enough
    finally:
        enough()


class Start:
    """The start of one house: it ends with READY=1, as does a reload."""

    def __init__(self, manager: Notifier, begun: Callable[[], None]) -> None:
        """begun is called when the house is ready."""
        self.manager = manager
        self.status = Status(manager)
        self._begun = begun

    async def tell_ready(self, house: House) -> None:
        """Say so when the watches stand, or why one does not, and each token has its answer.

        Without a manager nobody asks, and the API is not asked either.
        """
        if self.manager.address is None:
            return
        self.status.tell("Starting: the folders are being watched.")
        for keeper in house.disk.keepers.values():
            await keeper.watched.wait()
        self.status.tell("Starting: the API is asked whether it takes the token.")
        await house.engine.hear_of_tokens(
            lambda why: self.status.tell(f"Starting: no answer about the token yet ({why}).")
        )
        tallies = [await house.ledger.ask(questions.tally(a)) for a in house.engine.lanes]
        self._begun()
        self.status.tell(sentence(tallies, house.engine.lanes.values()), "READY=1")
