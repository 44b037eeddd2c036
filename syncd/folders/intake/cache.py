"""A cache of images that were just digested, so that those sent soon are read once."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Iterable, Sequence
from threading import Condition

import msgspec

from syncd.ledger.sources import Loaded
from syncd.model import AccountId, Digest

STALE_AFTER = 10.0
"""Seconds after which a content that was not fetched makes room for others."""

MAX_WAIT = 0.2
"""Seconds since the last fetch during which it is worth waiting for room: contents that are fetched
this often are sent as fast as they are read."""


class _Cached(msgspec.Struct):
    image: Loaded
    accounts: set[AccountId]  # that have not fetched it
    since: float


class ContentCache:
    """Images by digest, up to a number of bytes; each account can fetch its own once.

    The content of an image is the bytes that were hashed. Usable from any thread.
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

    def keep(self, image: Loaded, accounts: Iterable[AccountId]) -> None:
        """Keep an image until each of the accounts has fetched it, if there is room."""
        size, waiting = len(image.content), set(accounts)
        with self._changed:
            now = time.monotonic()
            while self._free < size and self._drop_oldest(now):
                pass
            if self._free < size or image.digest in self._contents or not waiting:
                return
            self._contents[image.digest] = _Cached(image, waiting, now)
            self._free -= size

    def fetch(self, account: AccountId, digests: Sequence[Digest]) -> list[Loaded | None]:
        """Return each image for an account; None if the cache has none that it has not fetched."""
        images: list[Loaded | None] = []
        with self._changed:
            for digest in digests:
                cached = self._contents.get(digest)
                if cached is None or account not in cached.accounts:
                    images.append(None)
                    continue
                images.append(cached.image)
                self._fetched_at = time.monotonic()
                cached.accounts.discard(account)
                if not cached.accounts:
                    self._drop(digest)
            self._changed.notify_all()
        return images

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
        self._free += len(self._contents.pop(digest).image.content)
