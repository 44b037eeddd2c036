"""Where records go and how they are encoded for it: as configured, or as the stream wants them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TextIO

import msgspec

from syncd.config import LogFormat
from syncd.logs.forms import Form, coloured, console_form, json_form, logfmt_form, uncoloured
from syncd.logs.journal import entry, is_journal, journal_writer, prefixed
from syncd.logs.queue import Write
from syncd.logs.record import Record
from syncd.logs.stream import encoding_of, stream_writer

Encode = Callable[[Record], bytes]


class Sink(msgspec.Struct, frozen=True):
    """How a record is encoded, and what takes it; to_stream, whether as lines of the stream."""

    encode: Encode
    write: Write
    to_stream: bool


def sink(form: LogFormat, stream: TextIO, environ: Mapping[str, str]) -> Sink:
    """Return where the records go."""
    journal = is_journal(stream, environ)
    to_stream = stream_writer(stream)
    if form is LogFormat.JOURNAL or (form is LogFormat.AUTO and journal):
        return Sink(entry, journal_writer(to_stream), to_stream=False)
    line = _form(form, stream, environ)
    encoding = encoding_of(stream)

    def encode(record: Record) -> bytes:
        text = line(record)
        if journal:  # which takes the priority off again
            text = prefixed(record.level, text)
        return f"{text}\n".encode(encoding, "backslashreplace")

    return Sink(encode, to_stream, to_stream=True)


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
            # https://no-color.org: set, and not empty.
            plain = not terminal or environ.get("NO_COLOR") or environ.get("TERM") == "dumb"
            return console_form(uncoloured if plain else coloured)
