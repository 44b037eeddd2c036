"""An image is sent from the bytes that were digested, so its hash is never of other bytes."""

import asyncio
from collections.abc import AsyncIterator
from hashlib import sha256
from pathlib import Path

import pytest
from support.pictures import picture
from support.rig import Rig, until

from syncd.daemon.folders import CACHE_BYTES
from syncd.folders.intake.read import load
from syncd.folders.safe_open import stat_of
from syncd.heartbeat import Heartbeat
from syncd.ledger.sources import Loaded, Source
from syncd.model import Absent, AccountId, Digest, Stat
from syncd.sandbox.server import Sandbox

LARGE = Loaded(
    Digest(bytes(32)),
    bytes(CACHE_BYTES),
    Source(
        folder_id=1,
        root=b"/nowhere",
        directory=b"",
        name=b"a.jpg",
        stat=Stat(device=1, inode=2, size=CACHE_BYTES, mtime_ns=4, ctime_ns=5),
    ),
    "JPEG",
)


@pytest.fixture
async def rig(tmp_path: Path) -> AsyncIterator[Rig]:
    async with Sandbox() as sandbox:
        yield Rig(tmp_path, sandbox)


async def test_images_that_were_just_digested_are_sent_without_their_files(rig: Rig) -> None:
    contents = [picture(number) for number in range(30)]
    async with rig.running() as runtime:
        (lane,) = runtime.engine.lanes.values()
        lane.gate.shut_until_reopened()
        for number, content in enumerate(contents):
            rig.write(f"{number}.jpg", content)
        await until(lambda: rig.rows("SELECT count(*) FROM file") == [(30,)])
        rig.folder.rename(rig.path / "away")  # a missing folder is waited for: nothing is deleted
        lane.gate.reopen()
        await until(lambda: all(rig.recorded(content) for content in contents))
        assert runtime.disk.cache.size == 0


def test_an_image_is_read_from_a_folder_that_does_not_hang(tmp_path: Path) -> None:
    file, root = tmp_path / "a.jpg", bytes(tmp_path)
    file.write_bytes(b"content")
    digest, stat = Digest(sha256(b"content").digest()), stat_of(file.stat())
    hanging, other = (
        Source(folder_id=number, root=root, directory=b"", name=b"a.jpg", stat=stat)
        for number in (1, 2)
    )
    readers = {1: Heartbeat(stalled_after=1e-9), 2: Heartbeat()}
    beats: list[None] = []
    with readers[1].operation():
        loaded = load(
            [(digest, [hanging, other]), (digest, [hanging])], readers, lambda: beats.append(None)
        )
    assert loaded == ([b"content", Absent.HANGS], [])
    assert len(beats) == 1


@pytest.mark.parametrize("cached", [True, False])
async def test_a_file_that_changes_before_it_is_sent_is_not_held_under_its_old_digest(
    rig: Rig, cached: bool
) -> None:
    names = [f"{number}.jpg" for number in range(30)]
    before = [picture(number) for number in range(30)]
    after = [picture(1000 + number) for number in range(30)]
    async with rig.running() as runtime:
        if not cached:  # another content takes all the room
            runtime.disk.cache.keep(LARGE, [AccountId("1")])
        (lane,) = runtime.engine.lanes.values()
        lane.gate.shut_until_reopened()
        for name, content in zip(names, before, strict=True):
            rig.write(name, content)
        await until(lambda: rig.rows("SELECT count(*) FROM file") == [(30,)])
        for name, content in zip(names[::2], after[::2], strict=True):
            rig.write(name, content)
        lane.gate.reopen()
        await until(lambda: all(rig.recorded(content) for content in after[::2] + before[1::2]))
        await asyncio.sleep(0)
    sent = {image.hash: image.sha256 for image in rig.sandbox.library.images("1")}
    rows = rig.rows("SELECT sha256, hash FROM replicas WHERE hash IS NOT NULL")
    assert len(rows) >= 30
    assert all(sent[image_hash] == digest for digest, image_hash in rows)
