"""Facts about the tokens: whether the API accepts each, and shows it each of its accounts."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from functools import cache, partial

from syncd.check.facts import AccountFacts, CallFacts, Failed, Node, Unsent, bounded
from syncd.config import Config, Secret, SecretError, SecretSource, read_secret
from syncd.graph.client import Credentials, GraphClient, GraphError
from syncd.graph.shapes import Node as GraphNode
from syncd.logs.secrets import without_secrets


async def account_facts(
    client: GraphClient,
    config: Config,
    environ: Mapping[str, str],
    hide: Callable[[Secret], None],
) -> tuple[AccountFacts, ...]:
    """Make one call for each distinct token, then one for each account."""
    read = cache(partial(read_secret, environ=environ))  # a command runs once for all accounts
    accesses = {
        name: _access(config.token_of(account), config.app_secret_of(account), read, hide)
        for name, account in config.accounts.items()
    }
    tokens: dict[Credentials | Unsent, CallFacts] = {}
    first: dict[str, CallFacts] = {}
    for name, access in accesses.items():
        if access not in tokens:
            tokens[access] = first[name] = await _call(access, client.me)
    nodes = await asyncio.gather(
        *(
            _call(accesses[name], partial(client.account, account.id))
            for name, account in config.accounts.items()
        )
    )
    return tuple(
        AccountFacts(name=name, token=first.get(name), account=node)
        for name, node in zip(config.accounts, nodes, strict=True)
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
    access: Credentials | Unsent, call: Callable[[Credentials], Awaitable[GraphNode]]
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
    return Node(_safe(node.id), name, node.account_status)


def _safe(text: str) -> str:
    return bounded(without_secrets(text))
