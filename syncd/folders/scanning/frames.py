"""Lists of byte strings over a pipe; none of them holds a NUL, as no path does."""

from __future__ import annotations

from collections.abc import Iterable
from typing import IO

_LENGTH = 8  # bytes


def send(pipe: IO[bytes], records: Iterable[bytes]) -> None:
    """Write a list of at least one record. Raises OSError when nobody reads any more."""
    body = b"\0".join(records)
    pipe.write(len(body).to_bytes(_LENGTH, "big") + body)
    pipe.flush()


def receive(pipe: IO[bytes]) -> list[bytes] | None:
    """Return the next list; None when the other side has ended, even amid one."""
    head = pipe.read(_LENGTH)
    body = pipe.read(int.from_bytes(head, "big"))
    if len(head) < _LENGTH or len(body) < int.from_bytes(head, "big"):
        return None
    return body.split(b"\0")
