"""What READY=1 waits for, one thing after another."""

import asyncio
from pathlib import Path

from support.notify_socket import service_manager
from support.rig import DEADLINE, Rig, until

from syncd.daemon.credentials import opener
from syncd.daemon.notify import Notifier
from syncd.daemon.runtime import open_runtime
from syncd.daemon.startup import Going, Start


async def test_ready_waits_for_the_watches_and_then_for_the_tokens(
    rig: Rig, tmp_path: Path
) -> None:
    config = rig.config()
    with service_manager(tmp_path / "notify") as manager:
        going = Going()
        start = Start(Notifier(manager.address), going)
        async with open_runtime(config, opener(config, rig.environ, lambda _: None)) as house:
            await house.engine.take_up()
            telling = asyncio.create_task(start.tell_ready(house))
            await until(lambda: manager.told("STATUS=Starting: the folders are being watched") == 1)
            await house.engine.hear_of_tokens(lambda _: None)
            assert rig.sandbox.counts.calls(None, "me") == 1, "that was us"
            assert manager.order() == []
            (keeper,) = house.disk.keepers.values()
            keeping = asyncio.create_task(keeper.run())
            async with asyncio.timeout(DEADLINE):
                await telling
            keeping.cancel()
            await asyncio.gather(keeping, return_exceptions=True)
        assert going.over
        assert manager.order() == ["READY"]
        assert rig.sandbox.counts.calls(None, "me") == 2
