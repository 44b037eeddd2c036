"""The log's queue: who logs never waits for who reads, and what finds no room is counted."""

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
"""Takes records, each encoded and ended, to wherever they are read; may block, or raise OSError."""

ROOM = 8 * 2**20
"""Bytes that may wait: some 15,000 records, five seconds of the fastest backfill."""

RESERVE = 2 * 2**20
"""Of these, for warnings and worse alone: a flood of small news drops no error."""

_EACH = 150  # bytes of a record that waits, beside its text
_ENDING = 2.0  # seconds that what waits has to be written once the process ends


class LogQueue:
    """A thread writes what is put here, while the context is entered; outside it, `put` does."""

    def __init__(self, room: int = ROOM, reserve: int = RESERVE, ending: float = _ENDING) -> None:
        self.dropped = 0
        """Records that were never written, since the start."""
        self._room = room
        self._reserve = reserve
        self._ending = ending
        # Its lock may be taken twice: collecting garbage in `put` may log, too.
        self._changed = Condition()
        self._waiting: list[tuple[Write, bytes, int]] = []
        self._size = 0
        self._missed = 0  # dropped, and not said yet
        self._since = 0.0
        self._closing = False
        self._thread: Thread | None = None

    def __enter__(self) -> LogQueue:
        # A reader that is stuck for good must not keep the process alive.
        self._thread = Thread(target=self._write_all, name="log", daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Write what waits, unless it takes too long."""
        thread = self._thread
        if thread is None:
            return
        with self._changed:
            self._closing = True
            self._changed.notify()
        thread.join(self._ending)
        if not thread.is_alive():
            self._thread = None

    def put(self, write: Write, record: bytes, *, grave: bool) -> None:
        """Have a record written; one that is not grave leaves the reserve alone. Never blocks."""
        if self._thread is None:
            write([record])
            return
        size = len(record) + _EACH
        item = (write, record, size)
        with self._changed:
            if self._size + size > (self._room if grave else self._room - self._reserve):
                self._miss(1)
                return
            self._size += size
            self._waiting.append(item)
            if len(self._waiting) == 1:
                self._changed.notify()

    def _miss(self, records: int) -> None:
        if not self._missed:
            self._since = time.monotonic()
        self._missed += records
        self.dropped += records

    def _write_all(self) -> None:
        while items := self._next():
            written = True
            for write, group in groupby(items, itemgetter(0)):
                records = [record for _, record, _ in group]
                try:
                    write(records)
                except Exception:  # noqa: BLE001 - whatever ails a writer, the next record may pass
                    written = False
                    with self._changed:
                        self._miss(len(records))
            self._done(sum(size for _, _, size in items), written=written)

    def _next(self) -> list[tuple[Write, bytes, int]]:
        """Return what is to be written next, once there is something; nothing at the end."""
        with self._changed:
            while not self._waiting and not self._closing:
                self._changed.wait()
            items, self._waiting = self._waiting, []
            return items

    def _done(self, size: int, *, written: bool) -> None:
        with self._changed:
            self._size -= size
            # Half of it, or a slow reader would be told of each record that found no room.
            if not (written and self._missed) or self._size > self._room // 2:
                return
            records, self._missed = self._missed, 0
            seconds = time.monotonic() - self._since
        log.warning("log.dropped", records=records, seconds=round(seconds, 1))
