"""What every edge works on: the switches, libraries, counts, faults, tokens, the clock."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from syncd.sandbox.counts import Counts
from syncd.sandbox.errors import GraphError, no_such_object, refused
from syncd.sandbox.faults import Faults
from syncd.sandbox.library import Library
from syncd.sandbox.switches import Switches
from syncd.sandbox.tokens import Token, Tokens
from syncd.sandbox.values import AccountId


@dataclass(slots=True)
class World:
    """The state of a sandbox. `accounts` is None when any account springs into being."""

    switches: Switches
    clock: Callable[[], float]
    library: Library
    counts: Counts
    faults: Faults
    tokens: Tokens
    accounts: frozenset[AccountId] | None

    def knows(self, account: AccountId) -> bool:
        return self.accounts is None or account in self.accounts

    def enter(self, account: AccountId, token: Token, verb: str) -> None:
        """Let a token into an account; raises 100/33 or 200."""
        if not self.knows(account):
            raise no_such_object(verb, f"act_{account}")
        if not token.reaches(account):
            raise permission_denied()
        self.library.open(account)


def permission_denied() -> GraphError:
    return refused(
        "200", "(#200) Ad account owner has NOT grant ads_management or ads_read permission"
    )
