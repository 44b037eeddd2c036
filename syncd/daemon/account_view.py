"""Ad accounts as the API shows them to an operator: their names, businesses and images."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping

import msgspec

from syncd.config import AccountConfig, Config
from syncd.config.account_change import AccountChange
from syncd.engine.tokens import OpenAccount
from syncd.graph.access import AdAccount
from syncd.graph.access_calls import ad_account, image_count
from syncd.graph.client import Credentials, GraphClient, GraphError, connect
from syncd.model import AccountId

STALL_TIMEOUT = 5.0
"""Seconds without a response after which a command does without it."""


class AccountView(msgspec.Struct, frozen=True):
    """Some accounts as the API shows them."""

    accounts: Mapping[AccountId, AdAccount | str]
    """Each account, or why the API does not show it."""
    images: Mapping[AccountId, int]
    """The number of images in each account that was counted."""

    def name(self, account: AccountId) -> str | None:
        """Return the name and business of an account, or None."""
        found = self.accounts.get(account)
        return str(found) if isinstance(found, AdAccount) else None

    def sentence(self, change: AccountChange) -> str:
        """Return a change with the names of both accounts, or why they are not known."""
        now = self.accounts[change.account.id]
        sentence = change.sentence(self.name(change.before), self.name(change.account.id))
        if isinstance(now, AdAccount):
            return sentence
        return f"{sentence}; its name is not known ({now}): `sudo syncd check` shows it"


NOTHING_SHOWN = AccountView({}, {})


async def view(
    config: Config,
    open_account: OpenAccount,
    changes: Iterable[AccountChange],
    counted: Iterable[AccountConfig] = (),
) -> AccountView:
    """Read both accounts of each change, and the number of images of the `counted` accounts.

    One call for each; those of an account without a token are left out.
    """
    shown = {change.before: change.account for change in changes}
    shown |= {change.account.id: change.account for change in changes}
    graph = config.graph
    timeout = min(graph.timeout, STALL_TIMEOUT)
    async with connect(graph.base_url, graph.version, timeout) as client:
        calls = _Calls(client, open_account)
        accounts, images = await asyncio.gather(
            asyncio.gather(*(calls.account(id_, user) for id_, user in shown.items())),
            asyncio.gather(*(calls.count(account) for account in counted)),
        )
    return AccountView(
        dict(zip(shown, accounts, strict=True)),
        {id_: number for id_, number in images if number is not None},
    )


class _Calls:
    def __init__(self, client: GraphClient, open_account: OpenAccount) -> None:
        self._client = client
        self._open_account = open_account

    async def account(self, account: AccountId, user: AccountConfig) -> AdAccount | str:
        """Return an account with the token of `user`, or why it is not shown."""
        credentials = self._open_account(user)
        if not isinstance(credentials, Credentials):
            return credentials
        try:
            return await ad_account(self._client, account, credentials)
        except GraphError as error:
            return str(error.api_error)

    async def count(self, account: AccountConfig) -> tuple[AccountId, int | None]:
        """Return the number of images in an account; None if it cannot be read."""
        credentials = self._open_account(account)
        if not isinstance(credentials, Credentials):
            return account.id, None
        return account.id, await image_count(self._client, account.id, credentials)
