"""The client's lists, copies and deletions against a foreign server.

Whatever its behaviour: every image is listed once, no used image counts as unused, an unreadable
response is an error, and no request breaks a rule.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any

import pytest
from support.foreign_server import Behaviour, Break, ForeignServer, Key, Reply, error, throttle
from support.foreign_server.library import FIRST
from support.foreign_server.server import TOKEN
from support.pictures import picture

from syncd.config import Secret
from syncd.graph.body import Part
from syncd.graph.client import Credentials, GraphClient, GraphError, connect
from syncd.model import AccountId, Entry, ImageHash, ImageStatus, Listed
from syncd.rules.errors import Verdict, judge

DEADLINE = 10.0
HERE, SOURCE = AccountId("41"), AccountId("42")
OURS = Credentials(Secret(TOKEN), Secret("app secret"))


@asynccontextmanager
async def connected_to(
    behaviour: Behaviour | None = None,
) -> AsyncIterator[tuple[ForeignServer, GraphClient]]:
    async with ForeignServer(behaviour) as server, connect(server.url, "v25.0", 1.0) as client:
        async with asyncio.timeout(DEADLINE):
            yield server, client
        assert not server.complaints, server.complaints


async def uploaded(client: GraphClient, count: int, account: AccountId = HERE) -> list[ImageHash]:
    parts = [Part(f"{n:02}.jpg", "image/jpeg", picture(n)) for n in range(count)]
    entries = (await client.upload(account, OURS, parts)).entries
    return [entries[part.name].hash for part in parts]


async def read(client: GraphClient, hashes: list[ImageHash]) -> dict[ImageHash, Listed]:
    """Return the images with these hashes, from all pages."""
    pages = [await client.images(HERE, OURS, hashes)]
    while pages[-1].after is not None:
        pages.append(await client.images(HERE, OURS, hashes, pages[-1].after))
    images = [image for page in pages for image in page.images]
    assert len({image.hash for image in images}) == len(images)
    return {image.hash: image for image in images}


async def listed_hashes(client: GraphClient, limit: int) -> list[ImageHash]:
    """Return the hashes of the whole library, from all pages."""
    pages = [await client.library(HERE, OURS, None, limit)]
    while pages[-1].after is not None:
        pages.append(await client.library(HERE, OURS, pages[-1].after, limit))
    return sorted(image.hash for page in pages for image in page.images)


async def failure(call: Any) -> GraphError:
    with pytest.raises(GraphError) as raised:
        await call
    return raised.value


def as_map(answer: dict[str, Any]) -> dict[str, Any]:
    data = {image["hash"]: image for image in answer["data"]}
    return {**answer, "data": data, "count": len(data), "limit": 25, "offset": 0}


def as_map_without_hashes(answer: dict[str, Any]) -> dict[str, Any]:
    data = {i["hash"]: {k: v for k, v in i.items() if k != "hash"} for i in answer["data"]}
    return {**answer, "data": data}


def without_cursors(answer: dict[str, Any]) -> dict[str, Any]:
    return {**answer, "paging": {k: v for k, v in answer["paging"].items() if k == "next"}}


def with_next_as_a_flag(answer: dict[str, Any]) -> dict[str, Any]:
    paging = answer["paging"]
    return {**answer, "paging": paging | {"next": True} if "next" in paging else paging}


LISTINGS: dict[str, Behaviour] = {
    "today": Behaviour(),
    "a map by hash": Behaviour(listing=as_map),
    "a map whose values have no hash": Behaviour(listing=as_map_without_hashes),
    "short pages": Behaviour(page=lambda limit: max(1, limit // 3)),
    "one image per page": Behaviour(page=lambda _limit: 1),
    "no cursors": Behaviour(page=lambda _limit: 2, listing=without_cursors),
    "next is true": Behaviour(page=lambda _limit: 2, listing=with_next_as_a_flag),
    "more keys": Behaviour(listing=lambda answer: answer | {"extra": [{}], "id": 1}),
    "no summary": Behaviour(listing=lambda answer: {k: answer[k] for k in ("data", "paging")}),
    "total as a string": Behaviour(
        listing=lambda answer: answer | {"summary": {"total_count": "9"}}
    ),
    "chunked, compressed": Behaviour(chunked=True, compressed=True),
    "HTTP/1.0": Behaviour(http_1_0=True),
}


@pytest.mark.parametrize("form", LISTINGS)
async def test_every_image_is_listed_once_whatever_the_form_of_a_list(form: str) -> None:
    async with connected_to(LISTINGS[form]) as (_, client):
        hashes = await uploaded(client, 9)
        assert await listed_hashes(client, 4) == sorted(hashes)
        unknown = ImageHash("0" * 32)
        images = await read(client, [unknown, *hashes[:7]])
        assert images.keys() == set(hashes[:7])
        for n, image_hash in enumerate(hashes[:7]):
            moment = FIRST + 60.0 * n
            status = ImageStatus.ACTIVE
            assert images[image_hash] == Listed(
                hash=image_hash, name=f"{n:02}.jpg", status=status, created_at=moment, used=False
            )


async def test_a_short_or_empty_page_can_be_followed_by_another() -> None:
    hidden: set[str] = set()
    async with connected_to(Behaviour(page=lambda _limit: 2, hidden=hidden.__contains__)) as (
        _,
        client,
    ):
        hashes = await uploaded(client, 8)
        first = await client.library(HERE, OURS, None, 100)
        hidden |= {image.hash for image in first.images}
        again = await client.library(HERE, OURS, None, 100)
        assert again.images == ()
        assert again.after is not None
        assert again.total == 8
        assert await listed_hashes(client, 100) == sorted(set(hashes) - hidden)


async def test_a_list_whose_next_page_is_the_same_page_ends() -> None:
    pagings: list[dict[str, Any]] = []

    def listing(answer: dict[str, Any]) -> dict[str, Any]:
        pagings.append(answer["paging"])
        return {**answer, "paging": pagings[0]}

    async with connected_to(Behaviour(page=lambda _limit: 2, listing=listing)) as (server, client):
        await uploaded(client, 8)
        await listed_hashes(client, 100)
        assert len([call for call in server.calls if call.head.method == "GET"]) == 2


async def test_a_cursor_is_invalid_after_its_image_was_deleted() -> None:
    async with connected_to(Behaviour(page=lambda _limit: 2)) as (_, client):
        await uploaded(client, 8)
        page = await client.library(HERE, OURS, None, 100)
        for image in page.images:
            await client.delete(HERE, OURS, image.hash)
        assert (await failure(client.library(HERE, OURS, page.after, 100))).api_error.code == 100


def with_fields(**fields: object) -> Callable[[dict[str, Any]], dict[str, Any]]:
    return lambda image: image | fields


def without(*names: str) -> Callable[[dict[str, Any]], dict[str, Any]]:
    return lambda image: {k: v for k, v in image.items() if k not in names}


def with_a_count(image: dict[str, Any]) -> dict[str, Any]:
    return image | {"creatives": len(image["creatives"])}


def with_an_edge(image: dict[str, Any]) -> dict[str, Any]:
    users = [{"id": one} for one in image["creatives"]]
    return image | {"creatives": {"data": users, "paging": {}}}


def with_ads_only(image: dict[str, Any]) -> dict[str, Any]:
    associated = str(bool(image["creatives"])).lower()
    return {k: v for k, v in image.items() if k != "creatives"} | {
        "is_associated_creatives_in_adgroups": associated
    }


def without_empty_fields(image: dict[str, Any]) -> dict[str, Any]:
    return {k: v for k, v in image.items() if v not in ([], False)}


USES: dict[str, tuple[Callable[[dict[str, Any]], object], bool | None, bool | None]] = {
    "ids": (lambda image: image, True, False),
    "a number": (with_a_count, True, False),
    "an edge": (with_an_edge, True, False),
    "only ads": (with_ads_only, True, False),
    "empty fields left out": (without_empty_fields, True, None),
    "neither field": (without("creatives", "is_associated_creatives_in_adgroups"), None, None),
    "nulls": (with_fields(creatives=None, is_associated_creatives_in_adgroups=None), None, None),
    "an unknown form": (with_fields(creatives={"count": 1}), None, None),
}
"""The form of the fields; how a used and an unused image are read."""


@pytest.mark.parametrize("use", USES)
async def test_a_used_image_never_counts_as_unused(use: str) -> None:
    listed, of_used, of_unused = USES[use]
    async with connected_to(Behaviour(listed=listed)) as (server, client):
        used, unused = await uploaded(client, 2)
        held = server.library.find(HERE, used)
        assert held is not None
        held.creatives.append("120")
        images = await read(client, [used, unused])
        assert (images[used].used, images[unused].used) == (of_used, of_unused)
        assert (await failure(client.delete(HERE, OURS, used))).api_error.code == 100
        assert server.library.hashes(HERE) == {used, unused}


MOMENTS: dict[str, tuple[object, float | None]] = {
    "Z": ("2026-03-24T10:00:00Z", FIRST),
    "an offset with a colon": ("2026-03-24T12:00:00+02:00", FIRST),
    "seconds": (FIRST, FIRST),
    "seconds as a string": (str(FIRST), FIRST),
    "milliseconds": (FIRST * 1000, None),
    "no offset": ("2026-03-24T10:00:00", None),
    "words": ("a while ago", None),
    "null": (None, None),
}


@pytest.mark.parametrize("form", MOMENTS)
async def test_a_creation_time_is_read_or_unknown(form: str) -> None:
    written, moment = MOMENTS[form]
    async with connected_to(Behaviour(listed=with_fields(created_time=written))) as (_, client):
        (image_hash,) = await uploaded(client, 1)
        images = await read(client, [image_hash])
        assert images[image_hash].created_at == moment


UNREADABLE = {
    "nothing": Reply(200),
    "truncated": Reply(200, b'{"data":[{"hash":"d8fc'),
    "no data": Reply(200, b"{}"),
    "null": Reply(200, b'{"data":null}'),
    "a page": Reply(200, b"<html>Welcome", content_type="text/html"),
    "a next without a cursor": Reply(200, b'{"data":[],"paging":{"next":"https://x/"}}'),
    "204": Reply(204),
    "502": Reply(502, b"<html>"),
}


@pytest.mark.parametrize("what", UNREADABLE)
async def test_an_unreadable_list_is_an_error_and_not_an_empty_list(what: str) -> None:
    async with connected_to() as (server, client):
        hashes = await uploaded(client, 2)
        server.other_script.append(UNREADABLE[what])
        failed = await failure(client.images(HERE, OURS, hashes))
        assert judge(failed.api_error) is Verdict.RETRY
        assert await read(client, hashes)


CALLS: dict[str, Callable[[GraphClient, ImageHash], Any]] = {
    "images": lambda client, image: client.images(HERE, OURS, [image]),
    "library": lambda client, _: client.library(HERE, OURS, None, 10),
    "delete": lambda client, image: client.delete(HERE, OURS, image),
}


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("broken", list(Break))
async def test_a_call_is_sent_once_when_the_connection_breaks(call: str, broken: Break) -> None:
    async with connected_to() as (server, client):
        (image,) = await uploaded(client, 1)
        await read(client, [image])
        before = len(server.calls)
        server.other_script.append(broken)
        failed = await failure(CALLS[call](client, image))
        assert judge(failed.api_error) is Verdict.RETRY
        assert len(server.calls) == before + 1


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize(
    ("reply", "verdict"),
    [
        (throttle(80004, 2446079), Verdict.PAUSE_ACCOUNT),
        (error(403, 4, is_transient=True), Verdict.PAUSE_TOKEN),
        (error(200, 190), Verdict.STOP_TOKEN),
        (error(400, 100, 33), Verdict.STOP_ACCOUNT),
        (error(500, 2), Verdict.RETRY),
    ],
)
async def test_an_error_has_the_verdict_of_its_code(
    call: str, reply: Reply, verdict: Verdict
) -> None:
    async with connected_to() as (server, client):
        (image,) = await uploaded(client, 1)
        server.other_script.append(reply)
        assert judge((await failure(CALLS[call](client, image))).api_error) is verdict


@pytest.mark.parametrize("answer", [{"success": True}, {"success": "true", "id": 1}])
@pytest.mark.parametrize("status", [None, "DELETED", "ACTIVE", "EXPUNGED"])
async def test_a_deletion_is_requested_and_its_result_read(
    status: str | None, answer: Mapping[str, object]
) -> None:
    async with connected_to(Behaviour(deleted=answer, deleted_status=status)) as (server, client):
        kept, gone = await uploaded(client, 2)
        await client.delete(HERE, OURS, gone)
        assert server.library.hashes(HERE) == {kept}
        images = await read(client, [kept, gone])
        assert images[kept].status is ImageStatus.ACTIVE
        special = {None: None, "EXPUNGED": ImageStatus.UNKNOWN}
        expected = special[status] if status in special else ImageStatus(status)
        assert (images[gone].status if gone in images else None) is expected


async def test_a_rejected_deletion_keeps_the_image_and_reports_the_reason() -> None:
    rejection = error(400, 100, 1885183, message="(foreign) in use")
    async with connected_to(Behaviour(rejects_deletion=lambda _hash: rejection)) as (
        server,
        client,
    ):
        (image,) = await uploaded(client, 1)
        problem = (await failure(client.delete(HERE, OURS, image))).api_error
        assert (problem.code, problem.subcode) == (100, 1885183)
        assert problem.message == "(foreign) in use"
        assert server.library.hashes(HERE) == {image}


@pytest.mark.parametrize("answer", [{"success": False}, {}, [], None, True, {"success": "no"}])
async def test_a_deletion_without_reported_success_is_an_error(answer: object) -> None:
    async with connected_to(Behaviour(deleted=answer)) as (_, client):
        (image,) = await uploaded(client, 1)
        assert (await failure(client.delete(HERE, OURS, image))).api_error.code is None


KEYS: dict[str, Key] = {
    "the name": lambda _index, name, _hash: name,
    "the hash": lambda _index, _name, image_hash: image_hash,
    "bytes": lambda _index, _name, _hash: "bytes",
    "copy_from": lambda _index, _name, _hash: "copy_from",
    "a number": lambda index, _name, _hash: str(index),
    "empty": lambda _index, _name, _hash: "",
}


@pytest.mark.parametrize("same", [True, False], ids=["the same hash", "another hash"])
@pytest.mark.parametrize("key", KEYS)
async def test_a_copy_is_held_under_the_hash_of_the_response(key: str, same: bool) -> None:
    def copied_as(image_hash: str) -> str:
        return image_hash if same else image_hash[::-1]

    async with connected_to(Behaviour(copied_as=copied_as, key=KEYS[key])) as (server, client):
        original = ImageHash("d8fc613662fb5ff2d3d7e4a3a1a3b2c1")
        server.library.put(SOURCE, original, "a.jpg")
        copied = await client.copy(HERE, OURS, SOURCE, original)
        assert [entry.hash for entry in copied.entries.values()] == [copied_as(original)]
        assert server.library.hashes(HERE) == {copied_as(original)}
        assert copied.server_time is None


async def test_the_entry_of_a_copy_needs_only_its_hash() -> None:
    async with connected_to(Behaviour(entry=lambda full: {"hash": full["hash"]})) as (_, client):
        (original,) = await uploaded(client, 1, SOURCE)
        copied = await client.copy(HERE, OURS, SOURCE, original)
        assert list(copied.entries.values()) == [Entry(hash=original)]


async def test_a_copy_of_a_deleted_image_is_an_error() -> None:
    async with connected_to() as (_, client):
        (original,) = await uploaded(client, 1, SOURCE)
        await client.delete(SOURCE, OURS, original)
        assert (await failure(client.copy(HERE, OURS, SOURCE, original))).api_error.code == 100


async def test_fifty_hashes_are_listed_in_one_call() -> None:
    async with connected_to() as (server, client):
        hashes = [ImageHash(f"{n:032x}") for n in range(50)]
        for known in hashes[::2]:
            server.library.put(HERE, known, json.dumps(known))
        assert (await read(client, hashes)).keys() == set(hashes[::2])
