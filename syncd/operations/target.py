"""The account of an operation: one of the configuration, or one that is given by its id."""

from __future__ import annotations

import re
from collections.abc import Sequence

import msgspec

from syncd.config import AccountConfig, Config
from syncd.model import AccountId, AccountName

_ID = re.compile(r"(?:act_)?([0-9]{1,20})")


class NoTokenError(Exception):
    """The configuration has no token for an account that is given by its id."""


class Target(msgspec.Struct, frozen=True):
    """An account, the others that pause together with it, and whether syncd manages it."""

    account: AccountConfig
    mates: Sequence[AccountId]
    """The other accounts of its token and app secret."""
    is_managed: bool
    """Whether it is in the configuration: only then its images are recorded in the ledger."""


def target(config: Config, text: str) -> Target | None:
    """Return the account with a name, or with the digits of an id, with or without `act_`.

    An account that is not in the configuration is called with the token of [graph]; without one,
    raises NoTokenError. Returns None for an unknown name.
    """
    account = account_id(config, text)
    if account is None:
        return None
    known = config.account_by_id(account)
    if known is not None:
        return Target(known, _mates(config, known), is_managed=True)
    if config.graph.token is None:
        raise NoTokenError(
            f"act_{account} is not in the configuration, and [graph] has no token: add"
            " graph.token, or the account"
        )
    foreign = AccountConfig(name=AccountName(f"act_{account}"), id=account)
    return Target(foreign, _mates(config, foreign), is_managed=False)


def account_id(config: Config, text: str) -> AccountId | None:
    """Return the id of an account, be it in the configuration or not; None for an unknown name."""
    known = config.accounts.get(AccountName(text))
    if known is not None:
        return known.id
    found = _ID.fullmatch(text)
    return None if found is None else AccountId(found[1])


def _mates(config: Config, account: AccountConfig) -> list[AccountId]:
    def sources(one: AccountConfig) -> object:
        return config.token_of(one), config.app_secret_of(one)

    others = (one for one in config.accounts.values() if one.id != account.id)
    return [one.id for one in others if sources(one) == sources(account)]
