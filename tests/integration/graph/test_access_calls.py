"""The calls about a token, against the sandbox and against odd responses."""

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest
from support.graph_calls import PROOF, PROVED, TOKEN, failure
from support.http_server import Server, http, read_request
from support.pictures import picture

from syncd.config import Secret
from syncd.graph.access_calls import MAX_ACCOUNT_PAGES, PAGE, ad_account, ad_accounts, inspect
from syncd.graph.client import Credentials, GraphClient, connect
from syncd.model import AccountId
from syncd.rules.errors import Verdict, judge
from syncd.sandbox.server import Sandbox
from syncd.sandbox.tokens import Token

PLAIN = Credentials(Secret("short"))


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    token = Token("short", frozenset(), expires_at=2e9, scopes=("ads_read",))
    async with Sandbox(tokens=[token, Token("wide")]) as running:
        yield running


@pytest.fixture
async def graph(sandbox: Sandbox) -> AsyncIterator[GraphClient]:
    async with connect(sandbox.url, "v25.0", 5.0) as client:
        yield client


async def test_a_token_is_inspected_with_its_app_expiry_and_scopes(graph: GraphClient) -> None:
    facts = await inspect(graph, PLAIN)
    assert (facts.app, facts.expires_at) == ("Sandbox App", 2e9)
    assert facts.scopes == {"ads_read"}


async def test_the_scopes_are_read_where_a_token_cannot_be_inspected(
    sandbox: Sandbox, graph: GraphClient
) -> None:
    sandbox.switches = replace(sandbox.switches, inspection="app_only")
    facts = await inspect(graph, PLAIN)
    assert (facts.app, facts.expires_at) == (None, None)
    assert facts.scopes == {"ads_read"}


async def test_a_rejected_token_is_an_error_of_an_inspection(
    sandbox: Sandbox, graph: GraphClient
) -> None:
    sandbox.tokens.revoke("short")
    error = await failure(inspect(graph, PLAIN))
    assert judge(error.api_error) is Verdict.STOP_TOKEN


async def test_an_inspection_sends_the_token_and_its_proof_in_the_body(server: Server) -> None:
    server.response = http(b"[]")
    async with connect(server.url, "v25.0", 5.0) as client:
        await failure(inspect(client, PROVED))
    (request,) = server.requests
    assert request.line == "POST /v25.0/ HTTP/1.1"
    assert TOKEN.encode() in request.body
    assert PROOF.encode() in request.body


GRANTED = {"data": [{"permission": "ads_read", "status": "granted"}, {"status": 7}, 3]}
DECLINED = {"data": [{"permission": "ads_management", "status": "declined"}]}
FAILURE = {"error": {"code": 2, "message": f"again {TOKEN}"}}


def item(body: object, status: int = 200) -> dict[str, object]:
    return {"code": status, "body": json.dumps(body)}


@pytest.mark.parametrize(
    ("items", "scopes"),
    [
        ([item({"data": {"scopes": ["a", 3]}}), None], {"a"}),
        ([item({"data": {}}), item(GRANTED)], {"ads_read"}),
        ([None, item(GRANTED)], {"ads_read"}),
        ([item(FAILURE, 500), item(DECLINED)], set()),
    ],
)
async def test_an_inspection_takes_what_a_batch_contains(
    server: Server, client: GraphClient, items: list[Any], scopes: set[str]
) -> None:
    server.response = http(json.dumps(items).encode())
    assert (await inspect(client, PROVED)).scopes == scopes


@pytest.mark.parametrize(
    "items",
    [
        [item(FAILURE, 500), item(FAILURE, 500)],
        [None, None],
        [item({"data": {}}), item({"data": 3})],
        [item(GRANTED)],
        {"data": 3},
    ],
)
async def test_an_inspection_without_scopes_is_worth_a_retry(
    server: Server, client: GraphClient, items: Any
) -> None:
    server.response = http(json.dumps(items).encode())
    error = await failure(inspect(client, PROVED))
    assert judge(error.api_error) is Verdict.RETRY


async def test_all_ad_accounts_of_a_token_are_listed(sandbox: Sandbox, graph: GraphClient) -> None:
    for number in range(PAGE + 5):
        sandbox.hold(f"{number:05}", "a.jpg", picture(1))
    found = await ad_accounts(graph, Credentials(Secret("wide")))
    assert [account.id for account in found] == [f"{n:05}" for n in range(PAGE + 5)]
    first = found[0]
    assert (first.name, first.business) == ("Sandbox account 00000", "Sandbox Business")
    assert (first.status, first.currency) == (1, "USD")
    assert sandbox.counts.calls(kind="me") == 2


async def test_a_list_of_accounts_that_never_ends_is_left(
    server: Server, client: GraphClient
) -> None:
    numbers = iter(range(10**6))

    async def page(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        server.requests.append(await read_request(reader))
        paging = {"cursors": {"after": str(next(numbers))}, "next": "https://next"}
        data = [{"id": "act_1"}, {"id": 7}]
        writer.write(http(json.dumps({"data": data, "paging": paging}).encode()))
        await writer.drain()

    server.behaviour = page
    found = await ad_accounts(client, PROVED)
    assert [account.id for account in found] == ["1"]
    assert len(server.requests) == MAX_ACCOUNT_PAGES


@pytest.mark.parametrize("body", [b"{}", b'{"data":{"id":"act_1"}}', b"[]"])
async def test_accounts_without_a_list_are_worth_a_retry(
    server: Server, client: GraphClient, body: bytes
) -> None:
    server.response = http(body)
    error = await failure(ad_accounts(client, PROVED))
    assert judge(error.api_error) is Verdict.RETRY


async def test_an_ad_account_has_the_name_of_its_business(
    sandbox: Sandbox, graph: GraphClient
) -> None:
    found = await ad_account(graph, AccountId("7"), Credentials(Secret("wide")))
    assert (found.id, found.business) == ("7", "Sandbox Business")


async def test_an_account_without_an_id_is_worth_a_retry(
    server: Server, client: GraphClient
) -> None:
    server.response = http(b'{"name":"x"}')
    error = await failure(ad_account(client, AccountId("42"), PROVED))
    assert judge(error.api_error) is Verdict.RETRY
