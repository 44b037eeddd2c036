"""The daemon's log: shown as it comes, kept whole in a file, and searched for what it said."""

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

_HEX = re.compile(r"([0-9a-f]{8})[0-9a-f]{24,56}(?![0-9a-f])")
_HEAD = re.compile(r"\S+ +\S+ +\S+ *")  # the time, level and event of a console line


class Journal:
    """On a terminal, hashes are cut and lines are folded to its width; elsewhere nothing is."""

    def __init__(self, console: Console, file: TextIO, root: Path) -> None:
        self._console = console
        self._file = file
        self._root = f"{root}/"
        self._lines: list[str] = []
        self._mark = 0

    def mark(self) -> None:
        """From here on is what `said` looks at."""
        self._mark = len(self._lines)

    def said(self, *words: str) -> bool:
        """Tell whether some line since the mark holds all these words."""
        return any(all(word in line for word in words) for line in self._lines[self._mark :])

    def take(self, line: str) -> None:
        """Show a line, and keep it."""
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
async def heard(journal: Journal, *, as_terminal: bool) -> AsyncIterator[int]:
    """Return a descriptor whose lines the journal takes; all of them, when the block has ended.

    With `as_terminal` it is one, so that who writes into it writes for people, with colours.
    """
    read_end, write_end = os.openpty() if as_terminal else os.pipe()
    lines = _Lines(journal)
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
            async with asyncio.timeout(1.0):  # somebody else's child may hold it open
                await lines.ended.wait()
        transport.close()


class _Lines(asyncio.Protocol):
    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._rest = b""
        self.ended = asyncio.Event()

    def data_received(self, data: bytes) -> None:
        *lines, self._rest = (self._rest + data).split(b"\n")
        for line in lines:
            self._journal.take(line.decode("utf-8", "replace").rstrip("\r"))

    def connection_lost(self, _error: Exception | None) -> None:  # EIO from a terminal's other end
        self.ended.set()
