"""Lists, nodes, copies and deletions in the sandbox over real HTTP."""

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import aiohttp
import pytest
from support.pictures import picture

from syncd.sandbox.server import Sandbox
from syncd.sandbox.switches import Switches, switched
from syncd.sandbox.tokens import DEFAULT_TOKEN, Token
from syncd.sandbox.values import Image

ALL_FIELDS = (
    "id,account_id,created_time,creatives,hash,height,is_associated_creatives_in_adgroups,name,"
    "original_height,original_width,permalink_url,status,updated_time,url,url_128,width"
)
UNKNOWN_HASH = "0" * 32


@dataclass
class Clock:
    now: float = 1_774_346_400.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def sandbox(clock: Clock) -> AsyncIterator[Sandbox]:
    tokens = [Token(DEFAULT_TOKEN), Token.of("narrow", ["1"])]
    async with Sandbox(clock=clock, tokens=tokens) as running:
        yield running


async def ask(
    sandbox: Sandbox, method: str, path: str, token: str = DEFAULT_TOKEN, **kwargs: Any
) -> Any:
    headers = {"Authorization": f"Bearer {token}"}
    async with (
        aiohttp.ClientSession(headers=headers) as session,
        session.request(method, f"{sandbox.url}/v25.0/{path}", **kwargs) as response,
    ):
        return await response.json()


async def listed(sandbox: Sandbox, **params: str) -> Any:
    return await ask(sandbox, "GET", "act_1/adimages", params=params)


def held(sandbox: Sandbox, number: int) -> list[Image]:
    return [sandbox.hold("1", f"Photo {n}.jpg", picture(n, width=10 + n)) for n in range(number)]


def code(answer: Any) -> tuple[int, int | None]:
    return answer["error"]["code"], answer["error"].get("error_subcode")


async def test_a_list_has_id_and_hash_unless_other_fields_are_requested(sandbox: Sandbox) -> None:
    (image,) = held(sandbox, 1)
    answer = await listed(sandbox)
    assert answer["data"] == [{"id": f"1:{image.hash}", "hash": image.hash}]
    assert set(answer["paging"]) == {"cursors"}
    assert "summary" not in answer


async def test_every_field_of_the_reference_page_can_be_requested(sandbox: Sandbox) -> None:
    (image,) = held(sandbox, 1)
    (node,) = (await listed(sandbox, fields=ALL_FIELDS))["data"]
    assert set(node) == set(ALL_FIELDS.split(","))
    assert node["created_time"] == "2026-03-24T10:00:00+0000"
    assert (node["status"], node["creatives"]) == ("ACTIVE", [])
    assert node["is_associated_creatives_in_adgroups"] is False
    assert (node["width"], node["original_width"], node["name"]) == (10, 10, "Photo 0.jpg")
    assert image.hash in node["url"]


async def test_an_unknown_field_is_an_error(sandbox: Sandbox) -> None:
    held(sandbox, 1)
    assert code(await listed(sandbox, fields="hash,nonsense")) == (100, None)


async def test_unknown_hashes_are_left_out_and_the_order_is_unrelated(sandbox: Sandbox) -> None:
    images = held(sandbox, 20)
    wanted = [image.hash for image in images]
    answer = await listed(sandbox, hashes=json.dumps([*wanted, UNKNOWN_HASH]), limit="100")
    found = [node["hash"] for node in answer["data"]]
    assert sorted(found) == sorted(wanted)
    assert found != wanted


@pytest.mark.parametrize(
    ("params", "number"),
    [
        ({"name": "photo 1"}, 1),
        ({"minwidth": "13"}, 2),
        ({"minheight": "30"}, 5),
        ({"minheight": "31"}, 0),
        ({"business_id": "7"}, 5),
        ({"biz_tag_id": "8"}, 0),
    ],
)
async def test_a_list_can_be_filtered(
    sandbox: Sandbox, params: dict[str, str], number: int
) -> None:
    held(sandbox, 5)
    assert len((await listed(sandbox, **params))["data"]) == number


@pytest.mark.parametrize("asked", ["true", "total_count", '["total_count"]'])
async def test_a_summary_counts_the_whole_account(sandbox: Sandbox, asked: str) -> None:
    held(sandbox, 3)
    answer = await listed(sandbox, summary=asked, limit="1", name="photo 1")
    assert answer["summary"] == {"total_count": 3}


async def test_links_lead_from_page_to_page_and_back(sandbox: Sandbox) -> None:
    images = held(sandbox, 5)
    headers = {"Authorization": f"Bearer {sandbox.token}"}
    async with aiohttp.ClientSession(headers=headers) as session:
        pages = []
        url = f"{sandbox.url}/v25.0/act_1/adimages?limit=2&fields=hash"
        while url:
            async with session.get(url) as response:
                pages.append(await response.json())
            url = pages[-1]["paging"].get("next")
        met = [node["hash"] for page in pages for node in page["data"]]
        assert sorted(met) == sorted(image.hash for image in images)
        async with session.get(pages[1]["paging"]["previous"]) as response:
            assert (await response.json())["data"] == pages[0]["data"]
    assert "previous" not in pages[0]["paging"]
    assert "next" not in pages[-1]["paging"]


async def test_a_list_of_the_form_of_2013_is_a_map() -> None:
    async with Sandbox(Switches(list_shape="map")) as sandbox:
        (image,) = held(sandbox, 1)
        answer = await listed(sandbox)
        assert answer["data"][image.hash]["hash"] == image.hash
        assert (answer["count"], answer["offset"]) == (1, 0)


async def test_a_copy_needs_the_source_without_act_and_its_permission(sandbox: Sandbox) -> None:
    (image,) = held(sandbox, 1)

    async def copy(source: str, image_hash: str, token: str = DEFAULT_TOKEN) -> Any:
        text = json.dumps({"source_account_id": source, "hash": image_hash})
        return await ask(sandbox, "POST", "act_1/adimages", token, data={"copy_from": text})

    other = sandbox.hold("2", "other.jpg", picture(9))
    assert code(await copy("act_2", other.hash)) == (100, None)
    assert code(await copy("2", UNKNOWN_HASH)) == (100, None)
    assert code(await copy("2", other.hash, "narrow")) == (200, None)
    assert set((await copy("2", other.hash))["images"]) == {other.hash}
    assert {i.hash for i in sandbox.library.images("1")} == {image.hash, other.hash}
    assert sandbox.counts.calls("1", "copy") == 4
    assert sandbox.counts.repeated_uploads("1") == 0


@pytest.mark.parametrize(
    ("setting", "key"), [("name", "Photo 0.jpg"), ("bytes", "bytes"), ("copy_from", "copy_from")]
)
async def test_a_copy_has_the_key_of_the_switch(setting: str, key: str) -> None:
    async with Sandbox(switched(Switches(), [f"copy_key={setting}"])) as sandbox:
        (image,) = held(sandbox, 1)
        body = {"copy_from": {"source_account_id": "1", "hash": image.hash}}
        answer = await ask(sandbox, "POST", "act_2/adimages", json=body)
        assert answer["images"][key]["hash"] == image.hash


@pytest.mark.parametrize("where", ["query", "urlencoded", "multipart"])
async def test_the_hash_of_a_deletion_can_be_in_query_or_body(sandbox: Sandbox, where: str) -> None:
    (image,) = held(sandbox, 1)
    match where:
        case "query":
            answer = await ask(sandbox, "DELETE", "act_1/adimages", params={"hash": image.hash})
        case "urlencoded":
            answer = await ask(sandbox, "DELETE", "act_1/adimages", data={"hash": image.hash})
        case _:
            form = aiohttp.FormData({"hash": image.hash}, default_to_multipart=True)
            answer = await ask(sandbox, "DELETE", "act_1/adimages", data=form)
    assert answer == {"success": True}
    assert (await listed(sandbox))["data"] == []


async def test_other_ways_to_delete_do_not_work(sandbox: Sandbox) -> None:
    (image,) = held(sandbox, 1)
    by_id = {"image_id": image.id}
    assert code(await ask(sandbox, "DELETE", f"1:{image.hash}")) == (100, 33)
    assert code(await ask(sandbox, "DELETE", "act_1/adimages", params=by_id)) == (100, None)
    assert code(await ask(sandbox, "DELETE", "act_1/adimages", params={"hash": UNKNOWN_HASH})) == (
        100,
        None,
    )
    override = {"_method": "DELETE", "hash": image.hash}
    assert code(await ask(sandbox, "POST", "act_1/adimages", data=override)) == (100, None)
    assert len(sandbox.library.images("1")) == 1


async def test_a_deleted_image_remains_active_during_the_lag(clock: Clock) -> None:
    switches = Switches(deletion_lag=20, deleted_images="by_hash")
    async with Sandbox(switches, clock=clock) as sandbox:
        (image,) = held(sandbox, 1)

        async def status() -> Any:
            answer = await listed(sandbox, hashes=f'["{image.hash}"]', fields="status")
            return [node["status"] for node in answer["data"]]

        deletion = await ask(sandbox, "DELETE", "act_1/adimages", params={"hash": image.hash})
        assert deletion == {"success": True}
        clock.now += 19
        assert await status() == ["ACTIVE"]
        assert len(sandbox.library.images("1")) == 1
        clock.now += 1
        assert await status() == ["DELETED"]
        assert (await listed(sandbox))["data"] == []
        assert sandbox.library.images("1") == []


@pytest.mark.parametrize(("setting", "number"), [("missing", 0), ("listed", 1)])
async def test_deleted_images_are_listed_by_the_switch(setting: str, number: int) -> None:
    async with Sandbox(switched(Switches(), [f"deleted_images={setting}"])) as sandbox:
        (image,) = held(sandbox, 1)
        sandbox.library.remove("1", image.hash)
        assert len((await listed(sandbox, fields="status"))["data"]) == number


async def test_an_image_can_be_deleted_after_its_creative(sandbox: Sandbox) -> None:
    sandbox.switches = Switches(in_use_error="200")
    (image,) = held(sandbox, 1)
    made = await ask(sandbox, "POST", "act_1/adcreatives", data={"image_hash": image.hash})
    (node,) = (await listed(sandbox, fields="creatives"))["data"]
    assert node["creatives"] == [made["id"]]
    named = {"hash": image.hash}
    assert code(await ask(sandbox, "DELETE", "act_1/adimages", params=named)) == (200, None)
    assert await ask(sandbox, "DELETE", made["id"]) == {"success": True}
    assert await ask(sandbox, "DELETE", "act_1/adimages", params=named) == {"success": True}


async def test_me_returns_the_user_and_accounts_of_a_token(sandbox: Sandbox) -> None:
    held(sandbox, 1)
    sandbox.hold("2", "a.jpg", picture(1))
    assert set(await ask(sandbox, "GET", "me")) == {"id", "name"}
    answer = await ask(sandbox, "GET", "me/adaccounts", "narrow")
    assert answer["data"] == [{"account_id": "1", "id": "act_1"}]
    assert sandbox.counts.calls(kind="me") == 2


async def test_the_accounts_of_a_token_are_listed_in_pages(sandbox: Sandbox) -> None:
    for number in range(5):
        sandbox.hold(str(number), "a.jpg", picture(1))
    found: list[Any] = []
    page: Any = None
    query = {"fields": "name,account_status,business{name},currency", "limit": "2"}
    for _ in range(3):
        page = await ask(sandbox, "GET", "me/adaccounts", params=query)
        found += page["data"]
        query["after"] = page["paging"]["cursors"]["after"]
    assert "next" not in page["paging"]
    assert [account["id"] for account in found] == [f"act_{n}" for n in range(5)]
    assert found[0]["business"] == {"id": "90", "name": "Sandbox Business"}
    assert (found[0]["name"], found[0]["account_status"]) == ("Sandbox account 0", 1)


async def test_a_token_can_inspect_itself(sandbox: Sandbox, clock: Clock) -> None:
    sandbox.tokens.add(Token("short", frozenset(), expires_at=clock.now + 60, scopes=("ads_read",)))
    answer = await ask(sandbox, "GET", "debug_token", "short", params={"input_token": "short"})
    data = answer["data"]
    assert (data["is_valid"], data["expires_at"]) == (True, clock.now + 60)
    assert data["scopes"] == ["ads_read"]
    assert data["granular_scopes"] == [{"scope": "ads_read", "target_ids": []}]
    permissions = await ask(sandbox, "GET", "me/permissions", "short")
    assert permissions["data"] == [{"permission": "ads_read", "status": "granted"}]
    assert sandbox.counts.calls(kind="other") == 1, "a call that no account pays for"


async def test_a_token_without_expiry_expires_at_zero(sandbox: Sandbox) -> None:
    inspected = {"input_token": DEFAULT_TOKEN}
    data = (await ask(sandbox, "GET", "debug_token", params=inspected))["data"]
    assert (data["expires_at"], data["data_access_expires_at"]) == (0, 0)
    assert "ads_management" in data["scopes"]


async def test_only_the_app_can_inspect_a_token_if_switched(sandbox: Sandbox) -> None:
    inspected = {"input_token": DEFAULT_TOKEN}
    sandbox.switches = switched(sandbox.switches, ["inspection=app_only"])
    assert code(await ask(sandbox, "GET", "debug_token", params=inspected)) == (100, None)
    assert code(await ask(sandbox, "GET", "debug_token")) == (100, None), "no input_token"


async def test_a_token_ends_with_its_lifetime(sandbox: Sandbox, clock: Clock) -> None:
    sandbox.switches = switched(sandbox.switches, ["token_lifetime=60"])
    assert "id" in await ask(sandbox, "GET", "me")
    clock.now += 60
    assert code(await ask(sandbox, "GET", "me")) == (190, 463)


async def test_a_token_needs_a_scope_for_each_call(sandbox: Sandbox) -> None:
    (image,) = held(sandbox, 1)
    named = {"hash": image.hash}
    sandbox.switches = switched(sandbox.switches, ["token_scopes=ads_read"])
    assert len((await listed(sandbox))["data"]) == 1
    assert code(await ask(sandbox, "DELETE", "act_1/adimages", params=named)) == (294, None)
    sandbox.switches = switched(sandbox.switches, ["token_scopes=business_management"])
    assert code(await listed(sandbox)) == (200, None)


@pytest.mark.parametrize("path", ["nonsense", "act_1/campaigns", "", f"1:{UNKNOWN_HASH}", "act_x"])
async def test_an_unknown_object_is_an_unsupported_request(sandbox: Sandbox, path: str) -> None:
    answer = await ask(sandbox, "GET", path)
    assert code(answer) == (100, 33)
    assert answer["error"]["type"] == "GraphMethodException"


async def test_accounts_outside_the_given_list_do_not_exist() -> None:
    async with Sandbox(accounts=["act_1"]) as sandbox:
        assert (await listed(sandbox))["data"] == []
        assert code(await ask(sandbox, "GET", "act_2/adimages")) == (100, 33)


async def test_an_old_version_is_an_error() -> None:
    async with Sandbox(Switches(oldest_version="v26.0")) as sandbox:
        assert code(await listed(sandbox)) == (2635, None)
