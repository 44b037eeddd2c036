"""A command in a terminal: what it shows, and replies to its questions."""

import asyncio
import os
import pty
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from support.rig import DEADLINE, Rig, until


class Terminal:
    """A running command whose input and output are a terminal."""

    def __init__(self, process: asyncio.subprocess.Process, descriptor: int) -> None:
        self._process = process
        self._descriptor = descriptor
        self._shown = bytearray()
        self._read = 0
        self._closed = False

    def receive(self) -> None:
        """Record what the command has written."""
        try:
            self._shown.extend(os.read(self._descriptor, 65_536))
        except OSError:  # the command has ended, and everything is read
            self._closed = True
            asyncio.get_running_loop().remove_reader(self._descriptor)

    @property
    def text(self) -> str:
        return self._shown.decode(errors="replace").replace("\r\n", "\n")

    async def reply(self, question: str, text: str) -> None:
        """Wait for a question after the last reply, and type a line."""
        await self.question(question)
        os.write(self._descriptor, f"{text}\n".encode())

    async def question(self, question: str) -> None:
        """Wait for a question after the last one."""
        try:
            await until(lambda: self._shown.find(question.encode(), self._read) >= 0)
        except TimeoutError:
            raise AssertionError(f"no question {question!r} in\n{self.text}") from None
        self._read = self._shown.index(question.encode(), self._read) + len(question)

    def interrupt(self) -> None:
        self._process.send_signal(signal.SIGINT)

    async def end(self) -> int:
        """Return the exit code, once everything that the command has written is received."""
        await until(lambda: self._closed)
        async with asyncio.timeout(DEADLINE):
            return await self._process.wait()


@asynccontextmanager
async def terminal(rig: Rig, *words: str) -> AsyncIterator[Terminal]:
    """Run one command of syncd in a terminal."""
    ours, theirs = pty.openpty()
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "syncd", *words),
        env={**rig.environ, "TERM": "dumb"},
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
    )
    os.close(theirs)
    shown = Terminal(process, ours)
    asyncio.get_running_loop().add_reader(ours, shown.receive)
    try:
        yield shown
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
        asyncio.get_running_loop().remove_reader(ours)
        os.close(ours)
