"""The log: set up once, and written through structlog.get_logger() everywhere."""

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from typing import TextIO

import structlog
from structlog.typing import EventDict, WrappedLogger

from syncd.config import LogFormat
from syncd.log import bound_logger
from syncd.logs.hooks import hear_libraries
from syncd.logs.queue import LogQueue, Write
from syncd.logs.record import record_of
from syncd.logs.secrets import hide
from syncd.logs.sinks import Encode, sink

__all__ = ["Lines", "configure_logs", "hide"]


class Lines:
    """Where the log's records go, encoded: to the writer it was made with, through a queue or not.

    Those that are lines of a stream can be led elsewhere for a while.
    """

    def __init__(
        self, write: Write, queue: LogQueue | None = None, *, to_stream: bool = True
    ) -> None:
        self._write = write
        self._queue = queue
        self._to_stream = to_stream

    @property
    def dropped(self) -> int:
        """Records that were never written, since the process began."""
        return 0 if self._queue is None else self._queue.dropped

    @contextmanager
    def through(self, write: Callable[[str], None]) -> Iterator[None]:
        """Hand the stream's lines to another writer, such as one that knows of a progress bar."""
        before = self._write
        if self._to_stream:
            self._write = lambda lines: _one_by_one(write, lines)
        try:
            yield
        finally:
            self._write = before

    def _take(self, record: bytes, *, grave: bool) -> None:
        # A log that cannot be written stops nothing, and there is nowhere to say so.
        with suppress(OSError, ValueError):  # gone, closed
            if self._queue is None:
                self._write([record])
            else:
                self._queue.put(self._write, record, grave=grave)

    def _minor(self, record: bytes) -> None:
        self._take(record, grave=False)

    def _grave(self, record: bytes) -> None:
        self._take(record, grave=True)

    # What structlog calls, by the level of the record, which is in it already.
    debug = info = notice = _minor
    warning = error = critical = _grave


def configure_logs(
    level: str,
    form: LogFormat,
    stream: TextIO,
    environ: Mapping[str, str] = os.environ,
    queue: LogQueue | None = None,
) -> Lines:
    """Send every record of this level or above to the stream or journal; may be called again.

    Through a queue, if there is one; who logs waits for the reader otherwise. What libraries say
    through `logging` comes out the same way, warnings and worse.
    """
    to = sink(form, stream, environ)
    lines = Lines(to.write, queue, to_stream=to.to_stream)
    structlog.configure(
        processors=[structlog.contextvars.merge_contextvars, _renderer(to.encode)],
        wrapper_class=bound_logger(level),
        logger_factory=lambda *_args: lines,
        # Loggers made at import must see what is configured later, and again in a test.
        cache_logger_on_first_use=False,
    )
    hear_libraries()
    return lines


def _renderer(encode: Encode) -> structlog.typing.Processor:
    def render(_logger: WrappedLogger, level: str, given: EventDict) -> bytes:
        return encode(record_of(level, given, datetime.now(UTC)))

    return render


def _one_by_one(write: Callable[[str], None], lines: Sequence[bytes]) -> None:
    for line in lines:
        write(line.decode().removesuffix("\n"))
