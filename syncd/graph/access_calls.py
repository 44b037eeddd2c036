"""The calls about a token: what it is valid for, and which ad accounts it reaches."""

from __future__ import annotations

from urllib.parse import urlencode

import msgspec

from syncd.graph import access
from syncd.graph.access import AdAccount, TokenFacts
from syncd.graph.body import urlencoded
from syncd.graph.client import Credentials, GraphClient, GraphError
from syncd.model import AccountId
from syncd.rules.errors import ApiError, is_permission

MAX_ACCOUNT_PAGES = 200
"""Pages of `PAGE` accounts each, after which a list that has no end is no longer read."""

PAGE = 100
"""Ad accounts in a page."""

_ME = AccountId("me")


async def inspect(client: GraphClient, credentials: Credentials) -> TokenFacts:
    """Return what a token is valid for: as `debug_token` reports it, else its scopes alone.

    The API allows `debug_token` only to developers of the app. The token to inspect is a parameter
    of that call, which must not be in a URL: both calls are sent in the body of a batch.
    """
    inspected = urlencode({"input_token": credentials.token.reveal(), **credentials.proof()})
    permissions = urlencode(credentials.proof())
    batch = [
        {"method": "GET", "relative_url": f"debug_token?{inspected}"},
        {"method": "GET", "relative_url": f"me/permissions?{permissions}".removesuffix("?")},
    ]
    fields = {"batch": msgspec.json.encode(batch).decode(), "include_headers": "false"}
    body = urlencoded({**fields, **credentials.proof()})
    response = await client.call("POST", "", _ME, credentials, body=body)
    found = access.read_batch(response.content, len(batch))
    if found is None:
        raise response.without("response to each call of the batch")
    debugged, permitted = found
    if isinstance(debugged, bytes) and (facts := access.read_inspection(debugged)) is not None:
        return facts
    if isinstance(permitted, ApiError):
        raise GraphError(permitted, response.usage)
    if (granted := access.read_permissions(permitted)) is None:
        raise response.without("list of permissions in `data`")
    return granted


async def ad_accounts(client: GraphClient, credentials: Credentials) -> list[AdAccount]:
    """Return all ad accounts that a token reaches, in the order of the API."""
    query = {"fields": access.ACCOUNT_FIELDS, "limit": str(PAGE)}
    found: dict[AccountId, AdAccount] = {}
    for _ in range(MAX_ACCOUNT_PAGES):
        response = await client.call("GET", "me/adaccounts", _ME, credentials, query=query)
        page = access.read_accounts(response.content)
        if page is None:
            raise response.without("list of ad accounts in `data`")
        found |= {account.id: account for account in page.accounts}
        if page.after is None or page.after == query.get("after"):
            break
        query["after"] = page.after
    return list(found.values())


async def ad_account(
    client: GraphClient, account: AccountId, credentials: Credentials
) -> AdAccount:
    """Return an ad account with the name of its business, unless that needs a permission."""
    try:
        return await _ad_account(client, account, credentials, access.ACCOUNT_FIELDS)
    except GraphError as error:
        if not is_permission(error.api_error):
            raise
    fields = access.ACCOUNT_FIELDS_WITHOUT_BUSINESS
    return await _ad_account(client, account, credentials, fields)


async def image_count(
    client: GraphClient, account: AccountId, credentials: Credentials
) -> int | None:
    """Return the number of images in an ad account; None if the API does not show it."""
    try:
        return (await client.library(account, credentials, None, 1)).total
    except GraphError:
        return None


async def _ad_account(
    client: GraphClient, account: AccountId, credentials: Credentials, fields: str
) -> AdAccount:
    query = {"fields": fields}
    response = await client.call("GET", f"act_{account}", account, credentials, query=query)
    node = access.read_account(response.content)
    if node is None:
        raise response.without("ad account")
    return node
