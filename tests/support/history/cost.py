"""The cost of a part of a history, compared with what it may cost."""

from collections import Counter

from support.history.accounts import Accounts
from support.history.model import Model, Replica
from support.history.strategies import HASHES, NAMES

MAX_COPY_BYTES = 1000
"""Bytes in the body of a copy at most: it contains no image."""


class Cost:
    """The calls of a part of a history, from the creation of this object to `check`."""

    def __init__(self, accounts: Accounts, model: Model) -> None:
        self._model = model
        self._counts = accounts.sandbox.counts
        self._struck = accounts.sandbox.faults.struck
        self._rejects = False  # a POST with an image that is rejected is sent again in parts
        self._missing: set[Replica] = set()
        self._possible: set[Replica] = set()
        self._copyable: set[Replica] = set()
        self._held = accounts.held()
        self._before = {account: self._figures(account) for account in NAMES}
        self._calls = self._counts.calls()
        self._faults = self._struck.total()

    def allow(self, copyable: set[Replica]) -> None:
        """Require what is missing now; what is possibly missing before a scan may be sent too.

        A new mirror's images are copied before the scan of a start finds that a file is gone.
        `copyable` replicas cost no bytes.
        """
        self._missing = self._model.missing()
        self._rejects |= self._model.may_be_rejected()
        possible = self._model.possibly_missing()
        self._possible |= possible
        self._copyable = (self._copyable - possible) | copyable

    @property
    def had_errors(self) -> bool:
        return self._rejects or self._struck.total() > self._faults

    def check(self, *, deletions: int, may_look_up: bool) -> None:
        """Check that the calls and bytes are at most what the model allows.

        `deletions` images were deleted; `may_look_up`, whether images may have been looked up.
        """
        for account, before in self._before.items():
            after = self._figures(account)
            images, copies, size = (b - a for a, b in zip(before, after, strict=True))
            missing = {replica for replica in self._missing if replica[0] == account}
            possible = {replica for replica in self._possible if replica[0] == account}
            most = len(possible) + self._ambiguous(possible)
            assert len(missing) <= images + copies <= most, (
                f"act_{account}: {images} uploaded, {copies} copied of {missing} or {possible}"
            )
            uploads = possible - self._copyable
            assert images <= len(uploads) + self._ambiguous(uploads), f"act_{account}: bytes sent"
            assert images or size <= MAX_COPY_BYTES * copies, f"act_{account}: {size} bytes"
        if not self._possible and not may_look_up:
            assert self._counts.calls() == self._calls, list(self._counts.recent)[-5:]
        calls = list(self._counts.recent)[self._since() :]
        assert sum(call.kind == "delete" for call in calls) == deletions, "a DELETE was rejected"

    def _figures(self, account: str) -> tuple[int, int, int]:
        counts = self._counts
        return counts.images(account), counts.calls(account, "copy"), counts.bytes(account)

    def _ambiguous(self, missing: set[Replica]) -> int:
        """Return how many of these may be sent twice: the response names another image as well.

        An image that the account held before is named as it was then, perhaps like another one of
        the POST.
        """
        if any((account, HASHES[content]) in self._held for account, content in missing):
            return len(missing)
        its = Counter((account, HASHES[content]) for account, content in self._possible)
        return sum(its[account, HASHES[content]] > 1 for account, content in missing)

    def _since(self) -> int:
        made = self._counts.calls() - self._calls
        return len(self._counts.recent) - min(made, len(self._counts.recent))
