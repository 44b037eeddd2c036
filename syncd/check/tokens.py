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
from syncd.config.account_change import AccountChange, changed_accounts
from syncd.graph.access import AdAccount
from syncd.graph.access_calls import ad_account, image_count, inspect
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
    seen = set[Credentials | Unsent]()
    first: dict[str, tuple[CallFacts, Grant | None]] = {}
    for name, access in accesses.items():
        if access not in seen:
            seen.add(access)
            user = await _call(access, client.me)
            first[name] = user, await _grant(client, access, user)

    async def account(name: AccountName, id_: AccountId) -> CallFacts:
        return await _call(accesses[name], partial(ad_account, client, id_))

    async def facts(name: AccountName, id_: AccountId) -> AccountFacts:
        token, grant = first.get(name, (None, None))
        access, node, images = accesses[name], await account(name, id_), None
        is_new = known is not None and id_ not in known.holding
        if is_new and isinstance(node, Node) and isinstance(access, Credentials):
            images = await image_count(client, id_, access)
        return AccountFacts(name=name, token=token, grant=grant, account=node, images=images)

    async def route(change: AccountChange) -> RouteFacts:
        node = await account(change.account.name, change.before)
        return RouteFacts(change.folder, change.before, node)

    changes = [] if known is None else changed_accounts(config, known.routes)
    found_accounts = await asyncio.gather(*(facts(n, a.id) for n, a in config.accounts.items()))
    return tuple(found_accounts), tuple(await asyncio.gather(*map(route, changes)))


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
