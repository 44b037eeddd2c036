"""Lines at the end of a terminal's output that are replaced by new ones, in any width."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import chain

from rich.console import Console, RenderableType
from rich.segment import Segment, Segments

_ERASE = "\r\x1b[2K"
_ERASE_ABOVE = "\x1b[1A\x1b[2K"


class RedrawnLines:
    """Lines that stay below everything that is printed.

    A terminal that becomes narrower breaks the lines that it shows, some time before the process
    knows its width. Lines that are narrower than the new width are not concerned; of others, the
    rows that they take in it are erased.
    """

    def __init__(self, console: Console) -> None:
        self._console = console
        self._widths: list[int] = []  # columns of each line that is shown

    def draw(self, content: RenderableType, columns: int) -> None:
        """Show new lines, of at most `columns`, instead of those that are shown."""
        options = self._console.options.update(width=min(columns, self._console.width))
        lines = self._console.render_lines(content, options, pad=False)[: self._console.height - 1]
        self.erase()
        self._widths = [Segment.get_line_length(line) for line in lines]
        between = [Segment.line(), *chain.from_iterable([*line, Segment.line()] for line in lines)]
        self._console.print(Segments(between[1:-1]), end="")

    def erase(self) -> None:
        """Remove the lines that are shown."""
        if self._widths:
            above = rows_of(self._widths, self._console.width) - 1
            self._console.file.write(_ERASE + _ERASE_ABOVE * above)
            self._console.file.flush()
            self._widths = []

    def close(self) -> None:
        """Keep the lines that are shown, and continue below them."""
        if self._widths:
            self._console.print()
            self._widths = []


def rows_of(widths: Iterable[int], columns: int) -> int:
    """Return the rows that lines of these widths take in a terminal of `columns`."""
    return sum(max(1, -(-width // columns)) for width in widths)
