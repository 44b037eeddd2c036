"""The whole house: ledger, disk side, engine, each with the ear of the others."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import msgspec

from syncd.config import Config
from syncd.daemon.disk import Disk, build_disk, declare
from syncd.engine.engine import Engine, Open
from syncd.engine.stats import tell_stats
from syncd.graph.client import connect
from syncd.ledger.database import Ledger, open_ledger
from syncd.ledger.lock import sole_use
from syncd.model import AccountId, Digest

_COMPANY = 1.0  # seconds that a POST waits for company while more images are being read


class House(msgspec.Struct, frozen=True):
    """Everything that works, and what it was built from."""

    config: Config
    ledger: Ledger
    disk: Disk
    engine: Engine


@asynccontextmanager
async def open_house(
    config: Config, open_account: Open, *, tries: int | None = None
) -> AsyncIterator[House]:
    """Take the ledger and build everything on it; nothing runs yet.

    tries limits how often an image is tried that fails for a passing reason. Raises LedgerError.
    """
    graph = config.graph
    with sole_use(config.ledger.path):
        async with (
            open_ledger(config.ledger.path) as ledger,
            connect(graph.base_url, graph.version, graph.timeout) as client,
        ):
            ids = await declare(config, ledger)

            def arrived(digest: Digest, accounts: Sequence[AccountId]) -> None:
                engine.arrived(digest, accounts)

            def changed(accounts: Sequence[AccountId]) -> None:
                engine.look_again_for(accounts)

            disk = build_disk(config, ledger, ids, arrived=arrived, changed=changed)
            engine = Engine(
                ledger,
                client,
                open_account,
                list(config.accounts.values()),
                config.pack,
                disk.fetch,
                patience=lambda: _COMPANY if disk.busy else 0.0,
                tries=tries,
            )
            yield House(config, ledger, disk, engine)


async def tell_of(house: House) -> None:
    """Write the stats line on its period until cancelled."""
    config = house.config
    await tell_stats(house.engine, house.ledger, config.log.stats_every, config.pack.images)


async def keep(house: House, carrying: asyncio.TaskGroup) -> None:
    """Watch, scan, read and send until cancelled."""
    async with asyncio.TaskGroup() as loops:
        loops.create_task(house.disk.intake.run(), name="intake")
        loops.create_task(house.engine.run(carrying), name="engine")
        for keeper in house.disk.keepers.values():
            loops.create_task(keeper.run(), name="keeper")
