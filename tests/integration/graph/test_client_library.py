"""The client's lists, copies and deletions against the sandbox, with all its switches."""

import asyncio
import time
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest
from support.pictures import picture

from syncd.config import Secret
from syncd.graph.client import Credentials, GraphClient, GraphError, Page, connect
from syncd.model import AccountId, ImageHash, ImageStatus
from syncd.rules.errors import Verdict, judge
from syncd.sandbox.faults import Fault
from syncd.sandbox.server import Sandbox
from syncd.sandbox.switches import Switches
from syncd.sandbox.tokens import DEFAULT_TOKEN, Token

HERE, SOURCE = AccountId("41"), AccountId("42")
APP_SECRET = "app-secret"
OURS = Credentials(Secret(DEFAULT_TOKEN), Secret(APP_SECRET))
NARROW = Credentials(Secret("narrow"), Secret(APP_SECRET))


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    tokens = [Token(DEFAULT_TOKEN), Token.of("narrow", [HERE])]
    async with Sandbox(Switches(tier="unlimited"), tokens=tokens, app_secret=APP_SECRET) as running:
        yield running


@pytest.fixture
async def client(sandbox: Sandbox) -> AsyncIterator[GraphClient]:
    async with connect(sandbox.url, "v25.0", 5.0) as made:
        yield made


def turn(sandbox: Sandbox, **switches: Any) -> None:
    sandbox.switches = replace(sandbox.switches, **switches)


def hold(sandbox: Sandbox, count: int, account: str = HERE) -> list[ImageHash]:
    held = [sandbox.hold(account, f"{n:02}.jpg", picture(n)) for n in range(count)]
    return [ImageHash(image.hash) for image in held]


def active(sandbox: Sandbox) -> list[str]:
    return [image.hash for image in sandbox.library.images(HERE)]


async def everything(client: GraphClient, limit: int) -> list[Page]:
    pages = [await client.library(HERE, OURS, None, limit)]
    while pages[-1].after is not None:
        pages.append(await client.library(HERE, OURS, pages[-1].after, limit))
    return pages


async def statuses(client: GraphClient, hashes: list[ImageHash]) -> dict[ImageHash, ImageStatus]:
    page = await client.images(HERE, OURS, hashes)
    return {image.hash: image.status for image in page.images}


async def failure(call: Any) -> GraphError:
    with pytest.raises(GraphError) as raised:
        await call
    return raised.value


shaped = pytest.mark.parametrize("shape", ["list", "map"])


@shaped
@pytest.mark.parametrize("fill", ["full", "short"])
async def test_pages_list_every_image_once_and_end(
    sandbox: Sandbox, client: GraphClient, shape: str, fill: str
) -> None:
    turn(sandbox, list_shape=shape, page_fill=fill)
    hashes = hold(sandbox, 11)
    pages = await everything(client, 4)
    listed = [image.hash for page in pages for image in page.images]
    assert sorted(listed) == sorted(hashes)
    assert {page.total for page in pages} == {11}
    assert len(pages) == (3 if fill == "full" else 6)
    assert sandbox.counts.calls(HERE) == len(pages)


async def test_an_empty_library_is_one_empty_page(sandbox: Sandbox, client: GraphClient) -> None:
    (page,) = await everything(client, 100)
    assert (page.images, page.total) == ((), 0)


@shaped
async def test_one_call_lists_fifty_images(
    sandbox: Sandbox, client: GraphClient, shape: str
) -> None:
    turn(sandbox, list_shape=shape)
    began = time.time()
    hashes = hold(sandbox, 52)
    unknown = [ImageHash(f"{n:032x}") for n in range(2)]
    page = await client.images(HERE, OURS, [*unknown, *hashes[:48]])
    assert {image.hash for image in page.images} == set(hashes[:48])
    assert page.after is None
    assert {image.name for image in page.images} == {f"{n:02}.jpg" for n in range(48)}
    assert {image.status for image in page.images} == {ImageStatus.ACTIVE}
    for image in page.images:
        assert image.created_at is not None
        assert int(began) <= image.created_at <= time.time()
    assert sandbox.counts.calls(HERE) == 1


@shaped
async def test_short_pages_of_a_list_by_hash_continue_after_their_cursor(
    sandbox: Sandbox, client: GraphClient, shape: str
) -> None:
    turn(sandbox, list_shape=shape, page_fill="short")
    hashes = hold(sandbox, 9)[:7]
    found: list[ImageHash] = []
    after: str | None = None
    while not found or after is not None:
        page = await client.images(HERE, OURS, hashes, after)
        found += [image.hash for image in page.images]
        after = page.after
    assert sorted(found) == sorted(hashes)


@shaped
async def test_an_image_in_a_creative_or_an_ad_is_used(
    sandbox: Sandbox, client: GraphClient, shape: str
) -> None:
    turn(sandbox, list_shape=shape)
    hashes = hold(sandbox, 3)
    sandbox.creatives.add(HERE, hashes[1])
    sandbox.creatives.add_ad(HERE, sandbox.creatives.add(HERE, hashes[2]))
    page = await client.images(HERE, OURS, hashes)
    used = {image.hash: image.used for image in page.images}
    assert used == {hashes[0]: False, hashes[1]: True, hashes[2]: True}


@pytest.mark.parametrize("shown", ["missing", "by_hash", "listed"])
async def test_a_deleted_image_is_missing_or_has_that_status(
    sandbox: Sandbox, client: GraphClient, shown: str
) -> None:
    turn(sandbox, deleted_images=shown)
    kept, gone = hold(sandbox, 2)
    await client.delete(HERE, OURS, gone)
    listed = {kept: ImageStatus.ACTIVE, gone: ImageStatus.DELETED}
    assert await statuses(client, [kept, gone]) == (
        {kept: ImageStatus.ACTIVE} if shown == "missing" else listed
    )
    (page,) = await everything(client, 100)
    assert {image.hash for image in page.images} == (set(listed) if shown == "listed" else {kept})
    assert active(sandbox) == [kept]


async def test_an_image_can_remain_active_after_a_successful_deletion(
    sandbox: Sandbox, client: GraphClient
) -> None:
    turn(sandbox, deletion_lag=float("inf"))
    (image,) = hold(sandbox, 1)
    await client.delete(HERE, OURS, image)
    assert await statuses(client, [image]) == {image: ImageStatus.ACTIVE}


@pytest.mark.parametrize(
    ("error", "verdict"),
    [("100", Verdict.UNKNOWN), ("200", Verdict.STOP_ACCOUNT), ("2", Verdict.RETRY)],
)
async def test_a_rejected_deletion_is_an_error_with_its_verdict(
    sandbox: Sandbox, client: GraphClient, error: str, verdict: Verdict
) -> None:
    turn(sandbox, in_use_error=error, delete_unknown=error)
    (image,) = hold(sandbox, 1)
    sandbox.creatives.add(HERE, image)
    for wanted in (image, ImageHash("0" * 32)):
        failed = await failure(client.delete(HERE, OURS, wanted))
        assert judge(failed.api_error) is verdict
    assert await statuses(client, [image]) == {image: ImageStatus.ACTIVE}


async def test_the_deletion_of_an_unknown_image_can_succeed(
    sandbox: Sandbox, client: GraphClient
) -> None:
    turn(sandbox, delete_unknown="success")
    await client.delete(HERE, OURS, ImageHash("0" * 32))


@pytest.mark.parametrize("keys", ["all", "hash_and_url"])
@pytest.mark.parametrize("key", ["hash", "name", "bytes", "copy_from"])
async def test_a_copy_is_the_only_entry_whatever_its_key(
    sandbox: Sandbox, client: GraphClient, key: str, keys: str
) -> None:
    turn(sandbox, copy_key=key, answer_keys=keys)
    began = int(time.time())
    (original,) = hold(sandbox, 1, SOURCE)
    copied = await client.copy(HERE, OURS, SOURCE, original)
    assert [entry.hash for entry in copied.entries.values()] == [original]
    assert active(sandbox) == [original]
    assert copied.server_time is not None
    assert began <= copied.server_time <= time.time()
    assert (sandbox.counts.calls(HERE), sandbox.counts.calls(SOURCE)) == (1, 0)


async def test_a_copy_needs_permission_for_the_source_account(
    sandbox: Sandbox, client: GraphClient
) -> None:
    (original,) = hold(sandbox, 1, SOURCE)
    failed = await failure(client.copy(HERE, NARROW, SOURCE, original))
    assert judge(failed.api_error) is Verdict.STOP_ACCOUNT
    turn(sandbox, copy_source="open")
    assert (await client.copy(HERE, NARROW, SOURCE, original)).entries


@pytest.mark.parametrize("error", ["100", "100/33", "803"])
async def test_a_copy_of_an_unknown_image_is_an_error(
    sandbox: Sandbox, client: GraphClient, error: str
) -> None:
    turn(sandbox, copy_missing_error=error)
    hold(sandbox, 1, SOURCE)
    failed = await failure(client.copy(HERE, OURS, SOURCE, ImageHash("0" * 32)))
    assert str(failed).startswith(f"{error}:")


CALLS = {
    "list": lambda client, image: client.images(HERE, OURS, [image]),
    "copy": lambda client, image: client.copy(HERE, OURS, SOURCE, image),
    "delete": lambda client, image: client.delete(HERE, OURS, image),
}


@pytest.mark.parametrize("kind", CALLS)
@pytest.mark.parametrize(
    ("fault", "verdict"),
    [
        ("80004", Verdict.PAUSE_ACCOUNT), ("190", Verdict.STOP_TOKEN), ("html502", Verdict.RETRY),
        ("reset_before", Verdict.RETRY), ("reset_after", Verdict.RETRY),
        ("cut_off", Verdict.RETRY), ("half_json", Verdict.RETRY),
    ],
)  # fmt: skip
async def test_a_failing_call_is_sent_once_and_is_one_error(
    sandbox: Sandbox, client: GraphClient, kind: str, fault: str, verdict: Verdict
) -> None:
    """Also on a kept connection, on which aiohttp would repeat the call by itself."""
    (image,) = hold(sandbox, 1)
    hold(sandbox, 1, SOURCE)
    await client.images(HERE, OURS, [image])
    sandbox.faults.add(Fault(fault, times=1, account=HERE, on=kind))
    failed = await failure(CALLS[kind](client, image))
    assert judge(failed.api_error) is verdict
    assert sandbox.counts.calls(HERE) == 2


async def test_simultaneous_calls_do_not_mix_their_responses(
    sandbox: Sandbox, client: GraphClient
) -> None:
    hashes = hold(sandbox, 20)
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(client.images(HERE, OURS, [one])) for one in hashes]
    found = [[image.hash for image in task.result().images] for task in tasks]
    assert found == [[one] for one in hashes]
