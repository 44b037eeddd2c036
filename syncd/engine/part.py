"""The part of the missing images that a process works on: of some folders, at most a number."""

from __future__ import annotations

from collections.abc import Sequence

from syncd.ledger.copies import Expected
from syncd.model import AccountId, Digest, FolderName


class Part:
    """The images that may be queued: of the folders, and of all accounts at most `limit`."""

    def __init__(self, folders: Sequence[FolderName] = (), limit: int | None = None) -> None:
        """Without folders, every image of an account may be queued."""
        self.folders = folders
        self.limit = limit
        self._admitted: dict[AccountId, set[Digest]] = {}

    @property
    def left(self) -> int | None:
        """How many more images may be queued; None without a limit."""
        return None if self.limit is None else self.limit - sum(map(len, self._admitted.values()))

    @property
    def is_exhausted(self) -> bool:
        """Whether the limit is reached: other images are not queued."""
        return self.left == 0

    def admitted(self, account: AccountId) -> int:
        """Return how many images of an account count towards the limit."""
        return len(self._admitted.get(account, ()))

    def includes(self, expected: Expected) -> bool:
        """Return whether an image that an account is about to hold is part of the work."""
        if self.folders and expected.folder not in self.folders:
            return False
        return self.limit is None or expected.digest in self._admitted.get(expected.account, ())

    def admit(self, account: AccountId, digests: Sequence[Digest]) -> list[Digest]:
        """Return which of an account's missing images may be queued; they count from now on.

        An image counts once, however often it is queued.
        """
        if self.limit is None:
            return list(digests)
        known = self._admitted.setdefault(account, set())
        queued = []
        for digest in digests:
            if digest in known or self.left:
                known.add(digest)
                queued.append(digest)
        return queued
