"""The sandbox's tokens, budgets, faults, batches, counts and pages over real HTTP."""

import asyncio
import hashlib
import hmac
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import aiohttp
import pytest
from support.pictures import picture

from syncd.sandbox.faults import Fault, names
from syncd.sandbox.server import Sandbox
from syncd.sandbox.switches import Switches
from syncd.sandbox.tokens import DEFAULT_TOKEN

BEARER = {"Authorization": f"Bearer {DEFAULT_TOKEN}"}


@dataclass
class Clock:
    now: float = 1_774_346_400.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    async with Sandbox() as running:
        yield running


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    # A fresh connection for each request: aiohttp repeats a GET whose kept connection was reset.
    connector = aiohttp.TCPConnector(force_close=True)
    async with aiohttp.ClientSession(connector=connector) as opened:
        yield opened


def form(*numbers: int) -> aiohttp.FormData:
    made = aiohttp.FormData()
    for n in numbers:
        made.add_field("f", picture(n), filename=f"{n}.jpg", content_type="image/jpeg")
    return made


async def upload(
    session: aiohttp.ClientSession, sandbox: Sandbox, *numbers: int, account: str = "1"
) -> tuple[int, Any, Any]:
    url = f"{sandbox.url}/v25.0/act_{account}/adimages"
    async with session.post(url, data=form(*numbers), headers=BEARER) as response:
        return response.status, await response.json(), response.headers


@pytest.mark.parametrize(
    ("headers", "query", "code"),
    [
        ({"Authorization": f"Bearer {DEFAULT_TOKEN}"}, "", None),
        ({"Authorization": f"OAuth {DEFAULT_TOKEN}"}, "", None),
        ({}, f"?access_token={DEFAULT_TOKEN}", None),
        ({}, "", 190),
        ({}, "?access_token=", 190),
        ({"Authorization": "Bearer unknown"}, "", 190),
    ],
)
async def test_a_token_is_accepted_in_header_or_query(
    session: aiohttp.ClientSession,
    sandbox: Sandbox,
    headers: dict[str, str],
    query: str,
    code: int | None,
) -> None:
    async with session.get(f"{sandbox.url}/v25.0/me{query}", headers=headers) as response:
        assert response.status == (200 if code is None else 400)
        assert (await response.json()).get("error", {}).get("code") == code


async def test_a_revoked_token_is_invalid_until_it_is_allowed_again(
    session: aiohttp.ClientSession, sandbox: Sandbox
) -> None:
    sandbox.tokens.revoke(sandbox.token)
    assert (await upload(session, sandbox, 1))[1]["error"]["code"] == 190
    sandbox.tokens.allow(sandbox.token, ["act_2"])
    assert (await upload(session, sandbox, 1))[:1] == (403,)
    assert (await upload(session, sandbox, 1, account="2"))[0] == 200


async def test_a_sandbox_without_tokens_accepts_any_token_but_none(
    session: aiohttp.ClientSession,
) -> None:
    async with Sandbox(tokens=[]) as sandbox:
        for token, status in (("anything", 200), ("", 400)):
            headers = {"Authorization": f"Bearer {token}"}
            async with session.get(f"{sandbox.url}/me", headers=headers) as response:
                assert response.status == status


async def test_the_proof_of_the_app_secret_is_checked(session: aiohttp.ClientSession) -> None:
    good = hmac.new(b"secret", DEFAULT_TOKEN.encode(), hashlib.sha256).hexdigest()
    async with Sandbox(app_secret="secret") as sandbox:
        for proof, status in ((good, 200), ("0" * 64, 400), ("", 400)):
            params = {"appsecret_proof": proof}
            url = f"{sandbox.url}/me"
            async with session.get(url, headers=BEARER, params=params) as response:
                assert response.status == status


async def test_the_development_tier_blocks_one_account_and_no_other(
    session: aiohttp.ClientSession,
) -> None:
    clock = Clock()
    async with Sandbox(Switches(tier="development"), clock=clock) as sandbox:
        statuses = [(await upload(session, sandbox, n))[0] for n in range(21)]
        assert statuses == [200] * 20 + [400]
        status, answer, headers = await upload(session, sandbox, 0)
        assert (status, answer["error"]["code"], answer["error"]["error_subcode"]) == (
            400, 17, 2446079,
        )  # fmt: skip
        assert "is_transient" not in answer["error"]
        assert "Retry-After" not in headers
        assert list(json.loads(headers["X-Business-Use-Case-Usage"])) == ["1"]
        assert (await upload(session, sandbox, 0, account="2"))[0] == 200
        assert sandbox.counts.while_blocked("1") == 1
        clock.now += 300
        assert (await upload(session, sandbox, 0))[0] == 400, "the call into the block prolonged it"
        clock.now += 600
        assert (await upload(session, sandbox, 0))[0] == 200


async def test_a_post_can_be_charged_by_image(session: aiohttp.ClientSession) -> None:
    async with Sandbox(Switches(tier="development", charge="per_image")) as sandbox:
        assert (await upload(session, sandbox, *range(20)))[0] == 200
        assert (await upload(session, sandbox, 20))[0] == 400


async def test_a_fault_can_block_an_account_for_a_time(session: aiohttp.ClientSession) -> None:
    clock = Clock()
    async with Sandbox(clock=clock) as sandbox:
        sandbox.faults.add(Fault("80004", times=1, on="upload", seconds=90))
        _, answer, headers = await upload(session, sandbox, 1)
        usage = json.loads(headers["X-Business-Use-Case-Usage"])["1"][0]
        assert answer["error"]["code"] == 80004
        assert (usage["call_count"], usage["estimated_time_to_regain_access"]) == (100, 2)
        clock.now += 91
        assert (await upload(session, sandbox, 1))[0] == 200
        assert sandbox.counts.while_blocked("1") == 0
        assert sandbox.counts.errors("1") == {"80004": 1}


async def test_the_whole_app_can_be_throttled(session: aiohttp.ClientSession) -> None:
    async with Sandbox(Switches(app_calls=2)) as sandbox:
        answers = [await upload(session, sandbox, 1, account=str(n)) for n in range(3)]
        assert [status for status, *_ in answers] == [200, 200, 403]
        assert answers[2][1]["error"]["is_transient"] is True
        assert json.loads(answers[2][2]["X-App-Usage"])["call_count"] == 150


@pytest.mark.parametrize(
    "name", [name for name in names() if name[0].isdigit() and name not in {"413", "302", "401"}]
)
async def test_every_error_can_be_a_fault(
    session: aiohttp.ClientSession, sandbox: Sandbox, name: str
) -> None:
    sandbox.faults.add(Fault(name, times=1, on="upload"))
    status, answer, _ = await upload(session, sandbox, 1)
    assert status >= 400
    assert str(answer["error"]["code"]) == name.partition("/")[0]
    assert sandbox.library.images("1") == []
    assert (await upload(session, sandbox, 1))[0] == 200
    assert sandbox.counts.errors("1") == {name: 1}


@pytest.mark.parametrize(
    ("name", "held"), [("reset_before", 0), ("reset_after", 1), ("cut_off", 1)]
)
async def test_a_fault_breaks_the_connection_before_or_after_the_work(
    session: aiohttp.ClientSession, sandbox: Sandbox, name: str, held: int
) -> None:
    sandbox.faults.add(Fault(name, times=1))
    with pytest.raises((aiohttp.ClientConnectionError, aiohttp.ClientPayloadError)):
        await upload(session, sandbox, 1)
    assert len(sandbox.library.images("1")) == held
    assert sandbox.counts.errors("1") == {name: 1}


async def test_half_a_json_is_sent_after_the_work(
    session: aiohttp.ClientSession, sandbox: Sandbox
) -> None:
    sandbox.faults.add(Fault("half_json", times=1))
    with pytest.raises(json.JSONDecodeError):
        await upload(session, sandbox, 1)
    assert len(sandbox.library.images("1")) == 1


@pytest.mark.parametrize(
    ("name", "status"),
    [("html502", 502), ("html503", 503), ("413", 413), ("302", 302), ("401", 401)],
)
async def test_a_gateway_error_is_an_html_page(
    session: aiohttp.ClientSession, sandbox: Sandbox, name: str, status: int
) -> None:
    sandbox.faults.add(Fault(name, times=1))
    url = f"{sandbox.url}/act_1"
    async with session.get(url, headers=BEARER, allow_redirects=False) as response:
        assert (response.status, response.content_type) == (status, "text/html")


async def test_a_call_can_fail_although_its_work_was_done(
    session: aiohttp.ClientSession, sandbox: Sandbox
) -> None:
    sandbox.faults.add(Fault("2", times=1, done=True, status=400))
    status, answer, _ = await upload(session, sandbox, 1)
    assert (status, answer["error"]["code"]) == (400, 2)
    assert len(sandbox.library.images("1")) == 1


@pytest.mark.parametrize(("name", "held"), [("hang", 0), ("slow", 1)])
async def test_a_delayed_call_ends_when_the_sandbox_ends(
    session: aiohttp.ClientSession, name: str, held: int
) -> None:
    async with Sandbox() as sandbox:
        sandbox.faults.add(Fault(name, seconds=600))
        waiting = asyncio.create_task(upload(session, sandbox, 1))
        await called(sandbox)
        assert len(sandbox.library.images("1")) == held
        assert not waiting.done()
    async with asyncio.timeout(10):
        ended = (await asyncio.gather(waiting, return_exceptions=True))[0]
    match name:
        case "hang":
            assert isinstance(ended, aiohttp.ClientConnectionError)
        case _:
            assert not isinstance(ended, BaseException)
            assert ended[0] == 200


async def called(sandbox: Sandbox) -> None:
    async with asyncio.timeout(10):
        while not sandbox.counts.calls():  # noqa: ASYNC110 - counts set no event
            await asyncio.sleep(0.005)


async def batch(
    session: aiohttp.ClientSession, sandbox: Sandbox, items: list[dict[str, str]], **fields: Any
) -> Any:
    data = aiohttp.FormData()
    data.add_field("batch", json.dumps(items))
    for name, content in fields.items():
        data.add_field(name, content, filename=f"{name}.jpg", content_type="image/jpeg")
    async with session.post(f"{sandbox.url}/v25.0/", data=data, headers=BEARER) as response:
        return await response.json()


async def test_the_calls_of_a_batch_are_done_in_order_and_counted(
    session: aiohttp.ClientSession, sandbox: Sandbox
) -> None:
    sandbox.faults.add(Fault("hang", on="list", times=1))
    answers = await batch(
        session,
        sandbox,
        [
            {"method": "POST", "relative_url": "act_1/adimages", "attached_files": "a"},
            {"method": "GET", "relative_url": "v25.0/act_1/adimages?fields=name"},
            {"method": "DELETE", "relative_url": "act_1/adimages", "body": "hash=0"},
            {"method": "GET", "relative_url": "act_1/adimages?fields=name"},
        ],
        a=picture(1),
        b=picture(2),
    )
    uploaded, timed_out, deleted, listed = answers
    assert set(json.loads(uploaded["body"])["images"]) == {"a.jpg"}
    assert timed_out is None
    assert (deleted["code"], json.loads(deleted["body"])["error"]["code"]) == (400, 100)
    assert [node["name"] for node in json.loads(listed["body"])["data"]] == ["a.jpg"]
    names_of_headers = {header["name"] for header in listed["headers"]}
    assert "X-Business-Use-Case-Usage" in names_of_headers
    assert sandbox.counts.calls("1") == sandbox.counts.calls() == 4


@pytest.mark.parametrize("number", [0, 51])
async def test_a_batch_has_one_to_fifty_calls(
    session: aiohttp.ClientSession, sandbox: Sandbox, number: int
) -> None:
    items = [{"method": "GET", "relative_url": "me"}] * number
    assert (await batch(session, sandbox, items))["error"]["code"] == 100


async def test_simultaneous_calls_are_counted(
    session: aiohttp.ClientSession, sandbox: Sandbox
) -> None:
    sandbox.faults.add(Fault("slow", seconds=0.05))
    async with asyncio.TaskGroup() as tasks:
        for n in range(3):
            tasks.create_task(upload(session, sandbox, n))
    assert sandbox.counts.most_in_flight("1") == 3


async def test_the_page_and_its_json_show_the_calls(
    session: aiohttp.ClientSession, sandbox: Sandbox
) -> None:
    sandbox.faults.add(Fault("1487197", image="<b>*"))
    await upload(session, sandbox, 1, 2, account="77")
    await upload(session, sandbox, 1, account="77")
    async with session.get(f"{sandbox.url}/sandbox.json") as response:
        (account,) = (await response.json())["accounts"]
    assert (account["account"], account["held"], account["images_received"]) == ("77", 2, 3)
    assert (account["calls"], account["repeated_uploads"]) == ({"upload": 2}, 1)
    async with session.get(f"{sandbox.url}/sandbox") as response:
        page = await response.text()
    assert "act_77" in page
    assert "1487197:image=&lt;b&gt;*" in page
    assert "http" not in page, "the page needs no other file"
    assert sandbox.counts.calls() == 2


async def test_faults_and_switches_can_change_while_the_sandbox_runs(
    session: aiohttp.ClientSession, sandbox: Sandbox
) -> None:
    async with session.post(f"{sandbox.url}/sandbox/faults", data="17:times=1\n2") as response:
        assert (await response.json())["faults"] == ["17:times=1", "2"]
    async with session.post(f"{sandbox.url}/sandbox/faults", data="nope") as response:
        assert response.status == 400
    assert [(await upload(session, sandbox, 1))[1]["error"]["code"] for _ in range(2)] == [17, 2]
    async with session.delete(f"{sandbox.url}/sandbox/faults") as response:
        assert (await response.json())["faults"] == []
    async with session.post(f"{sandbox.url}/sandbox/switches", data="upload_key=hash") as response:
        assert (await response.json())["switches"]["upload_key"] == "hash"
    assert "1.jpg" not in (await upload(session, sandbox, 1))[1]["images"]


async def test_the_url_of_an_image_shows_a_pattern(
    session: aiohttp.ClientSession, sandbox: Sandbox
) -> None:
    _, answer, _ = await upload(session, sandbox, 1)
    async with session.get(answer["images"]["1.jpg"]["url_128"]) as response:
        assert (response.status, response.content_type) == (200, "image/svg+xml")
