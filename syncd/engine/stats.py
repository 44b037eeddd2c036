"""How each account stands: the stats line on a period, and all of them in one sentence."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable

import structlog

from syncd.engine.engine import Engine
from syncd.engine.lane import Lane
from syncd.ledger import questions
from syncd.ledger.database import Ledger
from syncd.ledger.questions import Tally
from syncd.log import Log
from syncd.rules.forecast import duration, forecast

log: Log = structlog.get_logger()


async def tell_stats(
    engine: Engine, ledger: Ledger, every: float, per_post: int, told: Callable[[str], None]
) -> None:
    """Log a line for each account every so many seconds, until cancelled; `told` hears a sentence.

    per_post is how many images share a POST, for the forecast.
    """
    sent = dict.fromkeys(engine.lanes, 0)
    while True:
        began = time.monotonic()
        await asyncio.sleep(every)
        tallies: list[Tally] = []
        for account, lane in engine.lanes.items():
            tally = await ledger.ask(questions.tally(account))
            tallies.append(tally)
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
        told(sentence(tallies, engine.lanes.values()))


def sentence(tallies: Iterable[Tally], lanes: Iterable[Lane]) -> str:
    """Return in one sentence how all accounts stand together, and what troubles one of them."""
    tallies = list(tallies)
    held, wanted = sum(t.held for t in tallies), sum(t.wanted for t in tallies)
    parts = [f"{held:,} of {wanted:,} images"]
    if rejected := sum(t.rejected for t in tallies):
        parts.append(f"{rejected:,} rejected")
    return "; ".join([*parts, *(lane.trouble for lane in lanes if lane.trouble is not None)])


def _ahead(lane: Lane, missing: int, per_post: int) -> str:
    """Return in words how long the account's budget makes its missing images take."""
    if not missing:
        return "now"
    return duration(forecast(missing, lane.images_a_post(per_post), lane.pacer.pace.budget).seconds)
