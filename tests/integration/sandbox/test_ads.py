"""Ads and creatives: they use images or upload one, and their images cannot be deleted."""

import json
from typing import Any

import aiohttp
import pytest
from support.pictures import picture

from syncd.sandbox.server import Sandbox
from syncd.sandbox.switches import Switches, switched
from syncd.sandbox.tokens import DEFAULT_TOKEN, Token
from syncd.sandbox.values import Image

AD = {"name": "My ad", "adset_id": "77"}


async def ask(
    sandbox: Sandbox, method: str, path: str, token: str = DEFAULT_TOKEN, **more: Any
) -> Any:
    headers = {"Authorization": f"Bearer {token}"}
    async with (
        aiohttp.ClientSession(headers=headers) as session,
        session.request(method, f"{sandbox.url}/v25.0/{path}", **more) as response,
    ):
        return await response.json()


async def create(sandbox: Sandbox, creative: object, **fields: str) -> Any:
    data = AD | {"creative": json.dumps(creative)} | fields
    return await ask(sandbox, "POST", "act_1/ads", data=data)


async def deletion(sandbox: Sandbox, image: Image) -> Any:
    return await ask(sandbox, "DELETE", "act_1/adimages", params={"hash": image.hash})


async def node_of(sandbox: Sandbox, image: Image) -> Any:
    fields = "creatives,is_associated_creatives_in_adgroups"
    params = {"hashes": json.dumps([image.hash]), "fields": fields}
    (node,) = (await ask(sandbox, "GET", "act_1/adimages", params=params))["data"]
    return node


def code(answer: Any) -> tuple[int, int | None]:
    return answer["error"]["code"], answer["error"].get("error_subcode")


@pytest.mark.parametrize("edge", ["ads", "adcreatives"])
@pytest.mark.parametrize("nested", [False, True], ids=["image_file", "in object_story_spec"])
async def test_an_image_can_be_uploaded_with_an_ad_or_a_creative(
    sandbox: Sandbox, edge: str, nested: bool
) -> None:
    named: dict[str, Any] = {"image_file": "test.jpg"}
    spec = {"object_story_spec": {"link_data": named}} if nested else named
    form = aiohttp.FormData()
    form.add_field("test.jpg", picture(1), filename="test.jpg", content_type="image/jpeg")
    for name, value in (AD | {"title": "t"}).items():
        form.add_field(name, value)
    parameters: dict[str, Any] = {"creative": spec} if edge == "ads" else spec
    for name, value in parameters.items():
        form.add_field(name, value if isinstance(value, str) else json.dumps(value))
    made = await ask(sandbox, "POST", f"act_1/{edge}", data=form)
    assert set(made) == {"id"}
    (image,) = sandbox.library.images("1")
    assert image.name == "test.jpg"
    assert len(sandbox.creatives.using(image)) == 1
    assert sandbox.creatives.is_advertised(image) == (edge == "ads")


SPECS: dict[str, Any] = {
    "the creative": lambda image: {"image_hash": image},
    "link_data": lambda image: {"object_story_spec": {"link_data": {"image_hash": image}}},
    "a carousel": lambda image: {
        "object_story_spec": {"link_data": {"child_attachments": [{}, {"image_hash": image}]}}
    },
    "photo_data": lambda image: {"object_story_spec": {"photo_data": {"image_hash": image}}},
    "a feed": lambda image: {"asset_feed_spec": {"images": [{"hash": image}]}},
}


@pytest.mark.parametrize("where", SPECS)
@pytest.mark.parametrize("error", ["100", "200", "100/33"])
async def test_an_image_in_an_ad_is_marked_as_used_and_cannot_be_deleted(
    where: str, error: str
) -> None:
    async with Sandbox(switched(Switches(), [f"in_use_error={error}"])) as sandbox:
        image = sandbox.hold("1", "a.jpg", picture(1))
        node = await node_of(sandbox, image)
        assert (node["creatives"], node["is_associated_creatives_in_adgroups"]) == ([], False)
        ad = (await create(sandbox, SPECS[where](image.hash)))["id"]
        creative = (await ask(sandbox, "GET", ad, params={"fields": "creative"}))["creative"]["id"]
        node = await node_of(sandbox, image)
        assert (node["creatives"], node["is_associated_creatives_in_adgroups"]) == (
            [creative],
            True,
        )
        found = code(await deletion(sandbox, image))
        assert found == (int(error.split("/", maxsplit=1)[0]), 33 if "/" in error else None)

        assert await ask(sandbox, "DELETE", ad) == {"success": True}
        assert (await node_of(sandbox, image))["is_associated_creatives_in_adgroups"] is False
        assert code(await deletion(sandbox, image)) == found, "the creative still uses it"
        assert await ask(sandbox, "DELETE", creative) == {"success": True}
        assert await deletion(sandbox, image) == {"success": True}


async def test_ads_are_listed_with_their_status_in_pages(sandbox: Sandbox) -> None:
    image = sandbox.hold("1", "a.jpg", picture(1))
    made = [
        (await create(sandbox, {"image_hash": image.hash}, name=str(n), status=status))["id"]
        for n, status in enumerate(("PAUSED", "ACTIVE", "PAUSED"))
    ]
    params = {"fields": "name,status,adset_id", "limit": "2"}
    first = await ask(sandbox, "GET", "act_1/ads", params=params)
    async with (
        aiohttp.ClientSession(headers={"Authorization": f"Bearer {sandbox.token}"}) as session,
        session.get(first["paging"]["next"]) as response,
    ):
        second = await response.json()
    assert "next" not in second["paging"]
    found = [(a["id"], a["name"], a["status"]) for a in first["data"] + second["data"]]
    assert found == [(made[0], "0", "PAUSED"), (made[1], "1", "ACTIVE"), (made[2], "2", "PAUSED")]
    assert (await ask(sandbox, "GET", "act_2/ads"))["data"] == []


async def test_an_ad_is_changed_by_its_id_and_only_active_ones_count(sandbox: Sandbox) -> None:
    image = sandbox.hold("1", "a.jpg", picture(1))
    ad = (await create(sandbox, {"image_hash": image.hash}))["id"]
    assert sandbox.creatives.ads("1") == 1
    assert await ask(sandbox, "POST", ad, data={"status": "PAUSED"}) == {"success": True}
    assert sandbox.creatives.ads("1") == 0
    assert (await ask(sandbox, "GET", ad, params={"fields": "status"}))["status"] == "PAUSED"
    assert await ask(sandbox, "DELETE", ad) == {"success": True}
    assert code(await ask(sandbox, "GET", ad)) == (100, 33)


async def test_creatives_are_listed_with_what_they_were_created_from(sandbox: Sandbox) -> None:
    image = sandbox.hold("1", "a.jpg", picture(1))
    story = {"page_id": "5", "link_data": {"image_hash": image.hash}}
    data = {"name": "one", "title": "t", "object_story_spec": json.dumps(story)}
    made = await ask(sandbox, "POST", "act_1/adcreatives", data=data)
    params = {"fields": "name,title,object_story_spec,image_hash,body"}
    (listed,) = (await ask(sandbox, "GET", "act_1/adcreatives", params=params))["data"]
    assert listed == {
        "id": made["id"],
        "name": "one",
        "title": "t",
        "object_story_spec": story,
        "image_hash": image.hash,
    }
    existing = await create(sandbox, {"creative_id": made["id"]}, status="PAUSED")
    ad = await ask(sandbox, "GET", existing["id"], params={"fields": "creative"})
    assert ad["creative"] == {"id": made["id"]}


MISTAKES: dict[str, dict[str, str]] = {
    "no name": {"name": ""},
    "no ad set": {"adset_id": ""},
    "no creative": {"creative": "{}"},
    "an unknown image": {"creative": '{"image_hash":"0123"}'},
    "an unknown creative": {"creative": '{"creative_id":"1"}'},
    "a file that is not sent": {"creative": '{"image_file":"a.jpg"}'},
    "a creative without an image": {"creative": '{"title":"t"}'},
    "an unknown status": {"status": "paused"},
}


@pytest.mark.parametrize("mistake", MISTAKES)
async def test_an_ad_with_a_mistake_is_rejected(sandbox: Sandbox, mistake: str) -> None:
    image = sandbox.hold("1", "a.jpg", picture(1))
    data = AD | {"creative": json.dumps({"image_hash": image.hash})} | MISTAKES[mistake]
    assert code(await ask(sandbox, "POST", "act_1/ads", data=data)) == (100, None)
    assert sandbox.creatives.ads_in("1") == []


async def test_an_ad_of_another_account_is_not_reachable() -> None:
    tokens = [Token(DEFAULT_TOKEN), Token.of("narrow", ["2"])]
    async with Sandbox(tokens=tokens) as sandbox:
        image = sandbox.hold("1", "a.jpg", picture(1))
        ad = (await create(sandbox, {"image_hash": image.hash}))["id"]
        (creative,) = sandbox.creatives.using(image)
        for node in (ad, creative):
            for method in ("GET", "DELETE"):
                assert code(await ask(sandbox, method, node, "narrow")) == (100, 33)
        assert sandbox.creatives.is_advertised(image)
