"""Lines to a stream: to its descriptor, past the stream's own buffer and lock.

A thread that is stuck in a stream keeps its lock, and Python ends with SIGABRT over that.
"""

from __future__ import annotations

import os
import select
from collections.abc import Sequence
from typing import TextIO

from syncd.logs.queue import Write


def stream_writer(stream: TextIO) -> Write:
    """Return what writes whole lines to the stream, those that it is given in one write."""
    try:
        descriptor = stream.fileno()
    except (OSError, ValueError):  # a stream in memory
        return _to_text(stream)

    def write(lines: Sequence[bytes]) -> None:
        rest = memoryview(b"".join(lines))
        while rest:
            try:
                rest = rest[os.write(descriptor, rest) :]
            except BlockingIOError:  # who shares the pipe or terminal has made it so
                _await_room(descriptor)

    return write


def encoding_of(stream: TextIO) -> str:
    return stream.encoding or "utf-8"


def _to_text(stream: TextIO) -> Write:
    def write(lines: Sequence[bytes]) -> None:
        stream.write(b"".join(lines).decode(encoding_of(stream)))
        stream.flush()

    return write


def _await_room(descriptor: int) -> None:
    poll = select.poll()
    poll.register(descriptor, select.POLLOUT)
    poll.poll()
