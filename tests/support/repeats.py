"""Calls that sent an image to an account which already held it, and the kills that explain them.

A process that is killed before it has recorded a response sends that call's images again. Each
worker of an account has one call, so a kill costs at most one repeated call for each of them.
"""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass, field
from hashlib import sha256

from syncd.sandbox.calls import Call
from syncd.sandbox.library import Library
from syncd.sandbox.outcomes import Delivery, Outcome
from syncd.sandbox.values import AccountId, Image, Kind


@dataclass(frozen=True)
class Sent:
    """An upload or a copy that put images into an account."""

    number: int  # in order of arrival
    life: int  # the number of the process that sent it
    account: AccountId
    is_lost: bool  # the process cannot know from the response that the account holds the image


@dataclass
class Repeats:
    """Which calls of each process were repeated."""

    life: int = 0  # the number of the running process
    sent: int = 0  # uploads and copies
    repeated: set[Sent] = field(default_factory=set)
    without_a_kill: list[str] = field(default_factory=list)
    """Calls that were repeated by the process that received their responses."""
    _held: dict[tuple[AccountId, str], Sent] = field(default_factory=dict)

    def on_call(self, call: Call, outcome: Outcome, library: Library) -> None:
        """Called with each call once its work is done."""
        account = call.account
        if account is None or call.kind not in (Kind.UPLOAD, Kind.COPY):
            return
        self.sent += 1
        is_lost = outcome.status != 200 or outcome.delivery is not Delivery.WHOLE
        doubtful = set() if is_lost else _in_doubt(call, outcome)
        for name, digest in _images(call, library):
            this = Sent(self.sent, self.life, account, is_lost or name in doubtful)
            earlier = self._held.get((account, digest))
            if earlier is not None:
                self._repeat(earlier, this)
            if library.has_content(account, digest):
                self._held[account, digest] = this

    def on_delete(self, image: Image) -> None:
        """Called with each image that a call deletes."""
        self._held.pop((image.account, image.sha256), None)

    def _repeat(self, earlier: Sent, this: Sent) -> None:
        if earlier.is_lost:  # the same images again, as after every fault
            return
        self.repeated.add(earlier)
        if earlier.life == self.life:
            self.without_a_kill.append(f"{earlier} by {this}")

    def by_kill(self) -> Counter[tuple[int, AccountId]]:
        """Return how many calls to each account were repeated after the end of each process."""
        return Counter((sent.life, sent.account) for sent in self.repeated)

    def summary(self) -> str:
        """Return how many calls were sent, and how often a kill repeated 1, 2, … of an account."""
        return f"calls={self.sent}, repeated={dict(Counter(self.by_kill().values()))}"

    def most(self) -> int:
        """Return how many calls to one account a kill has repeated, at most."""
        return max(self.by_kill().values(), default=0)


def _images(call: Call, library: Library) -> list[tuple[str | None, str]]:
    """Return the name and the SHA-256 of each image that a call sends."""
    if call.kind is Kind.UPLOAD:
        return [(part.filename, sha256(part.content).hexdigest()) for part in call.files]
    source_of = call.params.mapping("copy_from") or {}
    source, wanted = source_of.get("source_account_id"), source_of.get("hash")
    image = library.find(str(source), str(wanted))
    return [] if image is None else [(image.name, image.sha256)]


def _in_doubt(call: Call, outcome: Outcome) -> set[str]:
    """Return the names of a POST whose entry in the response has the name of another one.

    The account knows the same bytes by that name from before. Each of these images is sent again
    alone, because a wrong hash would cost more than a call.
    """
    names = {part.filename for part in call.files}
    entries: dict[str, dict[str, object]] = json.loads(outcome.body)["images"]
    return {key for key, entry in entries.items() if entry["name"] in names - {key}}
