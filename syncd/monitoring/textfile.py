"""The file of metrics for the textfile collector of node_exporter.

It is removed when the process ends: its last figures would look like those of a running process.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable
from contextlib import suppress
from functools import partial
from pathlib import Path

from syncd.model import printable
from syncd.monitoring.availability import Availability, reason, remedy
from syncd.threads import run_in_thread

INTERVAL = 15.0
"""Seconds between two versions of the file: the usual interval of a scrape."""

_REMOVAL = 1.0  # seconds that the removal may take
_MODE = 0o644  # node_exporter is another user


async def keep_writing(
    file: Path, content: Callable[[], Awaitable[bytes]], interval: float = INTERVAL
) -> None:
    """Write the file every `interval` seconds until cancelled, then remove it."""
    availability = Availability(printable(str(file)))
    writing: asyncio.Future[None] | None = None
    try:
        while True:
            replace = partial(_replace, file, await content())
            writing = asyncio.ensure_future(run_in_thread(replace))
            try:
                await asyncio.shield(writing)
            except OSError as error:
                todo = remedy(error, "metrics.textfile", is_path=True)
                availability.record_failure(reason(error), todo)
            else:
                availability.record_success()
            await asyncio.sleep(interval)
    finally:
        with suppress(OSError):  # also a disk that does not respond in time
            async with asyncio.timeout(_REMOVAL):
                if writing is not None:
                    await asyncio.wait([writing])  # otherwise it might write after the removal
                await run_in_thread(file.unlink)


def _replace(file: Path, content: bytes) -> None:
    """Replace the file as a whole; node_exporter reads no name with the ending of the new one."""
    new = file.with_name(f".{file.name}.new")
    new.unlink(missing_ok=True)
    descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with open(descriptor, "wb") as opened:
        os.fchmod(descriptor, _MODE)  # whatever the umask is
        opened.write(content)
    new.replace(file)
