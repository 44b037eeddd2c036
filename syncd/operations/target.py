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
    known = config.accounts.get(AccountName(text))
    found = _ID.fullmatch(text)
    if known is None and found is not None:
        known = config.account_by_id(AccountId(found[1]))
    if known is not None:
        return Target(known, _mates(config, known), is_managed=True)
    if found is None:
        return None
    if config.graph.token is None:
        raise NoTokenError(
            f"act_{found[1]} is not in the configuration, and [graph] has no token: add"
            " graph.token, or the account"
        )
    foreign = AccountConfig(name=AccountName(f"act_{found[1]}"), id=AccountId(found[1]))
    return Target(foreign, _mates(config, foreign), is_managed=False)


def _mates(config: Config, account: AccountConfig) -> list[AccountId]:
    def sources(one: AccountConfig) -> object:
        return config.token_of(one), config.app_secret_of(one)

    others = (one for one in config.accounts.values() if one.id != account.id)
    return [one.id for one in others if sources(one) == sources(account)]
