"""The stats line: how each account stands, on a period."""

from __future__ import annotations

import asyncio
import time

import structlog
from structlog.typing import FilteringBoundLogger

from syncd.engine.engine import Engine
from syncd.engine.lane import Lane
from syncd.ledger import questions
from syncd.ledger.database import Ledger
from syncd.rules.forecast import duration, forecast

log: FilteringBoundLogger = structlog.get_logger()


async def tell_stats(engine: Engine, ledger: Ledger, every: float, per_post: int) -> None:
    """Log a line for each account every so many seconds, until cancelled.

    per_post is how many images share a POST, for the forecast.
    """
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
                in_step_in=_ahead(lane, tally.missing, per_post),
                state=lane.state,
            )


def _ahead(lane: Lane, missing: int, per_post: int) -> str:
    """Return in words how long the account's budget makes its missing images take."""
    if not missing:
        return "now"
    return duration(forecast(missing, lane.images_a_post(per_post), lane.pacer.pace.budget).seconds)
