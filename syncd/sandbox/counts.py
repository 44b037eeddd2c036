"""The counts of the sandbox's calls, by account and kind."""

from __future__ import annotations

from collections import Counter, deque
from dataclasses import dataclass, field

from syncd.sandbox.values import AccountId, Kind, account_id

_RECENT = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """One call; `code` is the name of its error or trouble, if any."""

    at: float
    account: AccountId | None
    kind: Kind
    status: int
    code: str | None
    images: int
    bytes: int


@dataclass(slots=True, kw_only=True)
class Tally:
    """The counts of one account."""

    calls: Counter[Kind] = field(default_factory=Counter)
    images: int = 0
    bytes: int = 0
    repeated_uploads: int = 0
    while_blocked: int = 0
    errors: Counter[str] = field(default_factory=Counter)
    files_per_post: Counter[int] = field(default_factory=Counter)
    in_flight: int = 0
    most_in_flight: int = 0


class Counts:
    """The counts of all accounts. A batch counts as its calls, not as a call."""

    def __init__(self) -> None:
        self._tallies: dict[AccountId | None, Tally] = {}
        self.recent: deque[Record] = deque(maxlen=_RECENT)

    def of(self, account: str | None) -> Tally:
        """Return the counts of an account; with None, of the calls without an account."""
        key = None if account is None else account_id(account)
        if key not in self._tallies:
            self._tallies[key] = Tally()
        return self._tallies[key]

    def accounts(self) -> list[AccountId]:
        """Return the accounts with calls."""
        return [account for account in self._tallies if account is not None]

    def calls(self, account: str | None = None, kind: str | None = None) -> int:
        """Return the number of calls; without an account, of all accounts together."""
        tallies = self._chosen(account)
        if kind is None:
            return sum(tally.calls.total() for tally in tallies)
        return sum(tally.calls[Kind(kind)] for tally in tallies)

    def images(self, account: str | None = None) -> int:
        """Return the number of images that uploads put into the account, repeated ones included."""
        return sum(tally.images for tally in self._chosen(account))

    def bytes(self, account: str | None = None) -> int:
        """Return the bytes of all request bodies."""
        return sum(tally.bytes for tally in self._chosen(account))

    def repeated_uploads(self, account: str | None = None) -> int:
        """Return the number of uploaded images with exactly the bytes of an image already held."""
        return sum(tally.repeated_uploads for tally in self._chosen(account))

    def while_blocked(self, account: str | None = None) -> int:
        """Return the number of calls during a block."""
        return sum(tally.while_blocked for tally in self._chosen(account))

    def errors(self, account: str | None = None) -> Counter[str]:
        """Return how often each error, such as 80004 or 100/1487411, was returned."""
        return sum((tally.errors for tally in self._chosen(account)), Counter[str]())

    def files_per_post(self, account: str | None = None) -> Counter[int]:
        """Return how many uploads had 1, 2, … images."""
        return sum((tally.files_per_post for tally in self._chosen(account)), Counter[int]())

    def most_in_flight(self, account: str) -> int:
        """Return the largest number of simultaneous calls of the account."""
        return self.of(account).most_in_flight

    def record(self, record: Record) -> None:
        """Count one call."""
        tally = self.of(record.account)
        tally.calls[record.kind] += 1
        tally.bytes += record.bytes
        if record.code is not None:
            tally.errors[record.code] += 1
        self.recent.append(record)

    def _chosen(self, account: str | None) -> list[Tally]:
        return list(self._tallies.values()) if account is None else [self.of(account)]
