"""The question before a backfill whose folders feed other ad accounts than before."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Sequence

from syncd.cli.console import print_error
from syncd.cli.errors import fail
from syncd.config import Config
from syncd.config.account_change import AccountChange, changed_accounts
from syncd.engine.tokens import OpenAccount
from syncd.graph.access_calls import ad_account
from syncd.graph.client import Credentials, GraphError, connect
from syncd.ledger import folders
from syncd.ledger.file import reading


def confirm_changes(config: Config, open_account: OpenAccount) -> None:
    """Ask on the terminal whether to send to other ad accounts than before; end if not."""
    if not config.ledger.path.exists():
        return
    with reading(config.ledger.path) as db:
        changes = changed_accounts(config, folders.own_accounts()(db))
    if not changes:
        return
    names = asyncio.run(_names(config, changes, open_account))
    for change, name in zip(changes, names, strict=True):
        print_error(f"{change}: {name}", "warning")
    print_error("Images that are in the old account stay there. Continue? [y/N]", "warning")
    if sys.stdin.readline().strip().lower() not in ("y", "yes"):
        fail("nothing was sent; correct the account's id in the configuration")


async def _names(
    config: Config, changes: Sequence[AccountChange], open_account: OpenAccount
) -> list[str]:
    """Return the name and the business of each new account, or why they are not known."""
    graph = config.graph
    async with connect(graph.base_url, graph.version, graph.timeout) as client:
        names = []
        for change in changes:
            credentials = open_account(change.account)
            if not isinstance(credentials, Credentials):
                names.append(credentials)
                continue
            try:
                found = await ad_account(client, change.account.id, credentials)
            except GraphError as error:
                names.append(f"its name is not known ({error.api_error})")
                continue
            business = f", of {found.business}" if found.business else ""
            names.append(f"{found.name or 'without a name'}{business}")
    return names
