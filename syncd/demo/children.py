"""The real commands as child processes, ended with the demo whatever happens."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import sys
from asyncio.subprocess import DEVNULL, Process
from collections.abc import AsyncIterator, Iterator

_PATIENCE = 3.0  # seconds until what does not end is killed


@contextlib.asynccontextmanager
async def child(*arguments: str, stderr: int | None = None) -> AsyncIterator[Process]:
    """Run `syncd` with these arguments; it has ended when the block has."""
    with _deaf_to_ctrl_c():
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "syncd", *arguments, stdin=DEVNULL, stderr=stderr
        )
    try:
        yield process
    finally:
        await _end(process)


@contextlib.contextmanager
def _deaf_to_ctrl_c() -> Iterator[None]:
    """Leave Ctrl-C to the demo: in the midst of its imports a child would answer with a traceback.

    A process inherits what is blocked; a group of its own would outlive a kill of the whole group.
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
        async with asyncio.timeout(_PATIENCE):
            await process.wait()
        return
    with contextlib.suppress(ProcessLookupError):
        process.kill()
    await process.wait()
