"""`syncd run`: keep the accounts in step until told to stop."""

from __future__ import annotations

import asyncio

import structlog
from structlog.typing import FilteringBoundLogger

from syncd.config import Config
from syncd.daemon.house import keep, open_house, tell_of
from syncd.daemon.stopping import run_until, stop_signals
from syncd.engine.engine import Open
from syncd.model import printable

log: FilteringBoundLogger = structlog.get_logger()


async def run(config: Config, open_account: Open) -> None:
    """Run the daemon; raises LedgerError."""
    with stop_signals() as stop:
        async with open_house(config, open_account) as house:

            async def work(carrying: asyncio.TaskGroup) -> None:
                async with asyncio.TaskGroup() as loops:
                    loops.create_task(keep(house, carrying), name="keep")
                    loops.create_task(tell_of(house), name="stats")

            log.info(
                "daemon.started",
                config=str(config.path),
                ledger=str(config.ledger.path),
                accounts=len(config.accounts),
                folders=[printable(f.path) for f in config.folders.values()],
            )
            await run_until(stop, work)
        log.info("daemon.stopped")
