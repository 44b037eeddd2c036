"""The log's queue: a slow reader never blocks syncd; excess records are dropped and counted."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from itertools import groupby
from operator import itemgetter
from threading import Condition, Thread

import structlog

from syncd.log import Log

log: Log = structlog.get_logger()

Write = Callable[[Sequence[bytes]], None]
"""Writes encoded records, each with its end of line; may block, or raise OSError."""

_Records = tuple[Write, Sequence[bytes], int]
"""Waiting records, how they are written, and their size in bytes."""

ROOM = 8 * 2**20
"""Capacity in bytes: about 15,000 records, five seconds of the fastest backfill."""

RESERVE = 2 * 2**20
"""Bytes of ROOM reserved for warnings and errors, so that info records cannot displace them."""

_OVERHEAD = 150  # bytes per waiting record, in addition to its text
_DRAIN = 2.0  # seconds for writing the waiting records when the process ends


class LogQueue:
    """A queue of records that a thread writes while the context is entered.

    Outside the context, `put` writes at once.
    """

    def __init__(self, room: int = ROOM, reserve: int = RESERVE, drain: float = _DRAIN) -> None:
        self.dropped = 0
        """Number of records that were not written, since the start."""
        self._room = room
        self._reserve = reserve
        self._drain = drain
        # Reentrant: garbage collection within `put` may log as well.
        self._changed = Condition()
        self._waiting: list[_Records] = []
        self._size = 0
        self._unreported = 0  # dropped, and not logged yet
        self._since = 0.0
        self._closing = False
        self._thread: Thread | None = None

    def __enter__(self) -> LogQueue:
        # A daemon thread: a reader that never reads must not keep the process alive.
        self._thread = Thread(target=self._write_all, name="log", daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Write the waiting records, for at most `drain` seconds."""
        thread = self._thread
        if thread is None:
            return
        with self._changed:
            self._closing = True
            self._changed.notify()
        thread.join(self._drain)
        if not thread.is_alive():
            self._thread = None

    def put(self, write: Write, records: Sequence[bytes], *, urgent: bool) -> None:
        """Queue records without blocking; only urgent ones may use the reserve."""
        if self._thread is None:
            write(records)
            return
        size = sum(map(len, records)) + _OVERHEAD * len(records)
        item = (write, records, size)
        with self._changed:
            if self._size + size > (self._room if urgent else self._room - self._reserve):
                self._drop(len(records))
                return
            self._size += size
            self._waiting.append(item)
            if len(self._waiting) == 1:
                self._changed.notify()

    def _drop(self, records: int) -> None:
        if not self._unreported:
            self._since = time.monotonic()
        self._unreported += records
        self.dropped += records

    def _write_all(self) -> None:
        while items := self._next():
            written = True
            for write, group in groupby(items, itemgetter(0)):
                records = [record for _, some, _ in group for record in some]
                try:
                    write(records)
                except Exception:  # noqa: BLE001 - the next record may succeed, whatever the error
                    written = False
                    with self._changed:
                        self._drop(len(records))
            self._done(sum(size for _, _, size in items), written=written)

    def _next(self) -> list[_Records]:
        """Wait for records and return them; return an empty list at the end."""
        with self._changed:
            while not self._waiting and not self._closing:
                self._changed.wait()
            items, self._waiting = self._waiting, []
            return items

    def _done(self, size: int, *, written: bool) -> None:
        with self._changed:
            self._size -= size
            # Report once half is free: otherwise a slow reader would get one report per record.
            if not (written and self._unreported) or self._size > self._room // 2:
                return
            records, self._unreported = self._unreported, 0
            seconds = time.monotonic() - self._since
        log.warning("log.dropped", records=records, seconds=round(seconds, 1))
