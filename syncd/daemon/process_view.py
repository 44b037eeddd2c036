"""The health and the figures of the process for monitoring, also during a reload."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import msgspec

from syncd.daemon.figures import Counted, counted_of, figures_of
from syncd.daemon.runtime import Runtime
from syncd.daemon.status_writer import StatusWriter
from syncd.daemon.watchdog import Watchdog
from syncd.monitoring.figures import Figures
from syncd.monitoring.health import Health
from syncd.monitoring.resources import resources


class _Observed(msgspec.Struct, frozen=True):
    runtime: Runtime
    writer: StatusWriter
    has_watches: bool


class ProcessView:
    """The process as monitoring sees it."""

    def __init__(self, stop: asyncio.Event, dropped: Callable[[], int]) -> None:
        """`stop` is set once the process is to end; `dropped` counts lost records of the log."""
        self.watchdog: Watchdog | None = None
        """The watchdog; None where none runs."""
        self._stop = stop
        self._dropped = dropped
        self._started_at = time.time()
        self._observed: _Observed | None = None
        self._is_reloading = False
        self._counted = Counted()

    @contextmanager
    def observing(
        self, runtime: Runtime, writer: StatusWriter, *, has_watches: bool = True
    ) -> Iterator[None]:
        """Show a runtime inside the block, with the report of `writer`; a backfill has no watches.

        Its last figures are shown until those of the next runtime are known.
        """
        self._observed, self._is_reloading = _Observed(runtime, writer, has_watches), False
        try:
            yield
        finally:
            self._count()
            self._observed, self._is_reloading = None, True

    def record_reloading(self) -> None:
        """Record that the runtime ends, and that another one follows."""
        self._is_reloading = True

    def health(self) -> Health:
        """Return the health of the process now."""
        stuck = [] if self.watchdog is None else self.watchdog.vital_stalls
        return Health([f"{part} makes no progress" for part in stuck], self._not_ready())

    def figures(self) -> Figures:
        """Return the figures of the process now."""
        self._count()
        is_ready = not self.health().reasons
        used = resources(self._started_at)
        return figures_of(self._counted, is_ready=is_ready, dropped=self._dropped(), used=used)

    def _count(self) -> None:
        source = None if self._observed is None else self._observed.writer.source
        if self._observed is None or source is None or source.report is None:
            return
        self._counted = counted_of(self._observed.runtime, source.report, source.counted_at)

    def _not_ready(self) -> list[str]:
        if self._stop.is_set():
            return ["syncd is stopping"]
        if self._is_reloading:
            return ["syncd is reloading its configuration"]
        if self._observed is None or not self._observed.runtime.engine.restored.is_set():
            return ["syncd is starting: the ledger has not been read yet"]
        if not self._observed.has_watches:
            return []
        return [
            f"syncd is starting: the folder {monitor.name} is not watched yet"
            for monitor in self._observed.runtime.disk.monitors.values()
            if monitor.watch.is_pending
        ]
