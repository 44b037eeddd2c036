"""The credentials of each account, read from the sources in the configuration."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from syncd.config import AccountConfig, Config, Secret, SecretError, SecretSource, read_secret
from syncd.engine.tokens import OpenAccount
from syncd.graph.client import Credentials


def opener(
    config: Config, environ: Mapping[str, str], hide: Callable[[Secret], None]
) -> OpenAccount:
    """Return a function that reads an account's credentials.

    It passes every secret to `hide` before it returns it, and returns a sentence when a secret
    cannot be read.
    """

    def read(source: SecretSource) -> Secret:
        secret = read_secret(source, environ)
        hide(secret)
        return secret

    def open_account(account: AccountConfig) -> Credentials | str:
        app_secret = config.app_secret_of(account)
        try:
            token = read(config.token_of(account))
            return Credentials(token, read(app_secret) if app_secret is not None else None)
        except SecretError as error:
            return str(error)

    return open_account


class NoTokenError(Exception):
    """No account has a token that can be read; the text names the reasons."""


def require_token(config: Config, open_account: OpenAccount) -> None:
    """Raise NoTokenError when no token can be read at all; blocks while files are read.

    A single account without a token stops only itself.
    """
    found = [open_account(account) for account in config.accounts.values()]
    if all(isinstance(credentials, str) for credentials in found):
        raise NoTokenError(f"no token: {'; '.join(sorted(set(map(str, found))))}")
