"""The connections of an operation: to the ledger, to the API, and to the account's images."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import msgspec

from syncd.config import Config
from syncd.engine.tokens import OpenAccount
from syncd.graph.client import Credentials, GraphClient, connect
from syncd.ledger.database import Ledger, open_ledger
from syncd.operations.calls import AccountCalls, ClosedError
from syncd.operations.target import Target


class Session(msgspec.Struct, frozen=True, kw_only=True):
    """The connections of one operation; the calls are those to its account."""

    config: Config
    target: Target
    ledger: Ledger
    client: GraphClient
    calls: AccountCalls
    user: str
    """Who runs the command, for the history."""


@asynccontextmanager
async def open_session(
    config: Config,
    target: Target,
    open_account: OpenAccount,
    notify: Callable[[str], None],
    user: str,
) -> AsyncIterator[Session]:
    """Open an existing ledger without its lock, next to a daemon that may hold it.

    Raises LedgerError, and ClosedError if the token cannot be read.
    """
    graph = config.graph
    credentials = open_account(target.account)
    if not isinstance(credentials, Credentials):
        raise ClosedError(f"the token of {target.account.name} cannot be read: {credentials}")
    async with (
        open_ledger(config.ledger.path) as ledger,
        connect(graph.base_url, graph.version, graph.timeout) as client,
    ):
        calls = AccountCalls(target, credentials, ledger, notify)
        await calls.begin()
        yield Session(
            config=config, target=target, ledger=ledger, client=client, calls=calls, user=user
        )
