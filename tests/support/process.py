"""The real `syncd` process: started, followed through its log, and always ended."""

import asyncio
import re
import signal
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from support.rig import DEADLINE, Rig

_RELATIVE = re.compile(r"""(^| )file=(?!"?/|null)|"file": "(?!/)""")
"""A field `file` in a line of the log that is not a whole path."""


@dataclass
class Ended:
    """The exit code and the output of a command."""

    code: int
    out: str
    err: str


@dataclass
class Daemon:
    """A running process, and the lines that it has written to stderr so far."""

    process: asyncio.subprocess.Process
    lines: list[str] = field(default_factory=list)

    def logged(self, *words: str) -> bool:
        """Return whether one line of the log contains all these words."""
        return self.count(*words) > 0

    def count(self, *words: str) -> int:
        """Return how many lines of the log contain all these words."""
        return sum(all(word in line for word in words) for line in self.lines)

    def hang_up(self) -> None:
        """Send SIGHUP."""
        self.process.send_signal(signal.SIGHUP)

    async def end(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Send a signal and return the exit code."""
        if self.process.returncode is None:
            self.process.send_signal(number)
        async with asyncio.timeout(DEADLINE):
            return await self.process.wait()


async def syncd(
    rig: Rig, *words: str, stdin: bytes | None = None, under: Sequence[str] = ()
) -> Ended:
    """Run one command to its end; `under` is a command that starts it."""
    process = await asyncio.create_subprocess_exec(
        *under,
        sys.executable,
        "-m",
        "syncd",
        *words,
        env=rig.environ,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        async with asyncio.timeout(DEADLINE * 2):
            out, err = await process.communicate(stdin)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    assert process.returncode is not None
    return Ended(process.returncode, out.decode(), err.decode())


@asynccontextmanager
async def running(rig: Rig, *words: str, under: Sequence[str] = ()) -> AsyncIterator[Daemon]:
    """Run `syncd run` during the test, or `words`; `under` is a command that starts it."""
    process = await asyncio.create_subprocess_exec(
        *under,
        sys.executable,
        "-m",
        "syncd",
        *(words or ("run", "--config", str(rig.write_config()))),
        env=rig.environ,
        stderr=asyncio.subprocess.PIPE,
    )
    daemon = Daemon(process)
    listening = asyncio.create_task(_listen(process, daemon.lines))
    try:
        yield daemon
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()
        await listening
    # A process that was killed may have written a part of its last line.
    whole = daemon.lines[:-1] if process.returncode == -signal.SIGKILL else daemon.lines
    assert [line for line in whole if _RELATIVE.search(line)] == []


async def _listen(process: asyncio.subprocess.Process, lines: list[str]) -> None:
    assert process.stderr is not None
    async for line in process.stderr:
        lines.append(line.decode().rstrip("\n"))  # noqa: PERF401  tests read it meanwhile
