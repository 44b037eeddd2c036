"""Attempts to send single images to one account: tries, limits and sources; `Lane` repeats them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import msgspec
from msgspec.structs import replace

from syncd.model import AccountId, Digest


class Attempt(msgspec.Struct, frozen=True):
    """The attempts to send one image that its account does not hold yet."""

    tries: int = 0
    """Failed tries."""
    limit: int | None = None
    """How many images its next POST may hold, for an image under suspicion."""
    rejected_as_file: str | None = None
    """Why the account rejected it as a file; it is sent as the form field `bytes` next."""
    not_from: Mapping[AccountId, str] = msgspec.field(default_factory=dict)
    """The accounts that it could not be copied from, and why."""


_NONE = Attempt()


class Attempts:
    """The attempts to send images to one account, until it holds or rejects them."""

    def __init__(self, tries: int | None = None) -> None:
        """`tries` limits the tries of an image whose failures are temporary; None for no limit."""
        self.most = tries
        self._known: dict[Digest, Attempt] = {}

    def __getitem__(self, digest: Digest) -> Attempt:
        return self._known.get(digest, _NONE)

    def record_failure(self, digest: Digest) -> int:
        """Count a failed try; return how many there are."""
        attempt = self[digest]
        self._known[digest] = replace(attempt, tries=attempt.tries + 1)
        return attempt.tries + 1

    def limit(self, digests: Iterable[Digest], limit: int) -> None:
        """Let each image share its next POST with at most `limit` - 1 others."""
        for digest in digests:
            self._known[digest] = replace(self[digest], limit=limit)

    def send_as_field(self, digest: Digest, why: str) -> None:
        """Send an image alone, as a form field, because it was rejected as a file."""
        self._known[digest] = replace(self[digest], limit=1, rejected_as_file=why)

    def exclude_source(self, digest: Digest, source: AccountId, why: str) -> None:
        """Do not copy an image from that account again."""
        attempt = self[digest]
        self._known[digest] = replace(attempt, not_from={**attempt.not_from, source: why})

    def forget(self, digest: Digest) -> None:
        """Forget an image that needs nothing more."""
        self._known.pop(digest, None)
