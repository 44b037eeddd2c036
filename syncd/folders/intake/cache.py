"""Contents that have just been digested, kept for a moment: what is sent soon is read once."""

from __future__ import annotations

import time
from collections import OrderedDict
from threading import Condition

import msgspec

from syncd.model import Digest

STALE = 10.0
"""Seconds after which contents that nobody has fetched make room for others."""

PATIENCE = 0.2
"""Seconds since contents were last fetched in which it is worth waiting for room: who fetches so
often sends what is read as fast as it is read."""


class _Kept(msgspec.Struct):
    content: bytes
    uses: int
    since: float


class ContentCache:
    """Contents by digest, so many bytes in all; each can be fetched once for each of its uses.

    What is kept was hashed as it is: bytes do not change. May be used from any thread.
    """

    def __init__(self, room: int) -> None:
        """`room` is in bytes."""
        self._room = room
        self._free = room
        self._contents: OrderedDict[Digest, _Kept] = OrderedDict()
        self._fetched_at = float("-inf")
        self._changed = Condition()

    @property
    def size(self) -> int:
        """How many bytes are kept."""
        return self._room - self._free

    def keep(self, digest: Digest, content: bytes, uses: int) -> None:
        """Keep a content until it was fetched so many times; not at all where there is no room."""
        with self._changed:
            now = time.monotonic()
            while self._free < len(content) and self._drop_oldest(now):
                pass
            if self._free < len(content) or digest in self._contents or uses < 1:
                return
            self._contents[digest] = _Kept(content, uses, now)
            self._free -= len(content)

    def fetch(self, digest: Digest) -> bytes | None:
        """Return a content for one of its uses, None when it is not kept."""
        with self._changed:
            kept = self._contents.get(digest)
            if kept is None:
                return None
            self._fetched_at = time.monotonic()
            kept.uses -= 1
            if kept.uses == 0:
                self._drop(digest)
                self._changed.notify_all()
            return kept.content

    def wait_for_room(self, size: int) -> None:
        """Block while contents are being fetched and there is no room for so many bytes."""
        with self._changed:
            while self._free < min(size, self._room):
                left = self._fetched_at + PATIENCE - time.monotonic()
                if left <= 0:
                    return
                self._changed.wait(left)

    def _drop_oldest(self, now: float) -> bool:
        digest, kept = next(iter(self._contents.items()), (None, None))
        if digest is None or kept is None or now - kept.since < STALE:
            return False
        self._drop(digest)
        return True

    def _drop(self, digest: Digest) -> None:
        self._free += len(self._contents.pop(digest).content)
