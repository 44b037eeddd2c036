"""The start: more time while it progresses, and READY=1 when it is complete."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from contextlib import contextmanager

from syncd.daemon.notify import Notifier, Status
from syncd.daemon.runtime import Runtime
from syncd.engine.stats import sentence
from syncd.ledger import queries

EXTENSION = 60.0
"""Seconds that each request for more time asks for."""

EXTENSION_INTERVAL = 10.0
"""Seconds between two requests for more time."""

MAX_SILENCE = 300.0
"""Seconds without progress after which requests for time end."""


class StartProgress:
    """The progress of a start, which decides whether it may take more time."""

    def __init__(self) -> None:
        self.progressed_at = time.monotonic()
        self.has_ended = False
        self.is_waiting_for_network = False

    def record(self) -> None:
        """Record progress; can be called from any thread."""
        self.progressed_at = time.monotonic()

    def needs_time(self, now: float) -> bool:
        """Return whether the start still progresses, or waits for the network."""
        return self.is_waiting_for_network or now - self.progressed_at < MAX_SILENCE


@contextmanager
def start_timeout_extended(
    manager: Notifier, interval: float = EXTENSION_INTERVAL
) -> Iterator[StartProgress]:
    """Request more time inside the block as long as the start progresses; yield its progress.

    Each step of a migration, or in which a change of routes is applied, is progress, and so is each
    folder once it is watched. Requests are sent by the event loop, at `interval` seconds, so that
    none is sent while it is blocked.
    """
    loop = asyncio.get_running_loop()
    progress = StartProgress()
    timer: asyncio.TimerHandle | None = None

    def request() -> None:
        nonlocal timer
        if progress.has_ended:
            return
        if progress.needs_time(time.monotonic()):
            manager.extend_timeout(EXTENSION)
        timer = loop.call_later(interval, request)

    request()
    try:
        yield progress
    finally:
        if timer is not None:
            timer.cancel()


class Startup:
    """The start of one runtime, also after a reload; it ends with READY=1."""

    def __init__(self, manager: Notifier, progress: StartProgress) -> None:
        self.manager = manager
        self.status = Status(manager)
        self._progress = progress

    async def complete(self, runtime: Runtime) -> None:
        """Send READY=1 once each folder is watched, or known not to be, and each token is checked.

        A folder whose disk hangs delays nothing but itself. Without a manager this returns at once,
        and no call is made to the API.
        """
        if self.manager.address is None:
            return
        self.status.show("Starting: waiting until the folders are watched.")
        for monitor in runtime.disk.monitors.values():
            await monitor.watch.wait_for_state()
            self._progress.record()
        self.status.show("Starting: checking the tokens.")
        self._progress.is_waiting_for_network = True
        await runtime.engine.check_tokens(
            lambda why: self.status.show(f"Starting: the token could not be checked yet ({why}).")
        )
        self._progress.is_waiting_for_network = False
        self._progress.record()
        tallies = [await runtime.ledger.read(queries.tally(a)) for a in runtime.engine.lanes]
        self._progress.has_ended = True
        self.status.show(sentence(tallies, runtime.engine.lanes.values()), "READY=1")
