"""The credentials of each account, read from the sources in the configuration."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping

from syncd.config import (
    AccountConfig,
    Command,
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

_RETRY = 60.0
"""Seconds after which a command that failed is run again."""


class _Outputs:
    """The secrets that programs have printed: each runs once, and again after it has failed.

    A secret stays known when its program, run again, prints none.
    """

    def __init__(self, config: Config, environ: Mapping[str, str]) -> None:
        self._config = config
        self._environ = environ
        self._found: dict[SecretSource, Secret] = {}
        self._failed: dict[SecretSource, tuple[float, SecretError]] = {}

    def read(self, source: SecretSource, *, again: bool) -> Secret:
        known = self._found.get(source)
        if known is not None and not again:
            return known
        failed_at, reason = self._failed.get(source, (0.0, None))
        if reason is not None and not again and time.monotonic() - failed_at < _RETRY:
            raise SecretError(str(reason))
        try:
            self._found[source] = read_secret(
                source, self._config.environ_for(source, self._environ)
            )
        except SecretError as error:
            if known is not None:
                return known
            self._failed[source] = time.monotonic(), error
            raise
        return self._found[source]


def opener(
    config: Config, environ: Mapping[str, str], hide: Callable[[Secret], None]
) -> OpenAccount:
    """Return a function that reads an account's credentials.

    It passes every secret to `hide` before it returns it, and returns a sentence when a secret
    cannot be read. While the system can open no file at all, it returns what it read last. Commands
    are run once, unless `again`: a reload has another opener, and so runs them again.
    """
    known: dict[AccountId, Credentials] = {}
    outputs = _Outputs(config, environ)

    def read(source: SecretSource, *, again: bool) -> Secret:
        is_command = isinstance(source, Command)
        secret = outputs.read(source, again=again) if is_command else read_secret(source, environ)
        hide(secret)
        return secret

    def open_account(account: AccountConfig, /, *, again: bool = False) -> Credentials | str:
        app_secret = config.app_secret_of(account)
        try:
            token = read(config.token_of(account), again=again)
            proof = None if app_secret is None else read(app_secret, again=again)
            found = Credentials(token, proof)
        except NoFilesError as error:
            return known.get(account.id, str(error))
        except SecretError as error:
            return str(error)
        known[account.id] = found
        return found

    return open_account
