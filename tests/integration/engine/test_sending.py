"""Images that a worker sends, when files change between its decision and its call."""

import asyncio
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path

import pytest
from support.pictures import picture
from support.rig import Rig, rig_without_grace, until

from syncd.daemon.credentials import opener
from syncd.daemon.runtime import open_runtime
from syncd.engine.engine import Engine, EngineConfig
from syncd.engine.worker import ImageFiles, Role
from syncd.graph.client import connect
from syncd.ledger import files, missed
from syncd.ledger.files import Content, Place
from syncd.ledger.kept import KeepReason
from syncd.ledger.sources import Source
from syncd.model import Absent, AccountId, Digest, Stat
from syncd.sandbox.faults import Fault
from syncd.sandbox.server import Sandbox

ACCOUNT = AccountId("1")
STAT = Stat(device=1, inode=2, size=3, mtime_ns=4, ctime_ns=5)


@pytest.fixture
def rig(tmp_path: Path, sandbox: Sandbox) -> Rig:
    return rig_without_grace(tmp_path, sandbox)


async def test_an_image_whose_last_file_goes_while_it_is_read_is_not_sent(rig: Rig) -> None:
    config, contents = rig.config(), {b"gone.jpg": picture(1), b"stays.jpg": picture(2)}
    open_account = opener(config, rig.environ, lambda _: None)
    async with open_runtime(config, open_account) as runtime:
        ledger = runtime.ledger

        async def fetch(
            wanted: Sequence[tuple[Digest, Sequence[Source]]],
        ) -> list[bytes | Absent]:
            await ledger.write(missed.mark(7, 1, [b"gone.jpg"], []))
            await ledger.write(missed.forget(7, KeepReason.SUSPECT))
            return [contents[found[0].name] for _, found in wanted]

        await ledger.write(
            files.record_all(
                [
                    (Place(1, b"", name), STAT, recorded(content))
                    for name, content in contents.items()
                ]
            )
        )
        settings = EngineConfig(
            accounts=list(config.accounts.values()),
            roles={ACCOUNT: Role(copies=False, deletes=True)},
            batch=config.pack,
        )
        async with (
            connect(config.graph.base_url, config.graph.version, config.graph.timeout) as client,
            asyncio.TaskGroup() as sends,
        ):
            images = ImageFiles(lambda _, digests: [None] * len(digests), fetch, lambda: 0.0)
            engine = Engine(settings, ledger, client, open_account, images)
            running = asyncio.create_task(engine.run(sends))
            await until(lambda: rig.recorded(contents[b"stays.jpg"]) is not None)
            await until(lambda: engine.lanes[ACCOUNT].queue.is_idle)
            running.cancel()
        assert rig.holds(contents[b"stays.jpg"])
        assert not rig.holds(contents[b"gone.jpg"])
        assert rig.rows("SELECT state FROM replicas") == [("held",)]


async def test_an_image_whose_file_is_renamed_while_it_waits_is_sent_under_its_new_name(
    rig: Rig,
) -> None:
    rig.workers = 1
    rig.sandbox.faults.add(Fault("slow", times=1, on="upload", seconds=4))
    rig.write("first.jpg", picture(1))
    async with rig.running() as runtime:
        lane = runtime.engine.lanes[ACCOUNT]
        await until(lambda: lane.queue.in_flight == 1)
        waiting = rig.write("draft.jpg", picture(2))
        await until(lambda: len(rig.rows("SELECT 1 FROM image")) == 2)
        waiting.rename(rig.folder / "final.jpg")
        await until(lambda: rig.rows("SELECT 1 FROM file WHERE name = x'66696e616c2e6a7067'") != [])
        await until(lambda: rig.rows("SELECT 1 FROM file WHERE name = x'64726166742e6a7067'") == [])
        await until(lambda: rig.holds(picture(2)))
    names = {image.name for image in rig.sandbox.library.images("1")}
    assert names == {"first.jpg", "final.jpg"}


def recorded(content: bytes) -> Content:
    digest = Digest(sha256(content).digest())
    return Content(digest=digest, size=len(content), format="JPEG", width=40, height=30, unfit=None)
