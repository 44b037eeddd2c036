"""Lines at the end of a terminal's output that are replaced by new ones, in any width."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import suppress
from itertools import chain
from threading import Event, Lock, Thread

from rich.console import Console, RenderableType
from rich.segment import Segment, Segments
from rich.text import Text

_ERASE = "\r\x1b[2K"
_ERASE_ABOVE = "\x1b[1A\x1b[2K"


class RedrawnLines:
    """Lines that stay below everything that is printed, while the context is entered.

    A thread draws them: a terminal that accepts no output (Ctrl-S) delays nothing else.

    A terminal that becomes narrower breaks the lines that it shows, some time before the process
    knows its width. Lines that are narrower than the new width are not concerned; of others, the
    rows that they take in it are erased.
    """

    def __init__(self, console: Console, content: Callable[[], tuple[RenderableType, int]]) -> None:
        """`content` returns what to show, in how many columns at most; the thread calls it."""
        self._console = console
        self._content = content
        self._widths: list[int] = []  # columns of each line that is shown
        self._terminal = Lock()  # held while the terminal is written to
        self._requested = Event()
        self._closing = False
        self._thread = Thread(target=self._draw_when_requested, name="bars", daemon=True)

    def __enter__(self) -> RedrawnLines:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Show the last state, keep the lines, and continue below them."""
        self._closing = True
        self._requested.set()
        self._thread.join()
        if self._widths:
            self._console.print()
            self._widths = []

    def redraw(self) -> None:
        """Show the lines as they are now, without waiting for the terminal."""
        self._requested.set()

    def print_above(self, text: Text) -> None:
        """Print a text above the lines; may block."""
        with self._terminal:
            self._erase()
            self._console.print(text, soft_wrap=True)
            self._draw()

    def _draw_when_requested(self) -> None:
        with suppress(OSError):  # the terminal was closed
            while not self._closing:
                self._requested.wait()
                self._requested.clear()
                with self._terminal:
                    self._draw()

    def _draw(self) -> None:
        content, columns = self._content()
        options = self._console.options.update(width=min(columns, self._console.width))
        lines = self._console.render_lines(content, options, pad=False)[: self._console.height - 1]
        self._erase()
        self._widths = [Segment.get_line_length(line) for line in lines]
        between = [Segment.line(), *chain.from_iterable([*line, Segment.line()] for line in lines)]
        self._console.print(Segments(between[1:-1]), end="")

    def _erase(self) -> None:
        if self._widths:
            above = rows_of(self._widths, self._console.width) - 1
            self._console.file.write(_ERASE + _ERASE_ABOVE * above)
            self._console.file.flush()
            self._widths = []


def rows_of(widths: Iterable[int], columns: int) -> int:
    """Return the rows that lines of these widths take in a terminal of `columns`."""
    return sum(max(1, -(-width // columns)) for width in widths)
