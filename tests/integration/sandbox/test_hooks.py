"""The sandbox's hooks: a test acts between the work of a call and its response."""

import asyncio
from dataclasses import replace

import aiohttp
import pytest
from support.pictures import picture

from syncd.sandbox.calls import Call
from syncd.sandbox.outcomes import Delivery, Outcome
from syncd.sandbox.server import Sandbox
from syncd.sandbox.tokens import DEFAULT_TOKEN
from syncd.sandbox.values import Image, Kind

BEARER = {"Authorization": f"Bearer {DEFAULT_TOKEN}"}


async def test_the_response_hook_runs_after_the_work_and_before_the_response(
    sandbox: Sandbox,
) -> None:
    calls: list[tuple[Kind, int]] = []
    worked, released = asyncio.Event(), asyncio.Event()

    async def wait(call: Call, outcome: Outcome) -> Outcome:
        calls.append((call.kind, outcome.status))
        worked.set()
        await released.wait()
        return outcome

    sandbox.on_response = wait
    async with aiohttp.ClientSession(sandbox.url, headers=BEARER) as session, asyncio.timeout(10):
        response = asyncio.create_task(upload(session))
        await worked.wait()
        assert len(sandbox.library.images("1")) == 1
        assert not response.done()
        released.set()
        assert (await response).status == 200
    assert calls == [(Kind.UPLOAD, 200)]


async def test_the_response_hook_can_replace_the_response(sandbox: Sandbox) -> None:
    async def reset(_: Call, outcome: Outcome) -> Outcome:
        return replace(outcome, delivery=Delivery.RESET)

    sandbox.on_response = reset
    async with aiohttp.ClientSession(sandbox.url, headers=BEARER) as session:
        with pytest.raises(aiohttp.ClientConnectionError):
            await upload(session)
    assert len(sandbox.library.images("1")) == 1


async def test_the_deletion_hook_sees_what_calls_delete_while_it_is_still_there(
    sandbox: Sandbox,
) -> None:
    deleted: list[Image] = []

    def record(image: Image) -> None:
        assert image in sandbox.library.images("1")
        deleted.append(image)

    sandbox.library.on_delete = record
    by_call, by_hand = (sandbox.hold("1", f"{n}.jpg", picture(n)) for n in (1, 2))
    sandbox.library.remove("1", by_hand.hash)
    async with aiohttp.ClientSession(sandbox.url, headers=BEARER) as session:
        await session.delete("/act_1/adimages", params={"hash": by_call.hash})
    assert deleted == [by_call]
    assert sandbox.library.images("1") == []


async def upload(session: aiohttp.ClientSession) -> aiohttp.ClientResponse:
    data = aiohttp.FormData()
    data.add_field("f", picture(1), filename="1.jpg", content_type="image/jpeg")
    async with session.post("/act_1/adimages", data=data) as response:
        await response.read()
        return response
