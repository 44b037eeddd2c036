"""Sinks: the encoding of records, and the stream or journal that they are written to."""

from __future__ import annotations

import os
import select
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import TextIO

import msgspec
import structlog

from syncd.config import LogFormat
from syncd.logs.forms import Form, coloured, console_form, json_form, logfmt_form, uncoloured
from syncd.logs.journal import entry, is_journal, journal_writer, prefixed
from syncd.logs.queue import Write
from syncd.logs.record import Record
from syncd.logs.terminal import terminal_form

_NEWLINE = ord("\n")

Encode = Callable[[Record], bytes]


class Sink(msgspec.Struct, frozen=True):
    """A destination of records; with `to_stream`, encoded records are lines of the stream."""

    encode: Encode
    write: Write
    to_stream: bool


def sink(form: LogFormat, stream: TextIO, environ: Mapping[str, str]) -> Sink:
    """Return the sink for a configured format; `auto` depends on what the stream is."""
    journal = is_journal(stream, environ)
    to_stream = stream_writer(stream)
    if form is LogFormat.JOURNAL or (form is LogFormat.AUTO and journal):
        return Sink(entry, journal_writer(to_stream), to_stream=False)
    line = _form(form, stream, environ)
    encoding = _encoding(stream)

    def encode(record: Record) -> bytes:
        text = line(record)
        if not text:
            raise structlog.DropEvent
        if journal:  # journald removes the prefix
            text = prefixed(record.level, text)
        return f"{text}\n".encode(encoding, "backslashreplace")

    return Sink(encode, to_stream, to_stream=True)


def stream_writer(stream: TextIO) -> Write:
    """Return a function that writes encoded lines to the stream's descriptor, in one write.

    It bypasses the stream's own buffer and lock: a thread blocked in a stream keeps the lock, and
    Python aborts (SIGABRT) when it cannot take that lock at exit.
    """
    try:
        descriptor = stream.fileno()
    except (OSError, ValueError):  # a stream in memory
        return _text_writer(stream)

    torn = False  # the last write ended within a line, because the disk was full

    def write(lines: Sequence[bytes]) -> None:
        nonlocal torn
        rest = memoryview(b"".join((b"\n" if torn else b"", *lines)))
        while rest:
            try:
                end = os.write(descriptor, rest)
                torn, rest = rest[end - 1] != _NEWLINE, rest[end:]
            except BlockingIOError:  # another process made the shared pipe or terminal non-blocking
                _wait_until_writable(descriptor)

    return write


def _text_writer(stream: TextIO) -> Write:
    def write(lines: Sequence[bytes]) -> None:
        stream.write(b"".join(lines).decode(_encoding(stream)))
        stream.flush()

    return write


def _wait_until_writable(descriptor: int) -> None:
    poll = select.poll()
    poll.register(descriptor, select.POLLOUT)
    poll.poll()


def _encoding(stream: TextIO) -> str:
    return stream.encoding or "utf-8"


def _form(form: LogFormat, stream: TextIO, environ: Mapping[str, str]) -> Form:
    terminal = stream.isatty()
    match form:
        case LogFormat.JSON:
            return json_form
        case LogFormat.AUTO if not terminal:
            return logfmt_form
        case LogFormat.LOGFMT:
            return logfmt_form
        case _:
            # https://no-color.org: NO_COLOR counts if it is set and not empty.
            plain = not terminal or environ.get("NO_COLOR") or environ.get("TERM") == "dumb"
            paint = uncoloured if plain else coloured
            return (
                terminal_form(paint, partial(_columns, stream)) if terminal else console_form(paint)
            )


def _columns(terminal: TextIO) -> int:
    """Return the width of a terminal; 0 if it is unknown, or if the terminal was closed."""
    try:
        return os.get_terminal_size(terminal.fileno()).columns
    except (OSError, ValueError):
        return 0
