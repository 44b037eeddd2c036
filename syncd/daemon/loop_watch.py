"""Watches the event loop from outside: one that is blocked can tell nothing itself."""

from __future__ import annotations

import asyncio
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import structlog

from syncd.log import Log

log: Log = structlog.get_logger()

PART = "event loop"


@contextmanager
def guarded_loop(seconds: float) -> Iterator[None]:
    """Tell when the running loop has not turned for half of these seconds, and when it does."""
    loop = asyncio.get_running_loop()
    sentinel = _Sentinel(threading.get_ident(), seconds)
    timer: asyncio.TimerHandle | None = None

    def turns() -> None:
        nonlocal timer
        sentinel.turned_at = time.monotonic()
        timer = loop.call_later(sentinel.glance, turns)

    turns()
    threading.Thread(target=sentinel.stand, name="sentinel", daemon=True).start()
    try:
        yield
    finally:
        sentinel.stop.set()
        if timer is not None:
            timer.cancel()


class _Sentinel:
    def __init__(self, thread: int, seconds: float) -> None:
        self.stop = threading.Event()
        self.turned_at = time.monotonic()
        self.glance = seconds / 8
        self._thread = thread
        self._patience = seconds / 2

    def stand(self) -> None:
        since: float | None = None
        while not self.stop.wait(self.glance):
            now = time.monotonic()
            if since is not None and self.turned_at > since:
                duration = round(self.turned_at - since, 1)
                log.notice("watchdog.recovered", part=PART, duration=duration)
                since = None
            elif since is None and now - self.turned_at >= self._patience:
                since = self.turned_at
                log.error(
                    "watchdog.stuck",
                    part=PART,
                    seconds=round(now - since, 1),
                    remedy=f"tell syncd's authors where it stands: {self._where()}; under systemd"
                    " it is about to be restarted, which loses nothing",
                )

    def _where(self) -> str:
        frame = sys._current_frames().get(self._thread)  # noqa: SLF001  the documented way
        if frame is None:
            return "nowhere"
        code = frame.f_code
        return f"{Path(code.co_filename).name}:{frame.f_lineno} in {code.co_qualname}"
