"""The log: set up once, and written through structlog.get_logger() everywhere."""

import asyncio
import os
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from threading import Lock
from typing import TextIO

import structlog
from structlog.typing import EventDict, WrappedLogger

from syncd.config import LogFormat
from syncd.log import bound_logger
from syncd.service.log_forms import (
    Form,
    coloured,
    console_form,
    json_form,
    logfmt_form,
    uncoloured,
)
from syncd.service.log_library import hear_libraries
from syncd.service.log_record import record_of
from syncd.service.log_secrets import hide

__all__ = ["Lines", "Writer", "configure_logs", "hide", "stream_writer"]

Writer = Callable[[str], None]
"""Takes one line, without its newline, to wherever it is shown."""


class Lines:
    """Where the log's lines go: to the writer that it was made with, or to another for a while."""

    def __init__(self, write: Writer) -> None:
        self._write = write

    @property
    def dropped(self) -> int:
        """How many lines were dropped; none is, as long as each is written where it comes up."""
        return 0

    @contextmanager
    def through(self, write: Writer) -> Iterator[None]:
        """Hand the lines to another writer, such as one that knows of a progress bar."""
        before, self._write = self._write, write
        try:
            yield
        finally:
            self._write = before

    def line(self, text: str) -> None:
        # A log that cannot be written stops nothing, and there is nowhere to say so.
        with suppress(OSError, ValueError):  # gone, closed
            self._write(text)

    debug = info = notice = warning = error = critical = line
    """What structlog calls, by the level of the record; the level is in the line already."""


def configure_logs(
    level: str, form: LogFormat, stream: TextIO, environ: Mapping[str, str] = os.environ
) -> Lines:
    """Send every record of this level or above to the stream; may be called again.

    What libraries say through `logging` comes out the same way, warnings and worse.
    """
    lines = Lines(stream_writer(stream))
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            _renderer(_form(form, stream, environ)),
        ],
        wrapper_class=bound_logger(level),
        logger_factory=lambda *_args: lines,
        # Loggers made at import must see what is configured later, and again in a test.
        cache_logger_on_first_use=False,
    )
    hear_libraries()
    return lines


def stream_writer(stream: TextIO) -> Writer:
    """Return what writes lines to the stream, those of one turn of an event loop together.

    A line for each of a POST's images is one write then, and not fifty.
    """
    waiting: deque[str] = deque()
    writing = Lock()

    def write_waiting() -> None:
        # One write: what several threads say stays apart, line by line.
        with writing, suppress(OSError, ValueError):  # gone, closed
            lines = [waiting.popleft() for _ in range(len(waiting))]
            if lines:
                text = "".join(f"{line}\n" for line in lines)
                stream.write(_encodable(text, stream))
                stream.flush()

    def write(line: str) -> None:
        waiting.append(line)
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:  # no loop runs in this thread
            write_waiting()
        else:
            if len(waiting) == 1:
                loop.call_soon(write_waiting)

    return write


def _encodable(text: str, stream: TextIO) -> str:
    encoding = stream.encoding or "utf-8"
    return text.encode(encoding, "backslashreplace").decode(encoding)


def _form(form: LogFormat, stream: TextIO, environ: Mapping[str, str]) -> Form:
    terminal = stream.isatty()
    match form:
        case LogFormat.JSON:
            return json_form
        case LogFormat.AUTO if not terminal:
            return logfmt_form
        case LogFormat.LOGFMT:
            return logfmt_form
        case LogFormat.AUTO | LogFormat.CONSOLE:
            # https://no-color.org: set, and not empty.
            plain = not terminal or environ.get("NO_COLOR") or environ.get("TERM") == "dumb"
            return console_form(uncoloured if plain else coloured)


def _renderer(form: Form) -> structlog.typing.Processor:
    def render(_logger: WrappedLogger, level: str, given: EventDict) -> str:
        return form(record_of(level, given, datetime.now(UTC)))

    return render
