"""Facts about one token, for `syncd token`: its user, what it is valid for, its accounts."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence

import msgspec

from syncd.check.result import Check
from syncd.check.tokens import account_facts
from syncd.check.verdict import token_checks
from syncd.config import AccountConfig, Config, Secret
from syncd.graph.access import TokenFacts
from syncd.graph.access_calls import inspect
from syncd.graph.client import Credentials, GraphError, connect
from syncd.rules.errors import judge, remedy
from syncd.rules.token import missing_scopes


class Inspected(msgspec.Struct, frozen=True, kw_only=True):
    """A token as the API reports it; None for what it does not report."""

    user: str | None = None
    facts: TokenFacts | None = None
    problem: str | None = None
    """Why the API does not accept the token, or why that is not known."""
    unknown: str | None = None
    """Why the API does not report what the token is valid for."""
    missing: tuple[str, ...] = ()
    """The needed permissions that it lacks."""
    unreadable: tuple[str, ...] = ()
    """For each account that it cannot read, a sentence."""


async def inspected(
    config: Config,
    token: Secret,
    app_secret: Secret | None,
    accounts: Sequence[AccountConfig] = (),
) -> Inspected:
    """Ask the API for the user of a token, what it is valid for, and each of `accounts`."""
    graph, credentials = config.graph, Credentials(token, app_secret)
    async with connect(graph.base_url, graph.version, graph.timeout) as client:
        try:
            owner = await client.me(credentials)
        except GraphError as error:
            return Inspected(problem=_sentence(error))
        facts, unknown = None, None
        try:
            facts = await inspect(client, credentials)
        except GraphError as error:  # some apps and proxies do not allow it; uploads do not need it
            unknown = str(error.api_error)
        unreadable = []
        for account in accounts:
            try:
                await client.account(account.id, credentials)
            except GraphError as error:
                unreadable.append(f"it cannot read {account.name}: {error.api_error}")
    return Inspected(
        user=owner.name or owner.id,
        facts=facts,
        unknown=unknown,
        missing=() if facts is None else missing_scopes(facts.scopes),
        unreadable=tuple(unreadable),
    )


async def tested(
    config: Config, environ: Mapping[str, str], hide: Callable[[Secret], None]
) -> list[Check]:
    """Return a check for each token and each account, as `syncd check` does."""
    graph = config.graph
    async with connect(graph.base_url, graph.version, graph.timeout) as client:
        found, _ = await account_facts(client, config, environ, hide)
    accounts = {str(name): one for name, one in config.accounts.items()}
    return token_checks(accounts, found, time.time())


def _sentence(error: GraphError) -> str:
    advice = remedy(error.api_error, judge(error.api_error))
    return f"{error.api_error}" + (f" ({advice})" if advice else "")
