"""The daemon's log: shown as it is written, saved to a file, and searched for events."""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import TextIO

from rich.console import Console
from rich.table import Table
from rich.text import Text

_HEX = re.compile(r"([0-9a-f]{12})[0-9a-f]{20,52}(?![0-9a-f])")
_HEAD = re.compile(r"\S+ +\S+ +\S+ *")  # the time, level and event of a console line


class DaemonLog:
    """The lines of the daemon's log; a terminal shows them with short hashes, wrapped."""

    def __init__(self, console: Console, file: TextIO, root: Path) -> None:
        self._console = console
        self._file = file
        self._root = f"{root}/"
        self._lines: list[str] = []
        self._mark = 0

    def mark(self) -> None:
        """Make `has` search only the lines from here on."""
        self._mark = len(self._lines)

    def has(self, *words: str) -> bool:
        """Return whether a line since the mark contains all these words."""
        return any(all(word in line for word in words) for line in self._lines[self._mark :])

    def add(self, line: str) -> None:
        """Show and save a line."""
        whole = Text.from_ansi(line)
        self._lines.append(whole.plain)
        self._file.write(whole.plain + "\n")
        self._file.flush()
        if not self._console.is_terminal:
            self._console.print(whole, soft_wrap=True)
            return
        text = Text.from_ansi(_HEX.sub("\\1…", line).replace(self._root, ""))
        head = _HEAD.match(text.plain)
        grid = Table.grid()
        grid.add_column(no_wrap=True)
        grid.add_column(overflow="fold")
        grid.add_row(*text.divide([head.end() if head else 0]))
        self._console.print(grid)


@contextlib.asynccontextmanager
async def collected(log: DaemonLog, *, as_terminal: bool) -> AsyncIterator[int]:
    """Yield a descriptor to write to; all its lines are in the log when the block has ended.

    With `as_terminal` it is a pseudo-terminal, so that the writer uses colours.
    """
    read_end, write_end = os.openpty() if as_terminal else os.pipe()
    lines = _Lines(log)
    try:
        transport, _ = await asyncio.get_running_loop().connect_read_pipe(
            lambda: lines, os.fdopen(read_end, "rb", 0)
        )
    except BaseException:
        os.close(write_end)
        raise
    try:
        yield write_end
    finally:
        os.close(write_end)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(1.0):  # another process may have inherited it
                await lines.ended.wait()
        transport.close()


class _Lines(asyncio.Protocol):
    def __init__(self, log: DaemonLog) -> None:
        self._log = log
        self._rest = b""
        self.ended = asyncio.Event()

    def data_received(self, data: bytes) -> None:
        *lines, self._rest = (self._rest + data).split(b"\n")
        for line in lines:
            self._log.add(line.decode("utf-8", "replace").rstrip("\r"))

    def connection_lost(self, _error: Exception | None) -> None:  # EIO if a terminal is closed
        self.ended.set()
