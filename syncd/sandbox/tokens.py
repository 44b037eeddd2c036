"""Access tokens: which are valid, until when, for what, and which accounts each one reaches."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Collection
from dataclasses import dataclass

from syncd.sandbox.errors import call_error
from syncd.sandbox.values import AccountId, account_id

DEFAULT_TOKEN = "sandbox-token"  # noqa: S105 - opens nothing but the sandbox


@dataclass(frozen=True, slots=True)
class Token:
    """An access token, for the given accounts or for all.

    It expires at `expires_at`, in unix seconds, and has the `scopes`; None: as the switches state.
    """

    text: str
    accounts: frozenset[AccountId] | None = None
    expires_at: float | None = None
    scopes: tuple[str, ...] | None = None

    @classmethod
    def of(cls, text: str, accounts: Collection[str] | None = None) -> Token:
        """Return a token for accounts given with or without `act_`."""
        known = None if accounts is None else frozenset(account_id(a) for a in accounts)
        return cls(text, known)

    def reaches(self, account: AccountId) -> bool:
        """Return whether the token has permission for an account."""
        return self.accounts is None or account in self.accounts


class Tokens:
    """The valid tokens; with an empty set, every token that is not empty is valid."""

    def __init__(self, tokens: Collection[Token], app_secret: str | None = None) -> None:
        self._tokens = {token.text: token for token in tokens}
        self._any = not tokens
        self._app_secret = app_secret

    def find(self, text: str) -> Token | None:
        """Return the valid token with this text, or None."""
        return self._tokens.get(text, Token(text) if self._any else None)

    def add(self, token: Token) -> None:
        """Make a token valid, or replace what is known of it."""
        self._tokens[token.text] = token

    def allow(self, text: str, accounts: Collection[str] | None = None) -> None:
        """Make a token valid, for the given accounts or for all."""
        self.add(Token.of(text, accounts))

    def revoke(self, text: str) -> None:
        """Make a token invalid: it gets error 190."""
        self._any = False
        self._tokens.pop(text, None)

    def check(self, text: str | None, proof: str | None) -> Token:
        """Return a valid token; raise 190 for one that is missing or invalid."""
        if not text:
            raise call_error("190", "An access token is required to request this resource.")
        token = self.find(text)
        if token is None:
            raise call_error("190")
        if self._app_secret is not None:
            self._check_proof(self._app_secret, text, proof)
        return token

    def _check_proof(self, secret: str, text: str, proof: str | None) -> None:
        if not proof:
            raise call_error("100", "API calls from the server require an appsecret_proof argument")
        made = hmac.new(secret.encode(), text.encode(), hashlib.sha256).hexdigest()
        if not hmac.compare_digest(made.encode(), proof.encode()):
            raise call_error("100", "Invalid appsecret_proof provided in the API argument")
