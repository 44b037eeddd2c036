"""The configuration of the log, which all code writes through structlog.get_logger()."""

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from typing import TextIO

import structlog
from structlog.typing import EventDict, WrappedLogger

from syncd.config import LogFormat
from syncd.logs.hooks import capture_libraries
from syncd.logs.logger import bound_logger
from syncd.logs.queue import LogQueue, Write
from syncd.logs.record import record_of
from syncd.logs.secrets import hide
from syncd.logs.sinks import Encode, sink

__all__ = ["Lines", "configure_logs", "hide"]


class Lines:
    """The logger that structlog calls with encoded records, by level.

    It passes them to a writer, through a queue if there is one. Lines of a stream can be
    redirected for a while.
    """

    def __init__(
        self, write: Write, queue: LogQueue | None = None, *, to_stream: bool = True
    ) -> None:
        self._write = write
        self._queue = queue
        self._to_stream = to_stream

    @property
    def dropped(self) -> int:
        """Number of records that were not written, since the process started."""
        return 0 if self._queue is None else self._queue.dropped

    @contextmanager
    def redirected(self, write: Callable[[str], None]) -> Iterator[None]:
        """Pass the stream's lines to another writer, such as that of a progress bar."""
        before = self._write
        if self._to_stream:
            self._write = lambda lines: _one_by_one(write, lines)
        try:
            yield
        finally:
            self._write = before

    def info_all(self, records: Sequence[bytes]) -> None:
        """Pass several records to the writer at once."""
        self._write_records(records, urgent=False)

    def _write_records(self, records: Sequence[bytes], *, urgent: bool) -> None:
        # A log that cannot be written must not stop syncd, and the failure cannot be logged.
        with suppress(OSError, ValueError):  # reader gone, stream closed
            if self._queue is None:
                self._write(records)
            else:
                self._queue.put(self._write, records, urgent=urgent)

    def _routine(self, record: bytes) -> None:
        self._write_records([record], urgent=False)

    def _urgent(self, record: bytes) -> None:
        self._write_records([record], urgent=True)

    # structlog calls the method of the record's level.
    debug = info = notice = _routine
    warning = error = critical = _urgent


def configure_logs(
    level: str,
    form: LogFormat,
    stream: TextIO,
    environ: Mapping[str, str] = os.environ,
    queue: LogQueue | None = None,
) -> Lines:
    """Send every record of `level` or above to the stream or the journal; may be called again.

    With a queue, logging never waits for the reader. Warnings and errors that libraries log
    through `logging` take the same way.
    """
    to = sink(form, stream, environ)
    lines = Lines(to.write, queue, to_stream=to.to_stream)
    structlog.configure(
        processors=[structlog.contextvars.merge_contextvars, _renderer(to.encode)],
        wrapper_class=bound_logger(level),
        logger_factory=lambda *_args: lines,
        # Loggers made at import must use a configuration that is set later.
        cache_logger_on_first_use=False,
    )
    capture_libraries()
    return lines


def _renderer(encode: Encode) -> structlog.typing.Processor:
    def render(_logger: WrappedLogger, level: str, given: EventDict) -> bytes:
        return encode(record_of(level, given, datetime.now(UTC)))

    return render


def _one_by_one(write: Callable[[str], None], lines: Sequence[bytes]) -> None:
    for line in lines:
        write(line.decode().removesuffix("\n"))
