"""Shards: which of several machines an account belongs to, each with a ledger of its own.

Rendezvous hashing: each shard has a weight for an account, and the account belongs to the shard
with the greatest one. Another number of shards moves only the accounts that the new shards win, or
that the removed ones had. The weights must never change: a machine would send again what another
one has sent.
"""

from __future__ import annotations

import re
from collections.abc import Container, Iterable
from hashlib import sha256

import msgspec

from syncd.model import AccountId

MOST = 1000  # shards

SHARD_VARIABLE = "SYNCD_SHARD"
"""The environment variable that replaces the shard of the configuration file."""


class Shard(msgspec.Struct, frozen=True):
    """One of `of` shards, numbered from 0."""

    number: int
    of: int

    def __str__(self) -> str:
        return f"{self.number}/{self.of}"

    def has(self, account: AccountId) -> bool:
        """Return whether an account belongs to this shard."""
        return shard_of(account, self.of) == self.number

    def others(self, accounts: Iterable[AccountId]) -> list[AccountId]:
        """Return those of the accounts that belong to other shards, sorted."""
        return sorted(account for account in accounts if not self.has(account))


def shard_of(account: AccountId, of: int) -> int:
    """Return the number of the shard, from 0 to `of` - 1, that an account belongs to."""
    return max(range(of), key=lambda number: sha256(f"{number} {account}".encode()).digest())


def taken_over(
    accounts: Iterable[AccountId], before: Shard | None, held: Container[AccountId]
) -> list[AccountId]:
    """Return the accounts that were of another shard than `before`, and hold no image.

    The ledger of another machine may know them. None: the ledger had all accounts.
    """
    if before is None:
        return []
    return sorted(one for one in accounts if one not in held and not before.has(one))


def parse(text: str) -> Shard | None:
    """Return the shard that is written as K/N, or None for any other text."""
    found = re.fullmatch(r"(\d{1,4})/(\d{1,4})", text, re.ASCII)
    if found is None:
        return None
    shard = Shard(int(found[1]), int(found[2]))
    return shard if shard.number < shard.of <= MOST else None
