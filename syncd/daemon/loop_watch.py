"""A thread that watches the event loop, which can report nothing while it is blocked."""

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
def loop_watched(seconds: float) -> Iterator[None]:
    """Log when the running loop was blocked for half of `seconds`, and when it runs again."""
    loop = asyncio.get_running_loop()
    watcher = _LoopWatcher(threading.get_ident(), seconds)
    timer: asyncio.TimerHandle | None = None

    def beat() -> None:
        nonlocal timer
        watcher.beat_at = time.monotonic()
        timer = loop.call_later(watcher.interval, beat)

    beat()
    threading.Thread(target=watcher.run, name="loop-watch", daemon=True).start()
    try:
        yield
    finally:
        watcher.stop.set()
        if timer is not None:
            timer.cancel()


class _LoopWatcher:
    def __init__(self, thread: int, seconds: float) -> None:
        self.stop = threading.Event()
        self.beat_at = time.monotonic()
        self.interval = seconds / 8
        self._thread = thread
        self._limit = seconds / 2

    def run(self) -> None:
        """Compare the last beat with the clock until `stop` is set."""
        since: float | None = None
        while not self.stop.wait(self.interval):
            now = time.monotonic()
            if since is not None and self.beat_at > since:
                duration = round(self.beat_at - since, 1)
                log.notice("watchdog.recovered", part=PART, duration=duration)
                since = None
            elif since is None and now - self.beat_at >= self._limit:
                since = self.beat_at
                log.error(
                    "watchdog.stuck",
                    part=PART,
                    seconds=round(now - since, 1),
                    remedy=f"report this to syncd's authors: blocked at {self._location()}; under"
                    " systemd, syncd is about to be restarted, and nothing is lost",
                )

    def _location(self) -> str:
        frame = sys._current_frames().get(self._thread)  # noqa: SLF001  the documented way
        if frame is None:
            return "an unknown place"
        code = frame.f_code
        return f"{Path(code.co_filename).name}:{frame.f_lineno} in {code.co_qualname}"
