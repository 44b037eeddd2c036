"""No window exceeds the budget, whatever arrives at which time, and whatever the clock does."""

from itertools import accumulate

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.simulated import Sender, Server

from syncd.rules.pacing.budget import READ, Budget, Call, End, Terms, Tier, write
from syncd.rules.pacing.pace import Pace
from syncd.rules.pacing.usage import BudgetUsage

SMALL = Terms(points=12, window=10.0, calls=9, calls_window=40.0, reserve=0.0)
gaps = st.lists(st.floats(0, 20), max_size=60)


@given(
    arrivals=gaps,
    latencies=st.lists(st.floats(0.01, 5), min_size=1, max_size=20),
    backlog=st.integers(0, 30),
    leaks=st.booleans(),
    headers=st.booleans(),
    workers=st.integers(1, 4),
)
def test_no_call_is_throttled_at_any_arrival_times_and_latencies(
    *,
    arrivals: list[float],
    latencies: list[float],
    backlog: int,
    leaks: bool,
    headers: bool,
    workers: int,
) -> None:
    server = Server(SMALL.budget(), leaks=leaks, reports_calls=headers)
    turns = iter(range(10**6))
    sender = Sender(
        Pace(SMALL, 0.0),
        server,
        per_post=3,
        latency=lambda: latencies[next(turns) % len(latencies)],
        backlog=backlog,
        workers=workers,
        arrivals=list(accumulate(arrivals)),
    )
    sender.run(2000)
    assert (server.throttled, server.into_block) == ([], 0)
    assert sender.backlog == 0


@given(st.lists(st.tuples(st.floats(-50, 30), st.sampled_from([READ, write()])), max_size=80))
def test_a_clock_that_jumps_back_allows_no_additional_call(
    steps: list[tuple[float, Call]],
) -> None:
    pace, server = Pace(SMALL, 0.0), Server(SMALL.budget())
    shown, true = 0.0, 0.0
    for step, call in steps:
        shown += step
        true += max(0.0, step)
        if pace.delay_of_fresh(shown, call) == 0:
            pace.start(shown, call)
            assert server.call(true, call)
            pace.finish(shown, call, End.TAKEN, None)


@given(gaps)
def test_a_withdrawn_call_is_not_counted(steps: list[float]) -> None:
    pace, now = Pace(SMALL, 0.0), 0.0
    for step in steps:
        now += step
        call = write()
        assert pace.delay_of_fresh(now, call) == 0
        pace.start(now, call)
        pace.withdraw(now, call)


figures = st.none() | st.floats(0, 250)
usages = st.builds(
    BudgetUsage,
    calls=figures,
    cpu_time=figures,
    points=figures,
    tier=st.none() | st.sampled_from(Tier),
)


@given(
    st.lists(
        st.tuples(
            st.floats(0, 400), usages, st.integers(1, 50), st.sampled_from(End), st.booleans()
        )
    )
)
def test_no_headers_delay_a_call_by_much_more_than_an_hour(
    story: list[tuple[float, BudgetUsage, int, End, bool]],
) -> None:
    pace, now = Pace(Terms(), 0.0), 0.0
    for step, usage, wanted, end, fresh in story:
        now += step
        call = write(pace.images(wanted))
        assert 1 <= call.images <= wanted
        assert 0 <= pace.delay_of_fresh(now, call) <= 3700
        assert 0 <= pace.delay_of_backlog(now, call, 10**6) <= 3700
        pace.start(now, call, fresh=fresh)
        pace.finish(now, call, end, usage)
    for _ in range(100):
        delay = pace.delay_of_backlog(now, write(), 10**6)
        if delay == 0:
            break
        now += delay
    assert pace.delay_of_backlog(now, write(), 10**6) == 0


def test_calls_of_an_earlier_process_count() -> None:
    pace = Pace(Terms(Tier.DEVELOPMENT, reserve=0.0), 1000.0)
    for number in range(20):
        pace.recall(1000.0, 200.0 - number, write())
    assert pace.delay_of_fresh(1000.0, write()) == pytest.approx(100.3, abs=0.1)


def test_reports_that_are_forgotten_delay_no_call() -> None:
    pace = Pace(Terms(), 0.0)
    pace.start(0.0, write())
    pace.finish(1.0, write(), End.TAKEN, BudgetUsage(calls=900_000, cpu_time=100, points=100))
    assert pace.delay_of_fresh(1.0, write()) >= 300
    pace.quota.forget_reports()
    assert pace.delay_of_fresh(1.0, write()) == 0


def test_the_reported_tier_applies_unless_one_is_configured() -> None:
    usage = BudgetUsage(tier=Tier.STANDARD)
    for terms, points in ((Terms(), 8100), (Terms(Tier.DEVELOPMENT), 54)):
        pace = Pace(terms, 0.0)
        assert pace.budget.points == 54
        pace.start(0.0, READ)
        pace.finish(1.0, READ, End.TAKEN, usage)
        assert pace.budget.points == points


def test_memory_is_bounded_in_a_large_account() -> None:
    server = Server(Budget.for_tier(Tier.STANDARD), Tier.STANDARD)
    sender = Sender(Pace(Terms(Tier.STANDARD), 0.0), server)
    sender.run(1500)
    assert server.taken > 10_000
    assert len(sender.pace.quota.calls._bins) <= 1001
    assert len(sender.pace.quota.points._bins) <= 1001
