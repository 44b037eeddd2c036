"""Whether the API takes each token, and shows it each account."""

from __future__ import annotations

from collections.abc import Mapping

from syncd.check.result import Check, Place, bad, ok, unseen
from syncd.check.token_access import Opened, Refused, Unseen
from syncd.config import AccountConfig
from syncd.graph.client import Credentials, GraphClient, GraphError
from syncd.model import AccountName
from syncd.rules.errors import Verdict, judge


async def tokens(
    client: GraphClient,
    openings: Mapping[AccountName, Opened],
    places: Mapping[AccountName, Place | None],
) -> list[Check]:
    """Ask once for each token that differs; places are the files that tokens are in."""
    found: list[Check] = []
    asked: list[Opened] = []
    for name, opened in openings.items():
        if opened not in asked:
            asked.append(opened)
            found.append(await _token(client, f"token of {name}", opened, places[name]))
    return found


async def _token(client: GraphClient, subject: str, opened: Opened, place: Place | None) -> Check:
    match opened:
        case Refused(said, commands, closed):
            return bad(subject, said, commands, closed)
        case Unseen(said):
            return unseen(subject, said)
        case Credentials():
            try:
                me = await client.me(opened)
            except GraphError as error:
                return bad(subject, _advice(error), place=place)
            return ok(subject, f"accepted: {me.name or me.id or 'nameless'}", place)


async def account_seen(client: GraphClient, account: AccountConfig, opened: Opened) -> Check:
    """Ask whether the token sees the account, and the account is active."""
    subject = f"account {account.name}"
    match opened:
        case Refused():
            return bad(subject, "not asked: it has no token")
        case Unseen():
            return unseen(subject, "not asked: its token cannot be looked at")
        case Credentials():
            pass
    try:
        node = await client.account(account.id, opened)
    except GraphError as error:
        return bad(subject, _advice(error))
    # developers.facebook.com, Ad Account, field account_status: 1 is ACTIVE
    if node.account_status not in (None, 1):
        told = f"act_{account.id} is not active (account_status {node.account_status})"
        return bad(subject, f"{told}: see to it in Ads Manager")
    return ok(subject, f"act_{account.id} {node.name or ''}".rstrip())


def _advice(error: GraphError) -> str:
    match judge(error.fault):
        case Verdict.STOP_TOKEN:
            advice = "give syncd a valid token"
        case Verdict.STOP_ACCOUNT:
            advice = "give the token's user ads_management on this ad account, or mend its id"
        case Verdict.STOP_VERSION:
            advice = "set graph.version to a current version"
        case Verdict.RETRY:
            advice = "check the network and graph.base_url, then try again"
        case (
            Verdict.PAUSE_ACCOUNT
            | Verdict.PAUSE_TOKEN
            | Verdict.PAUSE_ABUSE
            | Verdict.PAUSE_BLOCKED
        ):
            advice = "wait: the account is throttled"
        case _:
            advice = "check graph.base_url and graph.version"
    return f"{error.fault}; {advice}"
