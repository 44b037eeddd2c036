"""A cache of contents that were just digested, so that images sent soon are read once."""

from __future__ import annotations

import time
from collections import OrderedDict
from threading import Condition

import msgspec

from syncd.model import Digest

STALE_AFTER = 10.0
"""Seconds after which a content that was not fetched makes room for others."""

MAX_WAIT = 0.2
"""Seconds since the last fetch during which it is worth waiting for room: contents that are fetched
this often are sent as fast as they are read."""


class _Cached(msgspec.Struct):
    content: bytes
    uses: int
    since: float


class ContentCache:
    """Contents by digest, up to a number of bytes; each can be fetched once for each of its uses.

    A cached content is the bytes that were hashed. Usable from any thread.
    """

    def __init__(self, capacity: int, stale_after: float = STALE_AFTER) -> None:
        """`capacity` is in bytes, `stale_after` in seconds."""
        self._capacity = capacity
        self._free = capacity
        self._stale_after = stale_after
        self._contents: OrderedDict[Digest, _Cached] = OrderedDict()
        self._fetched_at = float("-inf")
        self._changed = Condition()

    @property
    def size(self) -> int:
        """The number of bytes in the cache."""
        return self._capacity - self._free

    def keep(self, digest: Digest, content: bytes, uses: int) -> None:
        """Keep a content until it was fetched `uses` times, if there is room."""
        with self._changed:
            now = time.monotonic()
            while self._free < len(content) and self._drop_oldest(now):
                pass
            if self._free < len(content) or digest in self._contents or uses < 1:
                return
            self._contents[digest] = _Cached(content, uses, now)
            self._free -= len(content)

    def fetch(self, digest: Digest) -> bytes | None:
        """Return a content for one of its uses; None if it is not in the cache."""
        with self._changed:
            cached = self._contents.get(digest)
            if cached is None:
                return None
            self._fetched_at = time.monotonic()
            cached.uses -= 1
            if cached.uses == 0:
                self._drop(digest)
                self._changed.notify_all()
            return cached.content

    def wait_for_room(self, size: int) -> None:
        """Block until `size` bytes are free, as long as contents are being fetched."""
        with self._changed:
            while self._free < min(size, self._capacity):
                left = self._fetched_at + MAX_WAIT - time.monotonic()
                if left <= 0:
                    return
                self._changed.wait(left)

    def _drop_oldest(self, now: float) -> bool:
        digest, cached = next(iter(self._contents.items()), (None, None))
        if digest is None or cached is None or now - cached.since < self._stale_after:
            return False
        self._drop(digest)
        return True

    def _drop(self, digest: Digest) -> None:
        self._free += len(self._contents.pop(digest).content)
