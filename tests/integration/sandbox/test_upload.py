"""Uploads into the sandbox over real HTTP, in every form and with every switch."""

import base64
import io
import zipfile
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest
from support.pictures import picture

from syncd.sandbox.faults import Fault
from syncd.sandbox.server import Sandbox
from syncd.sandbox.switches import Switches, switched

UPLOADED = {
    "hash", "url", "url_128", "url_256", "url_256_height", "url_256_width", "height", "width",
    "name",
}  # fmt: skip


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    async with Sandbox() as running:
        yield running


def files(*parts: tuple[str, bytes]) -> aiohttp.FormData:
    form = aiohttp.FormData(quote_fields=False)
    for name, content in parts:
        form.add_field(name, content, filename=name, content_type="image/jpeg")
    return form


async def post(sandbox: Sandbox, **kwargs: Any) -> tuple[int, Any]:
    headers = {"Authorization": f"Bearer {sandbox.token}"}
    async with (
        aiohttp.ClientSession(headers=headers) as session,
        session.post(f"{sandbox.url}/v25.0/act_1/adimages", **kwargs) as response,
    ):
        return response.status, await response.json()


def subcode(answer: Any) -> tuple[int, int | None]:
    return answer["error"]["code"], answer["error"].get("error_subcode")


async def test_the_response_has_an_entry_for_each_file_name(sandbox: Sandbox) -> None:
    status, answer = await post(
        sandbox, data=files(("a.jpg", picture(1, width=512)), ("ünïcode ☃.png", picture(2, "PNG")))
    )
    assert status == 200
    assert set(answer["images"]) == {"a.jpg", "ünïcode ☃.png"}
    entry = answer["images"]["a.jpg"]
    assert set(entry) == UPLOADED
    assert (entry["width"], entry["height"]) == (512, 30)
    assert (entry["url_256_width"], entry["url_256_height"]) == ("256", "15")


@pytest.mark.parametrize("way", ["form", "urlencoded", "json"])
async def test_bytes_can_be_sent_as_multipart_urlencoded_or_json(
    sandbox: Sandbox, way: str
) -> None:
    text = base64.b64encode(picture(1)).decode()
    match way:
        case "form":
            form = aiohttp.FormData({"bytes": text}, default_to_multipart=True)
            status, answer = await post(sandbox, data=form)
        case "urlencoded":
            status, answer = await post(sandbox, data={"bytes": text})
        case _:
            # The form of the Node SDK: JSON, with the parent's id among the keys.
            status, answer = await post(sandbox, json={"bytes": text, "id": "act_1"})
    assert status == 200
    assert answer["images"]["bytes"]["name"] == "bytes"
    assert len(sandbox.library.images("1")) == 1


async def test_the_same_bytes_have_the_same_hash_and_are_counted_as_repeated(
    sandbox: Sandbox,
) -> None:
    first = await post(sandbox, data=files(("a.jpg", picture(1))))
    second = await post(sandbox, data=files(("b.jpg", picture(1)), ("c.jpg", picture(2))))
    assert first[1]["images"]["a.jpg"]["hash"] == second[1]["images"]["b.jpg"]["hash"]
    assert second[1]["images"]["b.jpg"]["name"] == "a.jpg"
    assert sandbox.counts.repeated_uploads("1") == 1
    assert sandbox.counts.images("1") == 3
    assert sandbox.counts.files_per_post("1") == {1: 1, 2: 1}
    assert len(sandbox.library.images("1")) == 2


async def test_an_image_can_take_its_last_name_with_the_switch() -> None:
    async with Sandbox(Switches(same_bytes_name="last")) as sandbox:
        for name in ("a.jpg", "b.jpg"):
            await post(sandbox, data=files((name, picture(1))))
        assert [image.name for image in sandbox.library.images("1")] == ["b.jpg"]


@pytest.mark.parametrize("setting", ["last_wins", "first_wins"])
async def test_one_of_two_parts_with_one_name_is_in_the_response(setting: str) -> None:
    async with Sandbox(switched(Switches(), [f"same_name={setting}"])) as sandbox:
        _, answer = await post(sandbox, data=files(("a.jpg", picture(1)), ("a.jpg", picture(2))))
        of_first = sandbox.hold("2", "a.jpg", picture(1)).hash
        assert len(answer["images"]) == 1
        assert (answer["images"]["a.jpg"]["hash"] == of_first) is (setting == "first_wins")


async def test_two_parts_with_one_name_can_be_rejected() -> None:
    async with Sandbox(Switches(same_name="refused")) as sandbox:
        status, answer = await post(
            sandbox, data=files(("a.jpg", picture(1)), ("a.jpg", picture(2)))
        )
        assert (status, subcode(answer)) == (400, (100, None))


@pytest.mark.parametrize("name", ["sample", "sample.tmp", "sample."])
async def test_a_name_needs_an_extension(sandbox: Sandbox, name: str) -> None:
    status, answer = await post(sandbox, data=files((name, picture(1))))
    assert (status, subcode(answer)) == (400, (100, 1487411))


async def test_a_name_has_a_hundred_characters_at_most(sandbox: Sandbox) -> None:
    good, long = "a" * 96 + ".jpg", "a" * 97 + ".jpg"
    assert (await post(sandbox, data=files((good, picture(1)))))[0] == 200
    assert subcode((await post(sandbox, data=files((long, picture(2)))))[1]) == (100, None)
    sandbox.switches = Switches(long_name="cut")
    _, answer = await post(sandbox, data=files((long, picture(2))))
    assert answer["images"][long]["name"] == long[:100]


async def test_bad_base64_has_its_own_subcode(sandbox: Sandbox) -> None:
    assert subcode((await post(sandbox, data={"bytes": "no!base64"}))[1]) == (100, 1487242)
    assert subcode((await post(sandbox, data={"bytes": "aGVsbG8="}))[1]) == (100, 1487411)


@pytest.mark.parametrize("data", [None, {"_method": "DELETE", "hash": "0"}])
async def test_a_post_without_an_image_has_an_invalid_parameter(
    sandbox: Sandbox, data: dict[str, str] | None
) -> None:
    assert subcode((await post(sandbox, data=data))[1]) == (100, None)


BAD = ("bad.jpg", b"\xff\xd8\xff no picture")


async def test_one_bad_file_fails_its_post(sandbox: Sandbox) -> None:
    status, answer = await post(sandbox, data=files(("a.jpg", picture(1)), BAD))
    assert (status, subcode(answer)) == (400, (100, 1487197))
    assert sandbox.library.images("1") == []
    assert sandbox.counts.images("1") == 0


async def test_one_bad_file_can_be_skipped_with_the_switch() -> None:
    async with Sandbox(Switches(one_bad_file="skips_it")) as sandbox:
        _, answer = await post(sandbox, data=files(("a.jpg", picture(1)), BAD))
        assert set(answer["images"]) == {"a.jpg"}
        assert subcode((await post(sandbox, data=files(BAD)))[1]) == (100, 1487197)
        sandbox.switches = Switches(one_bad_file="skips_with_error_entry")
        _, answer = await post(sandbox, data=files(("a.jpg", picture(1)), BAD))
        assert answer["images"]["bad.jpg"]["error"]["error_subcode"] == 1487197


async def test_a_fault_can_reject_a_single_image(sandbox: Sandbox) -> None:
    sandbox.faults.add(Fault("2490361", image="evil*"))
    _, answer = await post(sandbox, data=files(("a.jpg", picture(1)), ("evil.jpg", picture(2))))
    assert subcode(answer) == (100, 2490361)
    assert (await post(sandbox, data=files(("a.jpg", picture(1)))))[0] == 200


async def test_posts_of_several_images_can_be_rejected() -> None:
    async with Sandbox(Switches(many_files="refuse", many_files_error="1")) as sandbox:
        two = files(("a.jpg", picture(1)), ("b.jpg", picture(2)))
        status, answer = await post(sandbox, data=two)
        assert (status, subcode(answer)) == (500, (1, None))
        assert (await post(sandbox, data=files(("a.jpg", picture(1)))))[0] == 200
        sandbox.switches = Switches(many_files=2)
        two = files(("a.jpg", picture(1)), ("b.jpg", picture(2)))
        assert (await post(sandbox, data=two))[0] == 200


async def test_an_account_can_reject_files_and_accept_bytes() -> None:
    async with Sandbox(Switches(files="refuse")) as sandbox:
        assert subcode((await post(sandbox, data=files(("a.jpg", picture(1)))))[1]) == (
            100,
            1487411,
        )
        text = base64.b64encode(picture(1)).decode()
        assert (await post(sandbox, data={"bytes": text}))[0] == 200


async def test_a_body_over_the_limit_gets_413_without_json() -> None:
    async with (
        Sandbox(Switches(max_bytes=5000)) as sandbox,
        aiohttp.ClientSession(headers={"Authorization": "Bearer sandbox-token"}) as session,
    ):
        form = files(("a.bmp", picture(1, "BMP", 100, 100)))
        async with session.post(f"{sandbox.url}/act_1/adimages", data=form) as response:
            assert response.status == 413
            assert response.content_type == "text/html"
        assert sandbox.counts.calls("1") == 1


async def test_responses_can_have_the_forms_of_2017_and_2013() -> None:
    async with Sandbox(Switches(answer_keys="hash_and_url", upload_key="hash")) as sandbox:
        _, answer = await post(sandbox, data=files(("a.jpg", picture(1))))
        ((key, entry),) = answer["images"].items()
        assert key == entry["hash"]
        assert set(entry) == {"hash", "url"}


def zipped(*entries: tuple[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in entries:
            archive.writestr(name, content)
    return out.getvalue()


async def test_the_response_to_a_zip_has_its_entries(sandbox: Sandbox) -> None:
    content = zipped(
        ("a.jpg", picture(1)),
        ("in/b.png", picture(2, "PNG")),
        ("__MACOSX/a.jpg", b"x"),
        ("in/._b.png", b"x"),
    )
    _, answer = await post(sandbox, data=files(("test.zip", content)))
    assert set(answer["images"]) == {"a.jpg", "in/b.png"}


@pytest.mark.parametrize("content", [b"PK\x03\x04 broken", zipped(("in/", b""))])
async def test_a_broken_or_empty_zip_is_invalid(sandbox: Sandbox, content: bytes) -> None:
    answer = (await post(sandbox, data=files(("test.zip", content))))[1]
    assert subcode(answer)[0] == 100


@pytest.mark.parametrize(
    ("setting", "status", "held"),
    [
        ("revives", 200, 1),
        ("revives_as_created", 200, 1),
        ("stays_deleted", 200, 0),
        ("refused", 400, 0),
    ],
)
async def test_a_second_upload_of_a_deleted_image_does_what_the_switch_says(
    setting: str, status: int, held: int
) -> None:
    async with Sandbox(switched(Switches(), [f"upload_of_deleted={setting}"])) as sandbox:
        image = sandbox.hold("1", "a.jpg", picture(1))
        sandbox.library.remove("1", image.hash)
        assert (await post(sandbox, data=files(("a.jpg", picture(1)))))[0] == status
        assert len(sandbox.library.images("1")) == held


@pytest.mark.parametrize(("setting", "created"), [("revives", 2), ("revives_as_created", 1)])
async def test_an_image_that_is_uploaded_again_can_keep_its_first_time(
    setting: str, created: int
) -> None:
    now = [1.0]
    switches = switched(Switches(), [f"upload_of_deleted={setting}"])
    async with Sandbox(switches, clock=lambda: now[0]) as sandbox:
        image = sandbox.hold("1", "a.jpg", picture(1))
        sandbox.library.remove("1", image.hash)
        now[0] = 2.0
        await post(sandbox, data=files(("a.jpg", picture(1))))
        assert [its.created_time for its in sandbox.library.images("1")] == [created]
