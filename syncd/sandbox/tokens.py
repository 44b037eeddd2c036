"""Access tokens: which are good, and which accounts each one reaches."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Collection
from dataclasses import dataclass

from syncd.sandbox.errors import refused
from syncd.sandbox.values import AccountId, account_id

DEFAULT_TOKEN = "sandbox-token"  # noqa: S105 - opens nothing but the sandbox


@dataclass(frozen=True, slots=True)
class Token:
    """An access token, for these accounts alone, or for all."""

    text: str
    accounts: frozenset[AccountId] | None = None

    @classmethod
    def of(cls, text: str, accounts: Collection[str] | None = None) -> Token:
        known = None if accounts is None else frozenset(account_id(a) for a in accounts)
        return cls(text, known)

    def reaches(self, account: AccountId) -> bool:
        return self.accounts is None or account in self.accounts


class Tokens:
    """The tokens that are good. Without any, every token that is not empty is."""

    def __init__(self, tokens: Collection[Token], app_secret: str | None = None) -> None:
        self._tokens = {token.text: token for token in tokens}
        self._any = not tokens
        self._app_secret = app_secret

    def allow(self, text: str, accounts: Collection[str] | None = None) -> None:
        """Make a token good, for these accounts alone or for all."""
        self._tokens[text] = Token.of(text, accounts)

    def revoke(self, text: str) -> None:
        """Make a token bad: from now on it gets 190."""
        self._any = False
        self._tokens.pop(text, None)

    def check(self, text: str | None, proof: str | None) -> Token:
        """Return what a token reaches; raises 190 for one that is missing or bad."""
        if not text:
            raise refused("190", "An access token is required to request this resource.")
        token = self._tokens.get(text, Token(text) if self._any else None)
        if token is None:
            raise refused("190")
        if self._app_secret is not None:
            self._check_proof(self._app_secret, text, proof)
        return token

    def _check_proof(self, secret: str, text: str, proof: str | None) -> None:
        if not proof:
            raise refused("100", "API calls from the server require an appsecret_proof argument")
        made = hmac.new(secret.encode(), text.encode(), hashlib.sha256).hexdigest()
        if not hmac.compare_digest(made.encode(), proof.encode()):
            raise refused("100", "Invalid appsecret_proof provided in the API argument")
