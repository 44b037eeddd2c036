"""Facts about the tokens: whether the API accepts each, and shows it each of its accounts."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from functools import cache, partial

from syncd.check.facts import (
    AccountFacts,
    CallFacts,
    Failed,
    Grant,
    Node,
    RouteFacts,
    Unsent,
    bounded,
)
from syncd.check.ledger import Known
from syncd.config import Config, Secret, SecretError, SecretSource, read_secret
from syncd.config.account_change import changed_accounts
from syncd.graph.access import AdAccount
from syncd.graph.access_calls import ad_account, inspect
from syncd.graph.client import Credentials, GraphClient, GraphError
from syncd.graph.shapes import Node as GraphNode
from syncd.logs.secrets import without_secrets
from syncd.model import AccountId, AccountName
from syncd.rules import token as rule


async def account_facts(
    client: GraphClient,
    config: Config,
    environ: Mapping[str, str],
    hide: Callable[[Secret], None],
    known: Known | None = None,
) -> tuple[tuple[AccountFacts, ...], tuple[RouteFacts, ...]]:
    """Return the facts of accounts, and of folders that had another account.

    Two calls for each distinct token, one for each account, and with `known` one for each account
    of which the ledger has no image, and for each former account.
    """
    read = cache(partial(read_secret, environ=environ))  # a command runs once for all accounts
    accesses = {
        name: _access(config.token_of(account), config.app_secret_of(account), read, hide)
        for name, account in config.accounts.items()
    }
    tokens: dict[Credentials | Unsent, CallFacts] = {}
    first: dict[str, tuple[CallFacts, Grant | None]] = {}
    for name, access in accesses.items():
        if access not in tokens:
            tokens[access] = found = await _call(access, client.me)
            first[name] = found, await _grant(client, access, found)

    async def account(name: AccountName, id_: AccountId) -> CallFacts:
        return await _call(accesses[name], partial(ad_account, client, id_))

    nodes = await asyncio.gather(*(account(name, one.id) for name, one in config.accounts.items()))
    images = await asyncio.gather(
        *(
            _images(client, accesses[name], one.id)
            if known is not None and one.id not in known.holding and isinstance(node, Node)
            else _nothing()
            for (name, one), node in zip(config.accounts.items(), nodes, strict=True)
        )
    )
    changes = [] if known is None else changed_accounts(config, known.routes)
    before = await asyncio.gather(*(account(one.account.name, one.before) for one in changes))
    return tuple(
        AccountFacts(
            name=name,
            token=first.get(name, _UNASKED)[0],
            grant=first.get(name, _UNASKED)[1],
            account=node,
            images=number,
        )
        for name, node, number in zip(config.accounts, nodes, images, strict=True)
    ), tuple(
        RouteFacts(one.folder, one.before, node) for one, node in zip(changes, before, strict=True)
    )


_UNASKED = (None, None)


async def _nothing() -> None:
    """Count no images."""


async def _grant(
    client: GraphClient, access: Credentials | Unsent, found: CallFacts
) -> Grant | None:
    """Return what an accepted token is valid for; None if the API does not report it."""
    if isinstance(access, Unsent) or not isinstance(found, Node):
        return None
    try:
        facts = await inspect(client, access)
    except GraphError:  # some apps and proxies do not allow it; uploads do not need it
        return None
    return Grant(
        app=None if facts.app is None else _safe(facts.app),
        expires_at=rule.expiry(facts.expires_at, facts.data_access_expires_at),
        missing=rule.missing_scopes(facts.scopes),
    )


async def _images(
    client: GraphClient, access: Credentials | Unsent, account: AccountId
) -> int | None:
    """Return the number of images in an account; None if it cannot be read."""
    if isinstance(access, Unsent):
        return None
    try:
        return (await client.library(account, access, None, 1)).total
    except GraphError:
        return None


def _access(
    token: SecretSource,
    app_secret: SecretSource | None,
    read: Callable[[SecretSource], Secret],
    hide: Callable[[Secret], None],
) -> Credentials | Unsent:
    """Read the secrets in the way that the daemon reads them."""
    secrets = []
    for source in (token, app_secret):
        try:
            secret = None if source is None else read(source)
        except SecretError as error:
            return Unsent(bounded(str(error)))
        if secret is not None:
            hide(secret)
        secrets.append(secret)
    first, second = secrets
    assert first is not None, "a token has a source"  # noqa: S101  for mypy
    return Credentials(first, second)


async def _call(
    access: Credentials | Unsent, call: Callable[[Credentials], Awaitable[GraphNode | AdAccount]]
) -> CallFacts:
    if isinstance(access, Unsent):
        return access
    try:
        node = await call(access)
    except GraphError as error:
        found = error.api_error
        return Failed(
            status=found.status,
            code=found.code,
            subcode=found.subcode,
            transient=found.transient,
            message=_safe(found.message),
        )
    name = None if node.name is None else _safe(node.name)
    if isinstance(node, AdAccount):
        business = None if node.business is None else _safe(node.business)
        return Node(_safe(f"act_{node.id}"), name, node.status, business)
    return Node(_safe(node.id), name, node.account_status)


def _safe(text: str) -> str:
    return bounded(without_secrets(text))
