"""Output of the commands: lines, paragraphs, JSON and errors; figures as text.

Every command writes through this module, so that no name and no message of the API can move the
cursor, forge a line or change a terminal.
"""

from __future__ import annotations

import os
import sys
import textwrap
import time
from collections.abc import Iterable, Mapping
from contextlib import suppress

import msgspec

from syncd.logs.journal import is_journal, prefixed
from syncd.logs.secrets import without_secrets
from syncd.model import printable

WIDTH = 100
"""Columns of a paragraph, unless a command adapts to the terminal."""


def format_size(count: int) -> str:
    """Return a number of bytes as "512 bytes" or "2.4 MiB"."""
    size = float(count)
    for unit in ("bytes", "KiB", "MiB", "GiB"):
        if size < 1024 or unit == "GiB":
            break
        size /= 1024
    return f"{count} bytes" if unit == "bytes" else f"{size:.1f} {unit}"


def format_time(at: float) -> str:
    """Return a time in unix seconds as local date and time."""
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(at))


def format_duration(seconds: float) -> str:
    """Return a duration as "45 s", "12 min" or "3 h 5 min"."""
    whole = max(0, round(seconds))
    if whole < 120:
        return f"{whole} s"
    minutes = round(whole / 60)
    if minutes < 120:
        return f"{minutes} min"
    return f"{minutes // 60} h {minutes % 60} min"


def print_line(text: str = "", *, flush: bool = False) -> None:
    """Write one line to stdout; line breaks within the text are escaped."""
    print(printable(text), flush=flush)


def print_row(text: str) -> None:
    """Write a line to stdout, which is wrapped like a paragraph only if a terminal is narrower."""
    if sys.stdout.isatty() and len(text) > os.get_terminal_size(sys.stdout.fileno()).columns:
        print_paragraph(text)
    else:
        print_line(text)


def print_paragraph(
    text: str, width: int | None = None, *, first: str = "", indent: str = "    "
) -> None:
    """Write a text to stdout, wrapped: its first line begins with `first`, others with `indent`.

    Without a `width`, that is to WIDTH, or to a terminal that is narrower. Words are never split,
    so that a path or a command can be copied.
    """
    if width is None:
        is_terminal = sys.stdout.isatty()
        columns = os.get_terminal_size(sys.stdout.fileno()).columns if is_terminal else WIDTH
        width = min(WIDTH, columns)
    wrapper = textwrap.TextWrapper(
        width,
        initial_indent=first,
        subsequent_indent=indent,
        break_long_words=False,
        break_on_hyphens=False,
    )
    for line in wrapper.wrap(text):
        print_line(line)


def print_json(value: object) -> None:
    """Write a value to stdout as JSON, which has escapes of its own."""
    sys.stdout.write(msgspec.json.format(msgspec.json.encode(value)).decode() + "\n")


def print_json_with_list(name: str, items: Iterable[object], rest: Mapping[str, object]) -> None:
    """Write one JSON object to stdout: a list under `name`, then `rest`.

    An item of the list is written as it is read, in a line of its own.
    """
    encode = msgspec.json.Encoder().encode
    sys.stdout.write(f'{{"{name}": [')
    between = "\n"
    for item in items:
        sys.stdout.write(between + encode(item).decode())
        between = ",\n"
    sys.stdout.write(f"\n],\n{encode(rest).decode().removeprefix('{')}\n")


def print_error(text: str, level: str = "error") -> None:
    """Write a text to stderr without secrets; in the journal, lines have the level's priority."""
    lines = [printable(line) for line in without_secrets(text).split("\n")]
    if is_journal(sys.stderr, os.environ):
        lines = [prefixed(level, line) for line in lines if line]
    with suppress(OSError):  # the reader has ended: the exit code remains
        sys.stderr.write("".join(f"{line}\n" for line in lines))
