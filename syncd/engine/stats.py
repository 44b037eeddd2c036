"""The stats line: how each account stands, on a period."""

from __future__ import annotations

import asyncio
import time

import structlog
from structlog.typing import FilteringBoundLogger

from syncd.engine.engine import Engine
from syncd.ledger import questions
from syncd.ledger.database import Ledger

log: FilteringBoundLogger = structlog.get_logger()


async def tell_stats(engine: Engine, ledger: Ledger, every: float) -> None:
    """Log a line for each account every so many seconds, until cancelled."""
    sent = dict.fromkeys(engine.lanes, 0)
    while True:
        began = time.monotonic()
        await asyncio.sleep(every)
        for account, lane in engine.lanes.items():
            tally = await ledger.ask(questions.tally(account))
            new = lane.counters.images - sent[account]
            sent[account] = lane.counters.images
            log.info(
                "stats",
                account=lane.name,
                wanted=tally.wanted,
                held=tally.held,
                missing=tally.missing,
                rejected=tally.rejected,
                in_flight=lane.queue.in_flight,
                images_per_second=round(new / (time.monotonic() - began), 2),
                calls=lane.counters.calls,
                state=lane.state,
            )
