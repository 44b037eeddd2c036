"""The monitoring of one process, which continues through reloads."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

from syncd.config import MetricsConfig
from syncd.daemon.runtime import Runtime
from syncd.daemon.watchdog import Watchdog
from syncd.monitoring.health import Health, alive_page, ready_page
from syncd.monitoring.page import Pages


class Monitoring:
    """What other programs learn about the process, at the address that [metrics] names."""

    def __init__(
        self, tasks: asyncio.TaskGroup, stop: asyncio.Event, watchdog: Watchdog | None
    ) -> None:
        """`stop` is set once the process is to end; `watchdog` is None where none runs."""
        self._tasks = tasks
        self._stop = stop
        self._watchdog = watchdog
        self._runtime: Runtime | None = None
        self._has_watches = False
        self._is_reloading = False
        self._config = MetricsConfig()
        self._serving: list[asyncio.Task[None]] = []

    async def configure(self, config: MetricsConfig) -> None:
        """Serve as a configuration says; what has not changed continues."""
        if config == self._config:
            return
        await self.close()
        self._config = config
        if config.listen is not None:
            # It loads aiohttp's server, which takes long.
            from syncd.monitoring.pages import keep_serving  # noqa: PLC0415

            serving = keep_serving(config.listen, self._pages())
            self._serving.append(self._tasks.create_task(serving, name="metrics"))

    async def close(self) -> None:
        """Serve nothing any longer."""
        for task in self._serving:
            task.cancel()
        await asyncio.gather(*self._serving, return_exceptions=True)
        self._serving.clear()

    @contextmanager
    def observing(self, runtime: Runtime, *, has_watches: bool = True) -> Iterator[None]:
        """Report the state of a runtime inside the block; a backfill watches no folder."""
        self._runtime, self._has_watches, self._is_reloading = runtime, has_watches, False
        try:
            yield
        finally:
            self._runtime, self._is_reloading = None, True

    def record_reloading(self) -> None:
        """Record that the runtime ends, and that another one follows."""
        self._is_reloading = True

    def health(self) -> Health:
        """Return the health of the process now."""
        stuck = [] if self._watchdog is None else self._watchdog.vital_stalls
        return Health([f"{part} makes no progress" for part in stuck], self._not_ready())

    def _not_ready(self) -> list[str]:
        if self._stop.is_set():
            return ["syncd is stopping"]
        if self._is_reloading:
            return ["syncd is reloading its configuration"]
        if self._runtime is None or not self._runtime.engine.restored.is_set():
            return ["syncd is starting: the ledger has not been read yet"]
        return [
            f"syncd is starting: the folder {monitor.name} is not watched yet"
            for monitor in self._runtime.disk.monitors.values()
            if self._has_watches and monitor.watch.is_pending
        ]

    def _pages(self) -> Pages:
        return {
            "/healthz": lambda _: alive_page(self.health()),
            "/readyz": lambda _: ready_page(self.health()),
        }


@asynccontextmanager
async def monitoring_running(
    stop: asyncio.Event, watchdog: Watchdog | None = None
) -> AsyncIterator[Monitoring]:
    """Monitor the process inside the block; the arguments are those of `Monitoring`."""
    async with asyncio.TaskGroup() as tasks:
        monitoring = Monitoring(tasks, stop, watchdog)
        try:
            yield monitoring
        finally:
            await monitoring.close()
