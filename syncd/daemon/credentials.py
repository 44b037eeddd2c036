"""What opens each account: its token, read from where the configuration says it lies."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from syncd.config import AccountConfig, Config, Secret, SecretError, SecretSource, read_secret
from syncd.engine.engine import Open
from syncd.graph.client import Credentials


def opener(config: Config, environ: Mapping[str, str], hide: Callable[[Secret], None]) -> Open:
    """Return what reads an account's credentials; every secret that it reads is hidden first."""

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
    """Of no account can a token be read; the text says why."""


def refuse_tokenless(config: Config, open_account: Open) -> None:
    """Raise NoTokenError when there is nothing at all to call with; blocks as reading files does.

    One account without a token is that account's own trouble.
    """
    found = [open_account(account) for account in config.accounts.values()]
    if all(isinstance(credentials, str) for credentials in found):
        raise NoTokenError(f"no token: {'; '.join(sorted(set(map(str, found))))}")
