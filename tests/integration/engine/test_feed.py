"""The queue of an account is filled in order of arrival, from scans and from the ledger."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from support.rig import until

from syncd.config import AccountConfig
from syncd.engine.lane import PAGE, Lane, Neighbours
from syncd.engine.queue import ROOM
from syncd.ledger import files, folders, replicas
from syncd.ledger.database import Ledger, open_ledger
from syncd.ledger.files import Content, Place
from syncd.model import AccountId, AccountName, Digest, Entry, FolderName, ImageHash, Stat

ACCOUNT = AccountId("1")


@pytest.fixture
async def ledger(tmp_path: Path) -> AsyncIterator[Ledger]:
    async with open_ledger(tmp_path / "ledger.db") as opened:
        await opened.write(folders.declare(FolderName("a"), bytes(tmp_path), [ACCOUNT]))
        yield opened


@pytest.fixture
async def lane(ledger: Ledger) -> Lane:
    return Lane(AccountConfig(name=AccountName("main"), id=ACCOUNT), ledger, Neighbours([]))


async def find(ledger: Ledger, lane: Lane, numbers: range) -> None:
    """Record images as the intake does, and let them join the queue."""
    images = [
        (
            Place(1, b"", b"%d.jpg" % number),
            Stat(device=1, inode=number, size=3, mtime_ns=4, ctime_ns=5),
            Content(digest=digest(number), size=3, format="JPEG", width=1, height=1, unfit=None),
        )
        for number in numbers
    ]
    assert all(await ledger.write(files.record_all(images)))
    for number in numbers:
        lane.add_found(digest(number))


def digest(number: int) -> Digest:
    return Digest(number.to_bytes(32, "big"))


async def test_an_image_that_a_scan_found_is_queued_without_a_read_of_the_ledger(
    lane: Lane,
) -> None:
    lane.add_found(digest(1))
    assert lane.queue.take(9) == [digest(1)]
    assert not lane.queue.refill.is_set()


async def test_an_image_that_a_scan_found_waits_behind_older_ones_of_the_ledger(
    lane: Lane,
) -> None:
    lane.queue.unread = 1
    lane.add_found(digest(1))
    assert lane.queue.take(9) == []
    assert lane.queue.refill.is_set()


async def test_an_image_that_a_scan_found_stays_in_the_ledger_when_the_queue_is_full(
    lane: Lane,
) -> None:
    for number in range(ROOM):
        lane.add_found(digest(number))
    assert not lane.queue.refill.is_set()
    lane.add_found(digest(ROOM))
    assert lane.queue.room == 0
    assert lane.queue.refill.is_set()


async def test_images_that_did_not_fit_into_the_queue_go_before_those_found_later(
    ledger: Ledger, lane: Lane
) -> None:
    feeding = asyncio.create_task(lane.feed())
    await find(ledger, lane, range(ROOM + PAGE))
    await until(lambda: lane.queue.unread > 0)
    sent: list[Digest] = []
    for first in range(0, 4 * ROOM, 100):
        taken = lane.queue.take(100)
        hashes = [(one, Entry(hash=ImageHash(one.hex()))) for one in taken]
        await ledger.write(replicas.record_held(ACCOUNT, hashes, 1.0))
        for one in taken:
            lane.queue.done(one)
        sent += taken
        await find(ledger, lane, range(2 * ROOM + first, 2 * ROOM + first + 50))
    feeding.cancel()
    assert sent[: ROOM + PAGE] == [digest(number) for number in range(ROOM + PAGE)]


async def test_an_account_is_at_rest_only_after_all_that_it_misses_was_read_and_done(
    ledger: Ledger, lane: Lane
) -> None:
    await find(ledger, lane, range(2))
    lane.queue.take(2)
    for number in range(2):
        lane.queue.done(digest(number))
    assert lane.queue.is_idle
    assert not lane.is_at_rest  # the ledger was not read, and has both images
    feeding = asyncio.create_task(lane.feed())
    await until(lambda: len(lane.queue) == 2)
    assert not lane.is_at_rest
    taken = lane.queue.take(2)
    hashes = [(one, Entry(hash=ImageHash(one.hex()))) for one in taken]
    await ledger.write(replicas.record_held(ACCOUNT, hashes, 1.0))
    for one in taken:
        lane.queue.done(one)
    await until(lambda: lane.is_at_rest)
    lane.queue.refill.set()  # facts have changed
    assert not lane.is_at_rest
    for _ in range(2):
        await asyncio.sleep(0)  # the feed begins to read the ledger
    assert not lane.queue.refill.is_set()
    assert not lane.is_at_rest
    await until(lambda: lane.is_at_rest)
    feeding.cancel()
