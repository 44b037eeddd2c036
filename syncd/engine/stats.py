"""The state of each account as a stats line, and of all accounts as one sentence."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import msgspec
import structlog

from syncd.engine.lane import Lane
from syncd.engine.pacer import share_used
from syncd.ledger.accounts import OPERATOR, Pause
from syncd.ledger.limitations import LearnedLimitation
from syncd.ledger.queries import AccountSummary, Count, Tally, by_reason
from syncd.log import Log, moment
from syncd.model import AccountId, AccountName
from syncd.rules.forecast import duration, forecast

log: Log = structlog.get_logger()

MAX_REASONS = 40
"""Reasons in one line, the most frequent first; the rest are counted together."""


class Traffic(msgspec.Struct, frozen=True):
    """The traffic of this process to an account."""

    in_flight: int  # images
    images_per_second: float
    calls: int  # since the process began
    budget_used: float  # percent


class AccountFigures(msgspec.Struct, frozen=True, kw_only=True):
    """The content of an account's stats line; times in seconds."""

    name: AccountName
    id: AccountId
    tally: Tally
    traffic: Traffic
    state: str
    pause: Pause | None
    paused_for: int | None
    failing_since: float | None  # unix seconds; None: the account is not failing
    why: str | None
    oldest_waiting: int | None
    in_step_in: str
    rejections: Mapping[str, int]
    troubles: Mapping[str, int]
    limitations: Sequence[LearnedLimitation]


def account_figures(
    lane: Lane, standing: AccountSummary, rate: float, per_post: int, now: float
) -> AccountFigures:
    """Return the state of an account at `now`, in unix seconds.

    rate is in images per second; per_post is how many images share a POST, for the forecast. The
    pause or stop is the ledger's, as in `syncd status`.
    """
    tally, pause = standing.tally, standing.pause
    if pause is not None and pause.until is not None and pause.until <= now:
        pause = None
    since, failing = tally.waiting_since, lane.health.failing
    return AccountFigures(
        name=lane.name,
        id=lane.account,
        tally=tally,
        traffic=Traffic(
            in_flight=lane.queue.in_flight,
            images_per_second=round(rate, 2),
            calls=lane.counters.calls,
            budget_used=budget_used(lane),
        ),
        state=state_of(pause, is_failing=failing.since is not None),
        pause=pause,
        failing_since=failing.since,
        paused_for=None if pause is None else max(0, round(now - pause.since)),
        why=failing.why if pause is None else pause.why,
        oldest_waiting=None if since is None else max(0, round(now - since)),
        in_step_in=in_step_in(lane, tally.missing, per_post),
        rejections=reasons(standing.rejections),
        troubles=reasons(standing.troubles),
        limitations=standing.limitations,
    )


def log_account(figures: AccountFigures) -> None:
    """Log an account's stats line."""
    tally, traffic, pause = figures.tally, figures.traffic, figures.pause
    log.info(
        "stats",
        account=figures.name,
        wanted=tally.wanted,
        held=tally.held,
        missing=tally.missing,
        rejected=tally.rejected,
        sync=tally.sync.value,
        state=figures.state,
        why=figures.why,
        failing_since=moment(figures.failing_since),
        missing_since=moment(tally.waiting_since),
        paused_for=figures.paused_for,
        paused_since=moment(pause.since if pause is not None else None),
        paused_until=moment(pause.until if pause is not None else None),
        kind=pause.kind if pause is not None else None,
        consecutive=pause.consecutive if pause is not None else None,
        remedy=pause.remedy if pause is not None else None,
        in_flight=traffic.in_flight,
        images_per_second=traffic.images_per_second,
        calls=traffic.calls,
        budget_used=traffic.budget_used,
        oldest_waiting=figures.oldest_waiting,
        in_step_in=figures.in_step_in,
        rejections=figures.rejections,
        troubles=figures.troubles,
        limitations=[
            {
                "what": one.what,
                "source": one.source,
                "since": moment(one.since),
                "retry_at": moment(one.retry_at),
            }
            for one in figures.limitations
        ],
        id=figures.id,
    )


def sentence(tallies: Iterable[Tally], lanes: Iterable[Lane]) -> str:
    """Return the state of all accounts together, and the trouble of each, in one sentence."""
    tallies = list(tallies)
    held, wanted = sum(t.held for t in tallies), sum(t.wanted for t in tallies)
    parts = [f"{held:,} of {wanted:,} images"]
    if rejected := sum(t.rejected for t in tallies):
        parts.append(f"{rejected:,} rejected")
    return "; ".join([*parts, *filter(None, (lane.trouble for lane in lanes))])


def reasons(counts: Iterable[Count]) -> dict[str, int]:
    """Return the counts of the first `MAX_REASONS` reasons, and the sum of the rest."""
    counts = list(counts)
    found = by_reason(counts[:MAX_REASONS])
    if rest := counts[MAX_REASONS:]:
        found[f"… {len(rest)} other reasons"] = sum(count.count for count in rest)
    return found


def state_of(pause: Pause | None, *, is_failing: bool) -> str:
    """Return the state of an account in one word; `pause` is its pause or stop."""
    if pause is not None:
        return "stopped" if pause.until is None and pause.kind != OPERATOR else "paused"
    return "failing" if is_failing else "open"


def in_step_in(lane: Lane, missing: int, per_post: int) -> str:
    """Return in words how long the missing images take within the account's budget.

    It is "at most" that long while the access tier is not known, as in a plan.
    """
    if not missing:
        return "now"
    seconds = seconds_to_send(lane, missing, per_post)
    if seconds is None:
        return "unknown"
    return f"{'' if lane.pacer.pace.quota.is_tier_known else 'at most '}{duration(seconds)}"


def seconds_to_send(lane: Lane, missing: int, per_post: int) -> float | None:
    """Return the same in seconds; None while the account is stopped, or failing."""
    if (
        lane.gate.is_locked
        or lane.health.stopped is not None
        or lane.health.failing.since is not None
    ):
        return None
    return seconds_once_open(lane, missing, per_post)


def seconds_once_open(lane: Lane, missing: int, per_post: int) -> float:
    """Return the same, counted from when the account takes calls."""
    ahead = forecast(
        missing, lane.images_per_post(per_post), lane.pacer.pace.budget, share_used(lane.pacer)
    )
    return ahead.seconds


def budget_used(lane: Lane) -> float:
    """Return the share of the account's budget that is in use, in percent."""
    return round(100 * share_used(lane.pacer), 1)
