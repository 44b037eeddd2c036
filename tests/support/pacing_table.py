"""The cases of the simulated table of the pacing, each with its goals, on a development account.

Constants of `rules/pacing` were chosen with other seeds than UNSEEN, of which figures are measured.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from support.simulated import Sender, Server, spread

from syncd.rules.pacing.budget import Budget, Call, Terms, Tier, write
from syncd.rules.pacing.pace import Pace

DAY, WINDOW = 86_400.0, 300.0
UNSEEN = (201, 202, 203)

HEADERS: Mapping[str, Mapping[str, object]] = {
    "whole percents": {},
    "exact percents": {"exact": True},
    "30 s late": {"lag": 30.0},
    "120 s late": {"lag": 120.0},
    "points too": {"reports_points": True},
    "points only": {"reports_calls": False, "reports_points": True},
    "no headers": {"reports_calls": False},
}

Others = Sequence[tuple[float, Call]]
"""The calls of another program, each with its time."""


def alone(_: int) -> Others:
    """Return no calls."""
    return ()


def even(seed: int, every: float = 30.0) -> Others:
    """Return a write every 30 seconds for a day: half of the budget, from a random phase."""
    phase = random.Random(seed).randrange(64) * every / 64
    return [(phase + time, write()) for time in spread(every, DAY)]


def uneven(seed: int, every: float = 30.0) -> Others:
    """Return the same writes, each later by up to the time between two."""
    return [(time, write()) for time in sorted(spread(every, DAY, every, seed))]


def bursts(seed: int) -> Others:
    """Return three writes at once at changing times, on average three times per window."""
    chance, time = random.Random(seed), 0.0
    calls: list[tuple[float, Call]] = []
    while time < DAY:
        time += chance.expovariate(3 / WINDOW)
        calls += [(time + number * 0.2, write()) for number in range(3)]
    return sorted(calls, key=lambda call: call[0])


@dataclass(frozen=True)
class Case:
    """A day with an endless backlog, and its goals: a share in percent, throttled calls a day."""

    name: str
    others: Callable[[int], Others]
    per_image: bool
    share: float
    throttled: int | None  # None: without a goal
    headers: Sequence[str] = tuple(HEADERS)
    seeds: Sequence[int] = UNSEEN


_WITH_HEADERS = tuple(name for name in HEADERS if name != "no headers")

CASES = (
    Case("alone, a POST costs one call", alone, False, 97, 0, seeds=UNSEEN[:1]),
    Case("alone, each image costs a call", alone, True, 95, 4, seeds=UNSEEN[:1]),
    Case("half used evenly by another program", even, False, 90, None),
    Case("half used unevenly", uneven, False, 85, 3, _WITH_HEADERS),
    Case("half used unevenly, no headers", uneven, False, 85, 3, ("no headers",)),
    Case("half used in bursts at changing times", bursts, False, 60, None, _WITH_HEADERS),
    Case("half used in bursts, no headers", bursts, False, 60, None, ("no headers",)),
)


def run(case: Case, headers: str, seed: int) -> tuple[float, int]:
    """Return the percent that we take of what others leave, and the calls that are throttled."""
    server = account(per_image=case.per_image, **HEADERS[headers])
    Sender(Pace(Terms(reserve=0.0), 0.0), server).run(DAY, case.others(seed))
    left = server.budget.points * DAY / WINDOW - server.theirs_taken
    return 100 * server.points_taken / left, len(server.throttled)


def mean(case: Case, headers: str) -> tuple[float, float]:
    """Return the means of the case's seeds."""
    runs = [run(case, headers, seed) for seed in case.seeds]
    return sum(share for share, _ in runs) / len(runs), sum(count for _, count in runs) / len(runs)


def backlog(images: int, reserve: float) -> Sender:
    """Send a backlog to an untouched account."""
    sender = Sender(Pace(Terms(reserve=reserve), 0.0), account(), backlog=images)
    sender.run(2 * 3600.0)
    return sender


def waits_of_fresh(seed: int) -> list[float]:
    """Return how long fresh images wait, in order, during a backlog with the default reserve."""
    sender = Sender(Pace(Terms(), 0.0), account(), arrivals=spread(600, DAY, 300, seed))
    sender.run(DAY)
    return sorted(sender.waited)


def account(**settings: object) -> Server:
    """Return a development account."""
    return Server(Budget.for_tier(Tier.DEVELOPMENT), **settings)  # type: ignore[arg-type]  # by name
