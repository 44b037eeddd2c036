"""The credentials of each account, read from the sources in the configuration."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from syncd.config import (
    AccountConfig,
    Config,
    NoFilesError,
    Secret,
    SecretError,
    SecretSource,
    read_secret,
)
from syncd.engine.tokens import OpenAccount
from syncd.graph.client import Credentials
from syncd.model import AccountId


def opener(
    config: Config, environ: Mapping[str, str], hide: Callable[[Secret], None]
) -> OpenAccount:
    """Return a function that reads an account's credentials.

    It passes every secret to `hide` before it returns it, and returns a sentence when a secret
    cannot be read. While the system can open no file at all, it returns what it read last.
    """
    known: dict[AccountId, Credentials] = {}

    def read(source: SecretSource) -> Secret:
        secret = read_secret(source, environ)
        hide(secret)
        return secret

    def open_account(account: AccountConfig) -> Credentials | str:
        app_secret = config.app_secret_of(account)
        try:
            token = read(config.token_of(account))
            found = Credentials(token, read(app_secret) if app_secret is not None else None)
        except NoFilesError as error:
            return known.get(account.id, str(error))
        except SecretError as error:
            return str(error)
        known[account.id] = found
        return found

    return open_account
