"""The monitoring of one process, which continues through reloads."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from functools import partial
from importlib import invalidate_caches

from syncd.config import MetricsConfig
from syncd.config.listen import Listen
from syncd.daemon.process_view import ProcessView
from syncd.monitoring.availability import Availability
from syncd.monitoring.figures import Figures
from syncd.monitoring.health import alive_page, ready_page
from syncd.monitoring.page import Page, Pages
from syncd.monitoring.textfile import keep_writing

INSTALL = "pip install 'syncd[metrics]'"
"""The command that installs the optional dependency."""

_MISSING = "prometheus-client is not installed"
_REMEDY = f"run `{INSTALL}` in syncd's environment, then reload syncd"

_Page = Callable[[Figures, str], Page]
"""Returns the page of the metrics for a header Accept."""

_Textfile = Callable[[Figures], bytes]
"""Returns the content of the file."""


class Monitoring:
    """What [metrics] asks for: pages at an address, and a file."""

    def __init__(self, tasks: asyncio.TaskGroup, view: ProcessView) -> None:
        self._tasks = tasks
        self._view = view
        self._config = MetricsConfig()
        self._running: list[asyncio.Task[None]] = []
        self._library = Availability("/metrics")
        self._has_library = True

    async def configure(self, config: MetricsConfig) -> None:
        """Serve and write what a configuration asks for; what has not changed continues.

        A library that is missing is looked for again each time.
        """
        if config == self._config and self._has_library:
            return
        await self.close()
        self._config = config
        if config == MetricsConfig():
            return
        page, text = await self._exposition()
        if config.listen is not None:
            keep_serving = await asyncio.to_thread(_server)
            self._start(keep_serving(config.listen, self._pages(page)))
        if config.textfile is not None and text is not None:
            self._start(keep_writing(config.textfile, partial(self._text, text)))

    async def _exposition(self) -> tuple[_Page, _Textfile] | tuple[None, None]:
        try:
            found = await asyncio.to_thread(_exposition)
        except ModuleNotFoundError as error:
            if error.name != "prometheus_client":
                raise
            self._library.record_failure(_MISSING, _REMEDY)
            self._has_library = False
            return None, None
        self._library.record_success()
        self._has_library = True
        return found

    async def close(self) -> None:
        """Serve and write nothing any longer."""
        for task in self._running:
            task.cancel()
        await asyncio.gather(*self._running, return_exceptions=True)
        self._running.clear()

    def _start(self, work: Coroutine[None, None, None]) -> None:
        self._running.append(self._tasks.create_task(work, name="metrics"))

    def _pages(self, page: _Page | None) -> Pages:
        async def alive(_accept: str) -> Page:
            return alive_page(self._view.health())

        async def ready(_accept: str) -> Page:
            return ready_page(self._view.health())

        async def metrics(accept: str) -> Page:
            if page is None:
                return Page(501, f"{_MISSING}: {INSTALL}\n".encode(), "text/plain; charset=utf-8")
            # The metrics of a thousand accounts take too long for the event loop.
            return await asyncio.to_thread(page, self._view.figures(), accept)

        return {"/healthz": alive, "/readyz": ready, "/metrics": metrics}

    async def _text(self, text: _Textfile) -> bytes:
        return await asyncio.to_thread(text, self._view.figures())


def _exposition() -> tuple[_Page, _Textfile]:
    invalidate_caches()  # it may have been installed since the last attempt
    from syncd.monitoring import exposition  # noqa: PLC0415  it needs an optional dependency

    return exposition.metrics_page, exposition.textfile


def _server() -> Callable[[Listen, Pages], Coroutine[None, None, None]]:
    from syncd.monitoring.pages import keep_serving  # noqa: PLC0415  aiohttp's server loads slowly

    return keep_serving


@asynccontextmanager
async def monitoring_running(view: ProcessView) -> AsyncIterator[Monitoring]:
    """Monitor the process inside the block."""
    async with asyncio.TaskGroup() as tasks:
        monitoring = Monitoring(tasks, view)
        try:
            yield monitoring
        finally:
            await monitoring.close()
