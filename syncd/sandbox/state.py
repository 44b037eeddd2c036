"""The state that every call works on: switches, libraries, counts, faults, tokens, the clock."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from syncd.sandbox.counts import Counts
from syncd.sandbox.creatives import Creatives
from syncd.sandbox.errors import CallError, call_error, no_such_object
from syncd.sandbox.faults import Faults
from syncd.sandbox.library import Library
from syncd.sandbox.switches import Switches
from syncd.sandbox.tokens import Token, Tokens
from syncd.sandbox.values import AccountId


@dataclass(slots=True, kw_only=True)
class State:
    """The state of a sandbox."""

    switches: Switches
    clock: Callable[[], float]
    """Seconds since the epoch."""
    library: Library
    creatives: Creatives
    counts: Counts
    faults: Faults
    tokens: Tokens
    accounts: frozenset[AccountId] | None
    """The accounts that exist; None when every account does."""
    started: float
    """When the sandbox was created, by its clock."""

    def expiry(self, token: Token) -> float | None:
        """Return when a token expires, in seconds since the epoch; None: never."""
        if token.expires_at is not None:
            return token.expires_at
        lifetime = self.switches.token_lifetime
        return self.started + lifetime if lifetime else None

    def scopes(self, token: Token) -> tuple[str, ...]:
        """Return the permissions of a token."""
        if token.scopes is not None:
            return token.scopes
        return tuple(scope for scope in self.switches.token_scopes.split(",") if scope)

    def has_expired(self, token: Token) -> bool:
        """Return whether a token has expired."""
        expiry = self.expiry(token)
        return expiry is not None and expiry <= self.clock()

    def admit(self, text: str | None, proof: str | None) -> Token:
        """Return a valid token; raise 190 for any other."""
        token = self.tokens.check(text, proof)
        if self.has_expired(token):
            raise call_error("190/463")
        return token

    def knows(self, account: AccountId) -> bool:
        """Return whether an account exists."""
        return self.accounts is None or account in self.accounts

    def enter(self, account: AccountId, token: Token, verb: str) -> None:
        """Open an account for a token; raise 100/33 or 200 if it cannot."""
        if not self.knows(account):
            raise no_such_object(verb, f"act_{account}")
        if not token.reaches(account):
            raise _permission_denied()
        scopes = self.scopes(token)
        if "ads_management" not in scopes and verb != "get":
            raise call_error("294")
        if not {"ads_management", "ads_read"} & set(scopes):
            raise _permission_denied()
        self.library.open(account)


def _permission_denied() -> CallError:
    return call_error(
        "200", "(#200) Ad account owner has NOT grant ads_management or ads_read permission"
    )
