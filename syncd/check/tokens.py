"""Checks with the API: that it accepts each token, and shows the token each of its accounts."""

from __future__ import annotations

import asyncio

from syncd.check.result import Check, CheckedPath, bad, ok, unknown
from syncd.check.token_access import (
    ReadSecret,
    TokenAccess,
    Unavailable,
    Unknown,
    checked_path,
    token_access,
)
from syncd.config import AccountConfig, Config
from syncd.graph.client import Credentials, GraphClient, GraphError
from syncd.rules.errors import Verdict, is_permission, judge, remedy


async def check_tokens(client: GraphClient, config: Config, read: ReadSecret) -> list[Check]:
    """Make one call for each distinct token, then one for each account."""
    accounts = [
        (account, token_access(config, account, read)) for account in config.accounts.values()
    ]
    checks: list[Check] = []
    checked: list[TokenAccess] = []
    for account, access in accounts:
        if access not in checked:
            checked.append(access)
            path = checked_path(config.token_of(account))
            checks.append(await _check_token(client, f"token of {account.name}", access, path))
    checks += await asyncio.gather(*(_check_account(client, *pair) for pair in accounts))
    return checks


async def _check_token(
    client: GraphClient, subject: str, access: TokenAccess, path: CheckedPath | None
) -> Check:
    match access:
        case Unavailable(message, commands, denied):
            return bad(subject, message, commands, denied)
        case Unknown(message):
            return unknown(subject, message)
        case Credentials():
            try:
                me = await client.me(access)
            except GraphError as error:
                return bad(subject, _with_advice(error), path=path)
            return ok(subject, f"accepted: {me.name or me.id}", path)


async def _check_account(client: GraphClient, account: AccountConfig, access: TokenAccess) -> Check:
    subject = f"account {account.name}"
    match access:
        case Unavailable():
            return bad(subject, "not checked: its token is not available")
        case Unknown():
            return unknown(subject, "not checked: its token is not readable for this user")
        case Credentials():
            pass
    try:
        node = await client.account(account.id, access)
    except GraphError as error:
        return bad(subject, _with_advice(error))
    # developers.facebook.com, Ad Account, field account_status: 1 is ACTIVE
    if node.account_status not in (None, 1):
        message = f"act_{account.id} is not active (account_status {node.account_status})"
        return bad(subject, f"{message}: check it in Ads Manager")
    return ok(subject, f"act_{account.id} {node.name or ''}".rstrip())


def _with_advice(error: GraphError) -> str:
    verdict = judge(error.api_error)
    advice = remedy(error.api_error, verdict)
    if verdict is Verdict.RETRY:
        advice = "check the network and graph.base_url, then try again"
    elif verdict is Verdict.STOP_ACCOUNT and not is_permission(error.api_error):
        advice = "give the token's user ads_management on this ad account, or correct its id"
    elif verdict.is_pause:
        advice = "wait: the account is throttled"
    elif advice is None:
        advice = remedy(error.api_error, Verdict.STOP_CALL)
    return f"{error.api_error}; {advice}"
