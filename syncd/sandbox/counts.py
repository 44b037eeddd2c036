"""The counts: what the sandbox was asked, by account and kind."""

from __future__ import annotations

from collections import Counter, deque
from dataclasses import dataclass, field

from syncd.sandbox.values import AccountId, Kind, account_id

_RECENT = 200


@dataclass(frozen=True, slots=True)
class Record:
    """One call that was answered; `code` is the error's name, or the trouble's, if any."""

    at: float
    account: AccountId | None
    kind: Kind
    status: int
    code: str | None
    images: int
    bytes: int


@dataclass(slots=True)
class Tally:
    """One account's counts."""

    calls: Counter[Kind] = field(default_factory=Counter)
    images: int = 0
    bytes: int = 0
    repeated_uploads: int = 0
    while_blocked: int = 0
    refusals: Counter[str] = field(default_factory=Counter)
    files_per_post: Counter[int] = field(default_factory=Counter)
    in_flight: int = 0
    most_in_flight: int = 0


class Counts:
    """What was asked. Calls inside a batch count one each, the batch itself does not."""

    def __init__(self) -> None:
        self._tallies: dict[AccountId | None, Tally] = {}
        self.recent: deque[Record] = deque(maxlen=_RECENT)

    def of(self, account: str | None) -> Tally:
        """Return the counts of an account, or of the calls that name none."""
        key = None if account is None else account_id(account)
        if key not in self._tallies:
            self._tallies[key] = Tally()
        return self._tallies[key]

    def accounts(self) -> list[AccountId]:
        return [account for account in self._tallies if account is not None]

    def calls(self, account: str | None = None, kind: str | None = None) -> int:
        """Return how many calls there were; without an account, for all of them together."""
        tallies = self._chosen(account)
        if kind is None:
            return sum(tally.calls.total() for tally in tallies)
        return sum(tally.calls[Kind(kind)] for tally in tallies)

    def images(self, account: str | None = None) -> int:
        """Return how many images came in and were taken, repeated ones too."""
        return sum(tally.images for tally in self._chosen(account))

    def bytes(self, account: str | None = None) -> int:
        """Return how many bytes of bodies came in."""
        return sum(tally.bytes for tally in self._chosen(account))

    def repeated_uploads(self, account: str | None = None) -> int:
        """Return how many images came whose very bytes the account held already."""
        return sum(tally.repeated_uploads for tally in self._chosen(account))

    def while_blocked(self, account: str | None = None) -> int:
        """Return how many calls came into a block."""
        return sum(tally.while_blocked for tally in self._chosen(account))

    def refusals(self, account: str | None = None) -> Counter[str]:
        """Return how often each error, such as 80004 or 100/1487411, was answered."""
        return sum((tally.refusals for tally in self._chosen(account)), Counter[str]())

    def files_per_post(self, account: str | None = None) -> Counter[int]:
        """Return how many uploads brought 1, 2, … images."""
        return sum((tally.files_per_post for tally in self._chosen(account)), Counter[int]())

    def most_in_flight(self, account: str) -> int:
        """Return how many calls of the account were under way at once, at most."""
        return self.of(account).most_in_flight

    def record(self, record: Record) -> None:
        tally = self.of(record.account)
        tally.calls[record.kind] += 1
        tally.bytes += record.bytes
        if record.code is not None:
            tally.refusals[record.code] += 1
        self.recent.append(record)

    def _chosen(self, account: str | None) -> list[Tally]:
        return list(self._tallies.values()) if account is None else [self.of(account)]
