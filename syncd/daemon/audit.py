"""`syncd audit`: compare what every account holds with the ledger, once."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from syncd.config import Config
from syncd.daemon.runtime import open_runtime, upkeep_of
from syncd.engine.audit import Report
from syncd.engine.lane import Lane
from syncd.engine.tokens import OpenAccount
from syncd.graph.client import GraphError
from syncd.model import AccountName


async def audit(
    config: Config, open_account: OpenAccount, *, everything: bool
) -> Mapping[AccountName, Report | str]:
    """Audit every account that can be called now; return its report or an error.

    Raises LedgerError.
    """
    upkeep = upkeep_of(config)
    async with open_runtime(config, open_account) as runtime, asyncio.TaskGroup() as sends:
        engine = runtime.engine
        await engine.restore()

        async def audit_one(lane: Lane) -> Report | str:
            if lane.gate.is_shut:
                health = lane.health
                return health.stopped.why if health.stopped is not None else health.state
            try:
                lane_audit = engine.audit(lane, sends, upkeep)
                return await lane_audit.run_once(everything=everything, paced=False)
            except GraphError as error:
                return str(error)

        async with asyncio.TaskGroup() as audits:
            tasks = {
                lane.name: audits.create_task(audit_one(lane), name=f"audit:{lane.name}")
                for lane in engine.lanes.values()
            }
    return {name: task.result() for name, task in tasks.items()}
