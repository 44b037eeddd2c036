"""Output of the commands: lines, paragraphs, JSON and errors; figures as text.

Every command writes through this module, so that no name and no message of the API can move the
cursor, forge a line or change a terminal.
"""

from __future__ import annotations

import os
import sys
import textwrap
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from enum import Enum

import msgspec

from syncd.log import timestamp
from syncd.logs.journal import is_journal, prefixed
from syncd.logs.secrets import without_secrets
from syncd.model import printable

WIDTH = 100
"""Columns of a paragraph, unless a command adapts to the terminal."""


class Colour(Enum):
    """The colour of a text on a terminal, as a parameter of SGR (ECMA-48, 8.3.117)."""

    RED = "31"
    GREEN = "32"
    YELLOW = "33"


class Line(msgspec.Struct, frozen=True):
    """A line of output, whose characters from `first` to before `end` have a colour."""

    text: str
    colour: Colour | None = None
    first: int = 0
    end: int = 0


def terminal_width() -> int | None:
    """Return the columns of the terminal that stdout is; None if it is not one."""
    if not sys.stdout.isatty():
        return None
    # Some terminals report 0, such as a serial console.
    return os.get_terminal_size(sys.stdout.fileno()).columns or None


def in_colour(line: Line) -> str:
    """Return a line as a terminal shows it, or as it is if stdout has no colours."""
    text = line.text
    if line.colour is None or not _has_colours():
        return printable(text)
    parts = map(printable, (text[: line.first], text[line.first : line.end], text[line.end :]))
    before, coloured, after = parts
    return f"{before}\x1b[{line.colour.value}m{coloured}\x1b[0m{after}"


def print_styled(lines: Iterable[Line]) -> None:
    """Write lines to stdout, in colour if that is a terminal; control characters are escaped."""
    for line in lines:
        print(in_colour(line))


# ECMA-48 and xterm: another screen without a cursor, and back; the position at the top left; erase
# to the end of the line; erase to the end of the screen.
_ENTER, _LEAVE = "\x1b[?1049h\x1b[?25l", "\x1b[?25h\x1b[?1049l"
_HOME, _END_LINE, _END_SCREEN = "\x1b[H", "\x1b[K", "\x1b[J"


@contextmanager
def full_screen() -> Iterator[None]:
    """Use the whole terminal until the context ends, then show what was there before."""
    sys.stdout.write(_ENTER)
    try:
        yield
    finally:
        sys.stdout.write(_LEAVE)
        sys.stdout.flush()


def redraw(lines: Iterable[Line], height: int) -> None:
    """Replace the content of the screen by the lines that fit, without flicker."""
    shown = [in_colour(line) for line in lines]
    if len(shown) > height:
        more = len(shown) - height + 1
        shown = [*shown[: height - 1], f"({more:,} more lines)"]
    sys.stdout.write(_HOME + f"{_END_LINE}\r\n".join(shown) + _END_LINE + _END_SCREEN)
    sys.stdout.flush()


def _has_colours() -> bool:
    # https://no-color.org: NO_COLOR counts if it is set and not empty.
    plain = os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb"
    return sys.stdout.isatty() and not plain


def print_line(text: str = "", *, flush: bool = False) -> None:
    """Write one line to stdout; line breaks within the text are escaped."""
    print(printable(text), flush=flush)


def print_row(text: str) -> None:
    """Write a line to stdout, which is wrapped like a paragraph only if a terminal is narrower."""
    if len(text) > (terminal_width() or len(text)):
        print_paragraph(text)
    else:
        print_line(text)


def line_width() -> int:
    """Return the columns of a line: those of the terminal, at most WIDTH."""
    return min(WIDTH, terminal_width() or WIDTH)


def print_paragraph(
    text: str, width: int | None = None, *, first: str = "", indent: str = "    "
) -> None:
    """Write a text to stdout, wrapped: its first line begins with `first`, others with `indent`.

    Without a `width`, that is to WIDTH, or to a terminal that is narrower. Words are never split,
    so that a path or a command can be copied.
    """
    if width is None:
        width = line_width()
    wrapper = textwrap.TextWrapper(
        width,
        initial_indent=first,
        subsequent_indent=indent,
        break_long_words=False,
        break_on_hyphens=False,
    )
    for line in wrapper.wrap(text):
        print_line(line)


_TIMES = ("_at", "since", "until")
"""The ends of the names of fields that are times in unix seconds."""


def _encode(value: object) -> bytes:
    """Return a value as JSON; a time has the form that it has in the log."""
    return msgspec.json.encode(_plain(value))


def _plain(value: object) -> object:
    match value:
        case None | str() | int() | float():  # the most frequent types, checked first
            return value
        case datetime():
            return timestamp(value)
        case msgspec.Struct():
            names = zip(value.__struct_encode_fields__, msgspec.structs.astuple(value), strict=True)
            return {name: _field(name, item) for name, item in names}
        case Mapping():
            return {name: _plain(item) for name, item in value.items()}
        case list() | tuple():
            return [_plain(item) for item in value]
        case _:
            return value


def _field(name: str, value: object) -> object:
    if isinstance(value, int | float) and name.endswith(_TIMES):
        return timestamp(datetime.fromtimestamp(value, UTC))
    return _plain(value)


def json_array(values: Iterable[object]) -> Iterator[bytes]:
    """Yield one JSON array with a line for each value, so that grep works on it.

    The values contain no times.
    """
    encode, between = msgspec.json.Encoder().encode, b"[\n"
    for value in values:
        yield between + encode(value)
        between = b",\n"
    yield b"\n]\n" if between == b",\n" else b"[]\n"


def print_json_array(values: Iterable[object]) -> None:
    """Write one JSON array to stdout, with each value as it is read."""
    for chunk in json_array(values):
        sys.stdout.write(chunk.decode())


def print_json(value: object) -> None:
    """Write a value to stdout as JSON, which has escapes of its own."""
    sys.stdout.write(msgspec.json.format(_encode(value)).decode() + "\n")


def print_json_with_list(name: str, items: Iterable[object], rest: Mapping[str, object]) -> None:
    """Write one JSON object to stdout: a list under `name`, then `rest`.

    An item of the list is written as it is read, in a line of its own; it contains no times.
    """
    encode_item = msgspec.json.Encoder().encode
    sys.stdout.write(f'{{"{name}": [')
    between = "\n"
    for item in items:
        sys.stdout.write(between + encode_item(item).decode())
        between = ",\n"
    sys.stdout.write(f"\n],\n{_encode(rest).decode().removeprefix('{')}\n")


def print_error(text: str, level: str = "error") -> None:
    """Write a text to stderr without secrets; in the journal, lines have the level's priority."""
    lines = [printable(line) for line in without_secrets(text).split("\n")]
    if is_journal(sys.stderr, os.environ):
        lines = [prefixed(level, line) for line in lines if line]
    with suppress(OSError):  # the reader has ended: the exit code remains
        sys.stderr.write("".join(f"{line}\n" for line in lines))
