"""The client's lists, copies and deletions against the server that a stranger wrote.

Whatever the habit: every image is listed once, nothing used is taken for unused, what cannot be
read is an error, and what goes over the wire gives no cause for complaint.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any

import pytest
from support.foreign_server import Break, Habits, Key, Reply, Stranger, error, throttle
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
async def met(habits: Habits | None = None) -> AsyncIterator[tuple[Stranger, GraphClient]]:
    async with Stranger(habits) as stranger, connect(stranger.url, "v25.0", 1.0) as client:
        async with asyncio.timeout(DEADLINE):
            yield stranger, client
        assert not stranger.complaints, stranger.complaints


async def brought(client: GraphClient, count: int, account: AccountId = HERE) -> list[ImageHash]:
    parts = [Part(f"{n:02}.jpg", "image/jpeg", picture(n)) for n in range(count)]
    entries = (await client.upload(account, OURS, parts)).entries
    return [entries[part.name].hash for part in parts]


async def read(client: GraphClient, hashes: list[ImageHash]) -> dict[ImageHash, Listed]:
    """Read images by their hashes, page after page."""
    pages = [await client.images(HERE, OURS, hashes)]
    while pages[-1].after is not None:
        pages.append(await client.images(HERE, OURS, hashes, pages[-1].after))
    images = [image for page in pages for image in page.images]
    assert len({image.hash for image in images}) == len(images)
    return {image.hash: image for image in images}


async def walked(client: GraphClient, limit: int) -> list[ImageHash]:
    """Read the whole library, page after page."""
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


def as_map_of_the_rest(answer: dict[str, Any]) -> dict[str, Any]:
    data = {i["hash"]: {k: v for k, v in i.items() if k != "hash"} for i in answer["data"]}
    return {**answer, "data": data}


def without_cursors(answer: dict[str, Any]) -> dict[str, Any]:
    return {**answer, "paging": {k: v for k, v in answer["paging"].items() if k == "next"}}


def with_next_told_shortly(answer: dict[str, Any]) -> dict[str, Any]:
    paging = answer["paging"]
    return {**answer, "paging": paging | {"next": True} if "next" in paging else paging}


LISTINGS: dict[str, Habits] = {
    "today's": Habits(),
    "a map by hash": Habits(listing=as_map),
    "a map whose values have no hash": Habits(listing=as_map_of_the_rest),
    "short pages": Habits(page=lambda limit: max(1, limit // 3)),
    "one by one": Habits(page=lambda _limit: 1),
    "no cursors": Habits(page=lambda _limit: 2, listing=without_cursors),
    "next is a yes": Habits(page=lambda _limit: 2, listing=with_next_told_shortly),
    "more beside": Habits(listing=lambda answer: answer | {"extra": [{}], "id": 1}),
    "no summary": Habits(listing=lambda answer: {k: answer[k] for k in ("data", "paging")}),
    "texts": Habits(listing=lambda answer: answer | {"summary": {"total_count": "9"}}),
    "chunked, compressed": Habits(chunked=True, compressed=True),
    "HTTP/1.0": Habits(http_1_0=True),
}


@pytest.mark.parametrize("habit", LISTINGS)
async def test_every_image_is_listed_once_whatever_a_list_looks_like(habit: str) -> None:
    async with met(LISTINGS[habit]) as (_, client):
        hashes = await brought(client, 9)
        assert await walked(client, 4) == sorted(hashes)
        unknown = ImageHash("0" * 32)
        images = await read(client, [unknown, *hashes[:7]])
        assert images.keys() == set(hashes[:7])
        for n, image_hash in enumerate(hashes[:7]):
            moment = FIRST + 60.0 * n
            status = ImageStatus.ACTIVE
            assert images[image_hash] == Listed(
                hash=image_hash, name=f"{n:02}.jpg", status=status, created_at=moment, used=False
            )


async def test_a_page_may_be_short_or_empty_and_still_have_a_next() -> None:
    hidden: set[str] = set()
    async with met(Habits(page=lambda _limit: 2, hidden=hidden.__contains__)) as (_, client):
        hashes = await brought(client, 8)
        first = await client.library(HERE, OURS, None, 100)
        hidden |= {image.hash for image in first.images}
        again = await client.library(HERE, OURS, None, 100)
        assert again.images == ()
        assert again.after is not None
        assert again.total == 8
        assert await walked(client, 100) == sorted(set(hashes) - hidden)


async def test_a_list_that_leads_back_to_itself_ends() -> None:
    stuck: list[dict[str, Any]] = []

    def listing(answer: dict[str, Any]) -> dict[str, Any]:
        stuck.append(answer["paging"])
        return {**answer, "paging": stuck[0]}

    async with met(Habits(page=lambda _limit: 2, listing=listing)) as (stranger, client):
        await brought(client, 8)
        await walked(client, 100)
        assert len([call for call in stranger.calls if call.head.method == "GET"]) == 2


async def test_a_cursor_dies_with_its_image() -> None:
    async with met(Habits(page=lambda _limit: 2)) as (_, client):
        await brought(client, 8)
        page = await client.library(HERE, OURS, None, 100)
        for image in page.images:
            await client.delete(HERE, OURS, image.hash)
        assert (await failure(client.library(HERE, OURS, page.after, 100))).fault.code == 100


def said(**fields: object) -> Callable[[dict[str, Any]], dict[str, Any]]:
    return lambda image: image | fields


def unsaid(*names: str) -> Callable[[dict[str, Any]], dict[str, Any]]:
    return lambda image: {k: v for k, v in image.items() if k not in names}


def counted(image: dict[str, Any]) -> dict[str, Any]:
    return image | {"creatives": len(image["creatives"])}


def connected(image: dict[str, Any]) -> dict[str, Any]:
    users = [{"id": one} for one in image["creatives"]]
    return image | {"creatives": {"data": users, "paging": {}}}


def told(image: dict[str, Any]) -> dict[str, Any]:
    associated = str(bool(image["creatives"])).lower()
    return {k: v for k, v in image.items() if k != "creatives"} | {
        "is_associated_creatives_in_adgroups": associated
    }


def sparse(image: dict[str, Any]) -> dict[str, Any]:
    return {k: v for k, v in image.items() if v not in ([], False)}


USES: dict[str, tuple[Callable[[dict[str, Any]], object], bool | None, bool | None]] = {
    "ids": (lambda image: image, True, False),
    "a number": (counted, True, False),
    "an edge": (connected, True, False),
    "ads alone": (told, True, False),
    "what is empty is left out": (sparse, True, None),
    "neither": (unsaid("creatives", "is_associated_creatives_in_adgroups"), None, None),
    "nulls": (said(creatives=None, is_associated_creatives_in_adgroups=None), None, None),
    "puzzles": (said(creatives={"count": 1}), None, None),
}
"""How it is said; what is understood of an image that is used, and of one that is not."""


@pytest.mark.parametrize("use", USES)
async def test_nothing_used_is_taken_for_unused(use: str) -> None:
    listed, of_used, of_unused = USES[use]
    async with met(Habits(listed=listed)) as (stranger, client):
        used, unused = await brought(client, 2)
        held = stranger.library.find(HERE, used)
        assert held is not None
        held.creatives.append("120")
        images = await read(client, [used, unused])
        assert (images[used].used, images[unused].used) == (of_used, of_unused)
        assert (await failure(client.delete(HERE, OURS, used))).fault.code == 100
        assert stranger.library.hashes(HERE) == {used, unused}


MOMENTS: dict[str, tuple[object, float | None]] = {
    "Z": ("2026-03-24T10:00:00Z", FIRST),
    "a colon": ("2026-03-24T12:00:00+02:00", FIRST),
    "seconds": (FIRST, FIRST),
    "seconds as a text": (str(FIRST), FIRST),
    "milliseconds": (FIRST * 1000, None),
    "nobody's clock": ("2026-03-24T10:00:00", None),
    "words": ("a while ago", None),
    "null": (None, None),
}


@pytest.mark.parametrize("form", MOMENTS)
async def test_a_time_is_understood_or_unknown(form: str) -> None:
    written, moment = MOMENTS[form]
    async with met(Habits(listed=said(created_time=written))) as (_, client):
        (image_hash,) = await brought(client, 1)
        images = await read(client, [image_hash])
        assert images[image_hash].created_at == moment


UNREADABLE = {
    "nothing": Reply(200),
    "half": Reply(200, b'{"data":[{"hash":"d8fc'),
    "no data": Reply(200, b"{}"),
    "null": Reply(200, b'{"data":null}'),
    "a page": Reply(200, b"<html>Welcome", content_type="text/html"),
    "a next to nowhere": Reply(200, b'{"data":[],"paging":{"next":"https://x/"}}'),
    "204": Reply(204),
    "502": Reply(502, b"<html>"),
}


@pytest.mark.parametrize("what", UNREADABLE)
async def test_what_cannot_be_read_is_no_empty_list(what: str) -> None:
    async with met() as (stranger, client):
        hashes = await brought(client, 2)
        stranger.errands.append(UNREADABLE[what])
        refusal = await failure(client.images(HERE, OURS, hashes))
        assert judge(refusal.fault) is Verdict.RETRY
        assert await read(client, hashes)


ERRANDS: dict[str, Callable[[GraphClient, ImageHash], Any]] = {
    "images": lambda client, image: client.images(HERE, OURS, [image]),
    "library": lambda client, _: client.library(HERE, OURS, None, 10),
    "delete": lambda client, image: client.delete(HERE, OURS, image),
}


@pytest.mark.parametrize("errand", ERRANDS)
@pytest.mark.parametrize("broken", list(Break))
async def test_a_call_that_breaks_is_made_once(errand: str, broken: Break) -> None:
    async with met() as (stranger, client):
        (image,) = await brought(client, 1)
        await read(client, [image])
        before = len(stranger.calls)
        stranger.errands.append(broken)
        refusal = await failure(ERRANDS[errand](client, image))
        assert judge(refusal.fault) is Verdict.RETRY
        assert len(stranger.calls) == before + 1


@pytest.mark.parametrize("errand", ERRANDS)
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
async def test_an_error_is_what_its_code_says(errand: str, reply: Reply, verdict: Verdict) -> None:
    async with met() as (stranger, client):
        (image,) = await brought(client, 1)
        stranger.errands.append(reply)
        assert judge((await failure(ERRANDS[errand](client, image))).fault) is verdict


@pytest.mark.parametrize("answer", [{"success": True}, {"success": "true", "id": 1}])
@pytest.mark.parametrize("status", [None, "DELETED", "ACTIVE", "EXPUNGED"])
async def test_a_deletion_is_asked_for_and_its_outcome_read(
    status: str | None, answer: Mapping[str, object]
) -> None:
    async with met(Habits(deleted=answer, gone_is=status)) as (stranger, client):
        kept, gone = await brought(client, 2)
        await client.delete(HERE, OURS, gone)
        assert stranger.library.hashes(HERE) == {kept}
        images = await read(client, [kept, gone])
        assert images[kept].status is ImageStatus.ACTIVE
        words = {None: None, "EXPUNGED": ImageStatus.UNKNOWN}
        expected = words[status] if status in words else ImageStatus(status)
        assert (images[gone].status if gone in images else None) is expected


async def test_a_deletion_that_is_refused_leaves_the_image_and_says_why() -> None:
    refusal = error(400, 100, 1885183, message="(stranger) in use")
    async with met(Habits(refuses_deletion=lambda _hash: refusal)) as (stranger, client):
        (image,) = await brought(client, 1)
        fault = (await failure(client.delete(HERE, OURS, image))).fault
        assert (fault.code, fault.subcode, fault.message) == (100, 1885183, "(stranger) in use")
        assert stranger.library.hashes(HERE) == {image}


@pytest.mark.parametrize("answer", [{"success": False}, {}, [], None, True, {"success": "no"}])
async def test_a_deletion_that_is_not_said_to_succeed_is_an_error(answer: object) -> None:
    async with met(Habits(deleted=answer)) as (_, client):
        (image,) = await brought(client, 1)
        assert (await failure(client.delete(HERE, OURS, image))).fault.code is None


KEYS: dict[str, Key] = {
    "the name": lambda _index, name, _hash: name,
    "the hash": lambda _index, _name, image_hash: image_hash,
    "bytes": lambda _index, _name, _hash: "bytes",
    "copy_from": lambda _index, _name, _hash: "copy_from",
    "a number": lambda index, _name, _hash: str(index),
    "nothing": lambda _index, _name, _hash: "",
}


@pytest.mark.parametrize("same", [True, False], ids=["the same hash", "another hash"])
@pytest.mark.parametrize("key", KEYS)
async def test_a_copy_is_held_under_the_hash_that_was_answered(key: str, same: bool) -> None:
    def copied_as(image_hash: str) -> str:
        return image_hash if same else image_hash[::-1]

    async with met(Habits(copied_as=copied_as, key=KEYS[key])) as (stranger, client):
        original = ImageHash("d8fc613662fb5ff2d3d7e4a3a1a3b2c1")
        stranger.library.put(SOURCE, original, "a.jpg")
        copied = await client.copy(HERE, OURS, SOURCE, original)
        assert [entry.hash for entry in copied.entries.values()] == [copied_as(original)]
        assert stranger.library.hashes(HERE) == {copied_as(original)}
        assert copied.server_time is None


async def test_a_copy_may_be_answered_with_a_hash_alone() -> None:
    async with met(Habits(entry=lambda full: {"hash": full["hash"]})) as (_, client):
        (original,) = await brought(client, 1, SOURCE)
        copied = await client.copy(HERE, OURS, SOURCE, original)
        assert list(copied.entries.values()) == [Entry(hash=original)]


async def test_a_copy_of_what_is_gone_is_an_error() -> None:
    async with met() as (_, client):
        (original,) = await brought(client, 1, SOURCE)
        await client.delete(SOURCE, OURS, original)
        assert (await failure(client.copy(HERE, OURS, SOURCE, original))).fault.code == 100


async def test_a_long_list_of_hashes_is_understood() -> None:
    async with met() as (stranger, client):
        hashes = [ImageHash(f"{n:032x}") for n in range(50)]
        for one in hashes[::2]:
            stranger.library.put(HERE, one, json.dumps(one))
        assert (await read(client, hashes)).keys() == set(hashes[::2])
