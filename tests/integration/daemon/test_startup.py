"""The steps of a start before READY=1."""

import asyncio
from contextlib import suppress
from pathlib import Path

from support.notify_socket import service_manager
from support.rig import DEADLINE, Rig, until

from syncd.daemon.credentials import opener
from syncd.daemon.notify import Notifier
from syncd.daemon.runtime import open_runtime
from syncd.daemon.startup import StartProgress, Startup


async def test_ready_waits_for_the_watches_then_for_the_tokens(rig: Rig, tmp_path: Path) -> None:
    config = rig.config()
    with service_manager(tmp_path / "notify") as manager:
        progress = StartProgress()
        startup = Startup(Notifier(manager.address), progress)
        async with open_runtime(config, opener(config, rig.environ, lambda _: None)) as runtime:
            await runtime.engine.restore()
            starting = asyncio.create_task(startup.complete(runtime))
            await until(lambda: manager.count("STATUS=Starting: waiting until the folders") == 1)
            await runtime.engine.check_tokens(lambda _: None)
            assert rig.sandbox.counts.calls(None, "me") == 1, "this test made the call"
            assert manager.states() == []
            (monitor,) = runtime.disk.monitors.values()
            keeping = asyncio.gather(runtime.disk.watch.run(), monitor.run())
            async with asyncio.timeout(DEADLINE):
                await starting
            keeping.cancel()
            with suppress(asyncio.CancelledError):
                await keeping
        assert progress.has_ended
        assert manager.states() == ["READY"]
        assert rig.sandbox.counts.calls(None, "me") == 2
