"""How each account stands: its stats line, and all of them in one sentence."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import msgspec
import structlog

from syncd.engine.lane import Lane
from syncd.ledger.accounts import Pause
from syncd.ledger.queries import Count, Tally
from syncd.ledger.standing import AccountStanding
from syncd.log import Log, moment
from syncd.model import AccountId, AccountName
from syncd.rules.forecast import duration, forecast

log: Log = structlog.get_logger()

REASONS = 40
"""Different reasons that a line has, the commonest first; the others are counted together."""


class AccountFigures(msgspec.Struct, frozen=True):
    """What an account's line says; budget_used in percent, times in seconds."""

    name: AccountName
    id: AccountId
    tally: Tally
    in_flight: int
    images_per_second: float
    calls: int
    budget_used: float
    state: str
    pause: Pause | None
    paused_for: int | None
    why: str | None
    oldest_waiting: int | None
    in_step_in: str
    rejections: Mapping[str, int]
    troubles: Mapping[str, int]


def account_figures(
    lane: Lane, standing: AccountStanding, rate: float, per_post: int, now: float
) -> AccountFigures:
    """Put together how an account stands now, in unix seconds.

    What pauses or stops it is taken from the ledger, as `syncd status` does. rate is in images a
    second; per_post is how many images share a POST, for the forecast.
    """
    tally, pause = standing.tally, standing.pause
    if pause is not None and pause.until is not None and pause.until <= now:
        pause = None
    since = tally.waiting_since
    return AccountFigures(
        lane.name,
        lane.account,
        tally,
        lane.queue.in_flight,
        round(rate, 2),
        lane.counters.calls,
        round(lane.pacer.budget_used, 1),
        _state(pause, lane.failing),
        pause,
        None if pause is None else max(0, round(now - pause.since)),
        lane.failing if pause is None else pause.why,
        None if since is None else max(0, round(now - since)),
        _ahead(lane, tally.missing, per_post),
        reasons(standing.rejections),
        reasons(standing.troubles),
    )


def tell_account(of: AccountFigures) -> None:
    """Write an account's line."""
    pause = of.pause
    log.info(
        "stats",
        account=of.name,
        wanted=of.tally.wanted,
        held=of.tally.held,
        missing=of.tally.missing,
        rejected=of.tally.rejected,
        state=of.state,
        why=of.why,
        paused_for=of.paused_for,
        paused_since=moment(pause.since if pause is not None else None),
        paused_until=moment(pause.until if pause is not None else None),
        kind=pause.kind if pause is not None else None,
        consecutive=pause.row if pause is not None else None,
        remedy=pause.remedy if pause is not None else None,
        in_flight=of.in_flight,
        images_per_second=of.images_per_second,
        calls=of.calls,
        budget_used=of.budget_used,
        oldest_waiting=of.oldest_waiting,
        in_step_in=of.in_step_in,
        rejections=of.rejections,
        troubles=of.troubles,
        id=of.id,
    )


def sentence(tallies: Iterable[Tally], lanes: Iterable[Lane]) -> str:
    """Return in one sentence how all accounts stand together, and what troubles one of them."""
    tallies = list(tallies)
    held, wanted = sum(t.held for t in tallies), sum(t.wanted for t in tallies)
    parts = [f"{held:,} of {wanted:,} images"]
    if rejected := sum(t.rejected for t in tallies):
        parts.append(f"{rejected:,} rejected")
    return "; ".join([*parts, *(lane.trouble for lane in lanes if lane.trouble is not None)])


def reasons(counts: Iterable[Count]) -> dict[str, int]:
    """Return counts by their reasons as one field holds them."""
    counts = list(counts)
    told = {count.reason: count.count for count in counts[:REASONS]}
    if others := counts[REASONS:]:
        told[f"… {len(others)} other reasons"] = sum(count.count for count in others)
    return told


def _state(pause: Pause | None, failing: str | None) -> str:
    if pause is not None:
        return "stopped" if pause.until is None else "paused"
    return "open" if failing is None else "failing"


def _ahead(lane: Lane, missing: int, per_post: int) -> str:
    """Return in words how long the account's budget makes its missing images take."""
    if not missing:
        return "now"
    return duration(forecast(missing, lane.images_a_post(per_post), lane.pacer.pace.budget).seconds)
