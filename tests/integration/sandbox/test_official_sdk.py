"""Meta's own Python SDK works with the sandbox as with Meta's servers."""

import asyncio
import base64
import io
import os
import zipfile
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from facebook_business.adobjects.ad import Ad
from facebook_business.adobjects.adaccount import AdAccount
from facebook_business.adobjects.adcreative import AdCreative
from facebook_business.adobjects.adimage import AdImage
from facebook_business.adobjects.user import User
from facebook_business.api import FacebookAdsApi
from facebook_business.exceptions import FacebookRequestError
from facebook_business.session import FacebookSession
from support.pictures import picture

from syncd.sandbox.faults import Fault
from syncd.sandbox.server import Sandbox
from syncd.sandbox.tokens import DEFAULT_TOKEN, Token

ACCOUNT = "act_1234"
FIELDS = ["hash", "name", "status", "width", "height", "created_time", "creatives"]


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    async with Sandbox(tokens=[Token(DEFAULT_TOKEN), Token.of("narrow", ["1234"])]) as running:
        yield running


@pytest.fixture
def aim(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], Any]]:
    monkeypatch.setattr(FacebookSession, "GRAPH", sandbox.url)
    monkeypatch.setattr(FacebookAdsApi, "_default_api", None)
    opened: list[Any] = []

    def init(token: str) -> Any:
        opened.append(FacebookAdsApi.init(access_token=token, crash_log=False))
        return opened[-1]

    yield init
    for api in opened:
        api._session.requests.close()


@pytest.fixture
def api(aim: Callable[[str], Any], sandbox: Sandbox) -> Any:
    return aim(sandbox.token)


@pytest.fixture
def pictures(tmp_path: Path) -> list[Path]:
    paths = [tmp_path / f"{n:02}.jpg" for n in range(4)]
    for n, path in enumerate(paths):
        path.write_bytes(picture(n))
    return paths


def create(path: Path) -> Any:
    image = AdImage(parent_id=ACCOUNT)
    image[AdImage.Field.filename] = os.fspath(path)
    image.remote_create()
    return image


async def test_remote_create_holds_the_image(
    api: Any, sandbox: Sandbox, pictures: list[Path]
) -> None:
    image = await asyncio.to_thread(create, pictures[0])
    (held,) = sandbox.library.images("1234")
    assert image[AdImage.Field.hash] == held.hash
    assert held.name == "00.jpg"
    assert sandbox.counts.calls("1234", "upload") == 1


async def test_a_zip_uploads_every_image_in_it(
    api: Any, sandbox: Sandbox, pictures: list[Path], tmp_path: Path
) -> None:
    archive = tmp_path / "test.zip"
    with zipfile.ZipFile(archive, "w") as made:
        for path in pictures:
            made.write(path, path.name)
    images = await asyncio.to_thread(AdImage.remote_create_from_zip, os.fspath(archive), ACCOUNT)
    assert {image["hash"] for image in images} == {i.hash for i in sandbox.library.images("1234")}
    assert sorted(image["name"] for image in images) == [p.name for p in pictures]


async def test_several_files_share_a_post(api: Any, sandbox: Sandbox, pictures: list[Path]) -> None:
    def upload() -> Any:
        files = {path.name: io.BytesIO(path.read_bytes()) for path in pictures}
        return api.call("POST", (ACCOUNT, "adimages"), files=files).json()

    answer = await asyncio.to_thread(upload)
    assert sorted(answer["images"]) == [p.name for p in pictures]
    assert sandbox.counts.calls("1234", "upload") == 1
    assert sandbox.counts.images("1234") == 4


async def test_bytes_become_an_image_with_the_name_bytes(api: Any, sandbox: Sandbox) -> None:
    text = base64.b64encode(picture(1)).decode()
    account = AdAccount(ACCOUNT)
    image = await asyncio.to_thread(account.create_ad_image, params={"bytes": text})
    assert image[AdImage.Field.name] == "bytes"
    assert image[AdImage.Field.hash] == sandbox.library.images("1234")[0].hash


async def test_a_list_is_read_over_all_its_pages(api: Any, sandbox: Sandbox) -> None:
    for n in range(7):
        sandbox.hold("1234", f"{n}.jpg", picture(n))

    def walk() -> tuple[list[Any], int]:
        cursor = AdAccount(ACCOUNT).get_ad_images(fields=FIELDS, params={"limit": 3})
        total = cursor.total()
        return list(cursor), total

    images, total = await asyncio.to_thread(walk)
    assert total == 7
    assert {i["hash"] for i in images} == {i.hash for i in sandbox.library.images("1234")}
    assert {(i["status"], i["width"], i["height"]) for i in images} == {("ACTIVE", 40, 30)}
    assert sandbox.counts.calls("1234", "list") == 3


async def test_images_are_found_by_their_hashes(api: Any, sandbox: Sandbox) -> None:
    held = [sandbox.hold("1234", f"{n}.jpg", picture(n)) for n in range(3)]
    wanted = [held[0].hash, held[2].hash, "0" * 32]
    found = await asyncio.to_thread(
        lambda: list(AdAccount(ACCOUNT).get_ad_images(params={"hashes": wanted}))
    )
    assert {image["hash"] for image in found} == {held[0].hash, held[2].hash}


@pytest.mark.parametrize(
    ("params", "number"),
    [
        ({"name": "photo 1"}, 1),
        ({"minwidth": 41}, 0),
        ({"minwidth": 40, "minheight": 30}, 3),
        ({"business_id": "7"}, 3),
        ({"biz_tag_id": 8}, 0),
    ],
)
async def test_a_list_is_filtered_by_every_parameter_of_the_sdk(
    api: Any, sandbox: Sandbox, params: dict[str, Any], number: int
) -> None:
    for n in range(3):
        sandbox.hold("1234", f"photo {n}.jpg", picture(n))
    found = await asyncio.to_thread(lambda: list(AdAccount(ACCOUNT).get_ad_images(params=params)))
    assert len(found) == number


async def test_an_image_is_read_by_its_id(api: Any, sandbox: Sandbox) -> None:
    held = sandbox.hold("1234", "a.jpg", picture(1))
    image = await asyncio.to_thread(AdImage(held.id).api_get, fields=["name", "original_width"])
    assert (image["name"], image["original_width"]) == ("a.jpg", 40)


async def test_a_copy_has_the_same_hash(api: Any, sandbox: Sandbox) -> None:
    held = sandbox.hold("1234", "a.jpg", picture(1))
    params = {"copy_from": {"source_account_id": "1234", "hash": held.hash}}
    image = await asyncio.to_thread(AdAccount("act_99").create_ad_image, params=params)
    assert image["hash"] == held.hash
    assert [i.sha256 for i in sandbox.library.images("99")] == [held.sha256]
    assert (sandbox.counts.calls("99", "copy"), sandbox.counts.calls("1234")) == (1, 0)


async def test_a_deletion_reports_success(api: Any, sandbox: Sandbox) -> None:
    held = sandbox.hold("1234", "a.jpg", picture(1))
    image = AdImage(parent_id=ACCOUNT)
    await asyncio.to_thread(AdAccount(ACCOUNT).delete_ad_images, params={"hash": held.hash})
    assert sandbox.library.images("1234") == []
    assert image.get_node_path() == (ACCOUNT, "adimages")


async def test_an_image_in_a_creative_is_not_deleted(api: Any, sandbox: Sandbox) -> None:
    held = sandbox.hold("1234", "a.jpg", picture(1))

    def use_and_delete() -> None:
        AdAccount(ACCOUNT).create_ad_creative(params={"image_hash": held.hash, "name": "one"})
        AdAccount(ACCOUNT).delete_ad_images(params={"hash": held.hash})

    with pytest.raises(FacebookRequestError) as caught:
        await asyncio.to_thread(use_and_delete)
    assert caught.value.api_error_code() == 100
    assert len(sandbox.library.images("1234")) == 1


async def test_a_paused_ad_is_created_of_an_uploaded_image(
    api: Any, sandbox: Sandbox, pictures: list[Path]
) -> None:
    def use() -> tuple[Any, Any]:
        creative = AdCreative(parent_id=ACCOUNT)
        creative[AdCreative.Field.title] = "My Test Creative"
        creative[AdCreative.Field.image_hash] = create(pictures[0])[AdImage.Field.hash]
        made = AdAccount(ACCOUNT).create_ad(
            params={
                "name": "My Ad",
                "adset_id": "5",
                "creative": creative,
                "status": Ad.Status.paused,
            }
        )
        ads = list(AdAccount(ACCOUNT).get_ads(fields=["name", "status", "adset_id"]))
        return made, ads

    made, (listed,) = await asyncio.to_thread(use)
    assert (listed["id"], listed["status"], listed["adset_id"]) == (made["id"], "PAUSED", "5")
    (image,) = sandbox.library.images("1234")
    assert sandbox.creatives.is_advertised(image)
    assert sandbox.creatives.ads("1234") == 0

    def read() -> Any:
        fields = ["creatives", "is_associated_creatives_in_adgroups"]
        (node,) = AdAccount(ACCOUNT).get_ad_images(fields=fields)
        return node

    node = await asyncio.to_thread(read)
    assert node["creatives"] == sandbox.creatives.using(image)
    assert node["is_associated_creatives_in_adgroups"] is True


async def test_an_ad_is_created_with_the_file_of_its_image(
    api: Any, sandbox: Sandbox, pictures: list[Path]
) -> None:
    def make() -> Any:
        params = {
            "campaign_id": "5",
            "name": "My ad",
            "creative": {"title": "test title", "image_file": "test.jpg"},
            "status": "PAUSED",
        }
        with pictures[0].open("rb") as file:
            files = {"test.jpg": ("test.jpg", file)}
            return api.call("POST", (ACCOUNT, "ads"), params=params, files=files).json()

    made = await asyncio.to_thread(make)
    (image,) = sandbox.library.images("1234")
    assert image.name == "test.jpg"
    (ad,) = sandbox.creatives.ads_in("1234")
    assert (ad.id, ad.status) == (made["id"], "PAUSED")

    def listed() -> list[Any]:
        return list(AdAccount(ACCOUNT).get_ad_creatives(fields=["title", "image_hash"]))

    (creative,) = await asyncio.to_thread(listed)
    assert (creative["title"], creative["image_hash"]) == ("test title", image.hash)


async def test_a_batch_has_a_response_for_each_call(api: Any, sandbox: Sandbox) -> None:
    held = sandbox.hold("1234", "a.jpg", picture(1))
    answers: list[Any] = []

    def ask() -> Any:
        batch = api.new_batch()
        AdAccount(ACCOUNT).get_ad_images(batch=batch, success=answers.append)
        AdAccount(ACCOUNT).delete_ad_images(
            params={"hash": "0" * 32}, batch=batch, failure=answers.append
        )
        return batch.execute()

    assert await asyncio.to_thread(ask) is None
    assert answers[0].json()["data"][0]["hash"] == held.hash
    assert answers[1].error().api_error_code() == 100
    assert sandbox.counts.calls("1234") == 2


@pytest.mark.parametrize(
    ("name", "status", "code", "subcode"),
    [
        ("80004", 400, 80004, 2446079),
        ("17", 400, 17, 2446079),
        ("613", 400, 613, None),
        ("4", 403, 4, None),
        ("2", 500, 2, None),
        ("100/33", 400, 100, 33),
        ("368", 400, 368, None),
    ],
)
async def test_errors_are_raised_with_their_codes(
    api: Any, sandbox: Sandbox, *, name: str, status: int, code: int, subcode: int | None
) -> None:
    sandbox.faults.add(Fault(name, times=1))
    with pytest.raises(FacebookRequestError) as caught:
        await asyncio.to_thread(AdAccount(ACCOUNT).get_ad_images)
    error = caught.value
    assert (error.http_status(), error.api_error_code(), error.api_error_subcode()) == (
        status,
        code,
        subcode,
    )


async def test_a_broken_picture_is_rejected(api: Any) -> None:
    broken = {"broken.jpg": ("broken.jpg", picture(1)[:300])}
    with pytest.raises(FacebookRequestError) as caught:
        await asyncio.to_thread(api.call, "POST", (ACCOUNT, "adimages"), files=broken)
    assert (caught.value.api_error_code(), caught.value.api_error_subcode()) == (100, 1487197)


@pytest.mark.parametrize(("token", "code", "status"), [("other", 190, 400), ("narrow", 200, 403)])
async def test_a_token_without_permission_for_the_account_is_an_error(
    aim: Callable[[str], Any], token: str, code: int, status: int
) -> None:
    aim(token)
    with pytest.raises(FacebookRequestError) as caught:
        await asyncio.to_thread(AdAccount("act_99").get_ad_images)
    assert (caught.value.api_error_code(), caught.value.http_status()) == (code, status)


async def test_the_account_is_read(api: Any) -> None:
    account = await asyncio.to_thread(
        AdAccount(ACCOUNT).api_get, fields=["account_id", "account_status", "currency"]
    )
    assert (account["account_id"], account["account_status"]) == ("1234", 1)


async def test_the_accounts_of_a_token_are_read_over_all_pages(api: Any, sandbox: Sandbox) -> None:
    for number in range(5):
        sandbox.hold(str(number), "a.jpg", picture(1))
    fields = ["name", "account_id", "account_status", "business"]
    accounts = await asyncio.to_thread(
        lambda: list(User("me").get_ad_accounts(fields=fields, params={"limit": 2}))
    )
    assert [account["account_id"] for account in accounts] == [str(n) for n in range(5)]
    assert accounts[0]["business"]["name"] == "Sandbox Business"
    assert sandbox.counts.calls(kind="me") == 3


async def test_a_token_inspects_itself(api: Any, sandbox: Sandbox) -> None:
    params = {"input_token": sandbox.token}
    answer = await asyncio.to_thread(lambda: api.call("GET", ("debug_token",), params=params))
    data = answer.json()["data"]
    assert (data["is_valid"], data["expires_at"]) == (True, 0)
    assert "ads_management" in data["scopes"]
