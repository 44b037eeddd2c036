"""The pacing of a simulated account, a day in each case; what is measured does not depend on the
computer."""

from __future__ import annotations

from collections.abc import Iterator

from bench.bench import Bench
from bench.row import Goal, Row
from support import pacing_table as table


def rows(_: Bench) -> Iterator[Row]:
    for case in table.CASES:
        means = [table.mean(case, headers) for headers in case.headers]
        note = f"the worst of {len(means)} header cases" if len(means) > 1 else ""
        share, throttled = min(share for share, _ in means), max(count for _, count in means)
        goal = Goal(case.share, at_most=False, of_figure=True)
        yield Row(f"{case.name}: budget used", share, "%", [], goal, note)
        limit = None if case.throttled is None else Goal(case.throttled, of_figure=True)
        yield Row(f"{case.name}: throttled a day", throttled, "", [], limit, note)
    for images, reserve, seconds in ((350, 0.1, 10), (5000, 0.0, 3000), (5000, 0.1, 3360)):
        sender = table.backlog(images, reserve)
        what = f"{images:,} images on an untouched account, reserve {reserve}"
        goal = Goal(seconds, of_figure=True)
        yield Row(f"{what}: seconds", sender.time_of(images), "s", [], goal)
        yield Row(
            f"{what}: throttled", len(sender.server.throttled), "", [], Goal(0, of_figure=True)
        )
    waits = sorted(wait for seed in table.UNSEEN for wait in table.waits_of_fresh(seed))
    what = "a fresh image during a backlog, 95th percentile"
    yield Row(what, waits[len(waits) * 95 // 100], "s", [], Goal(1, of_figure=True))
