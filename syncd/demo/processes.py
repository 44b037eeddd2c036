"""The real commands as child processes, which end with the demo in every case."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import sys
from asyncio.subprocess import DEVNULL, Process
from collections.abc import AsyncIterator, Iterator

_KILL_AFTER = 3.0  # seconds between SIGTERM and SIGKILL


@contextlib.asynccontextmanager
async def syncd(*arguments: str, stderr: int | None = None) -> AsyncIterator[Process]:
    """Run `syncd` with these arguments within the block; it has ended afterwards."""
    with _sigint_blocked():
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "syncd", *arguments, stdin=DEVNULL, stderr=stderr
        )
    try:
        yield process
    finally:
        await _end(process)


@contextlib.contextmanager
def _sigint_blocked() -> Iterator[None]:
    """Block SIGINT in processes started within the block: only the demo handles Ctrl-C.

    A child would print a traceback if it was interrupted during its imports. A process group of its
    own would also protect it, but then it would survive a kill of the demo's group.
    """
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


async def _end(process: Process) -> None:
    with contextlib.suppress(TimeoutError, ProcessLookupError):
        if process.returncode is None:
            process.terminate()
        async with asyncio.timeout(_KILL_AFTER):
            await process.wait()
        return
    with contextlib.suppress(ProcessLookupError):
        process.kill()
    await process.wait()
