"""Health and metrics of the real process, from its start to its end."""

import asyncio
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import aiohttp
from support.page_client import fetch
from support.pictures import picture
from support.process import running
from support.rig import DEADLINE, Rig, until

from syncd.sandbox.faults import Fault


async def wait_for(listen: Path, path: str, status: int, *words: str) -> Any:
    """Wait until a page has this status and these words in its content."""
    async with asyncio.timeout(DEADLINE):
        while True:
            try:
                found = await fetch(listen, path)
            except (aiohttp.ClientError, OSError):
                await asyncio.sleep(0.01)
                continue
            if found.status == status and all(word in found.text for word in words):
                return found.json
            await asyncio.sleep(0.01)


async def test_readiness_follows_the_process_from_its_start_to_its_end(rig: Rig) -> None:
    listen = rig.path / "metrics.sock"
    rig.toml = f'[metrics]\nlisten = "{listen}"'
    async with running(rig) as daemon:
        await until(lambda: daemon.logged("scan.done"))  # the ledger exists
        assert await daemon.end() == 0
    assert not listen.exists()
    rig.sandbox.faults.add(Fault("slow", seconds=2.0, on="upload"))
    lock = ExitStack()
    lock.enter_context(rig.locked_ledger())  # the start waits for it
    async with running(rig) as daemon:
        with lock:
            await wait_for(listen, "/readyz", 503, "starting")
            assert (await fetch(listen, "/healthz")).status == 200
        assert await wait_for(listen, "/readyz", 200) == {"status": "ready", "reasons": []}
        rig.write("a.jpg", picture(1))
        await until(lambda: rig.sandbox.counts.calls("1", "upload") == 1)
        rig.workers = 5
        rig.write_config()
        daemon.hang_up()  # the upload in progress delays the reload
        await wait_for(listen, "/readyz", 503, "reloading")
        assert (await fetch(listen, "/healthz")).json == {"status": "alive", "reasons": []}
        await wait_for(listen, "/readyz", 200)
        assert daemon.logged("daemon.reloaded", "workers: 4 → 5")
        rig.write("b.jpg", picture(2))
        await until(lambda: rig.sandbox.counts.calls("1", "upload") == 2)
        ending = asyncio.create_task(daemon.end())
        await wait_for(listen, "/readyz", 503, "stopping")
        assert await ending == 0
    assert not listen.exists()
