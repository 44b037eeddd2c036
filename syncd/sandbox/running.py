"""Running a sandbox until somebody stops it."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable

from syncd.sandbox.server import Sandbox


async def run_until_stopped(sandbox: Sandbox, started: Callable[[Sandbox], None]) -> None:
    """Serve until SIGINT or SIGTERM; `started` is called once the port is open."""
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stopped.set)
    async with sandbox:
        started(sandbox)
        await stopped.wait()
