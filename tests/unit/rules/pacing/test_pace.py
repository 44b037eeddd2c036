"""How much of a budget is used, and how few calls are throttled, over days of simulated calls."""

import itertools
from collections.abc import Iterable

import pytest
from support.simulated import Sender, Server, spread

from syncd.rules.pacing.budget import Budget, Call, End, Terms, Tier, write
from syncd.rules.pacing.pace import Pace

WINDOW = 300.0
TEN_WINDOWS = 10 * WINDOW
DAY = 86_400.0
ALL = Terms(reserve=0.0)


def run(
    server: Server,
    terms: Terms = ALL,
    seconds: float = TEN_WINDOWS,
    others: Iterable[tuple[float, Call]] = (),
    **settings: object,
) -> Sender:
    sender = Sender(Pace(terms, 0.0), server, **settings)  # type: ignore[arg-type]  # by name
    sender.run(seconds, others)
    return sender


def account(tier: Tier = Tier.DEVELOPMENT, **settings: object) -> Server:
    return Server(Budget.for_tier(tier), tier, **settings)  # type: ignore[arg-type]  # by name


def share(server: Server, seconds: float = TEN_WINDOWS, left: float = 1.0) -> float:
    return server.points_taken / (server.budget.points * left * seconds / WINDOW)


@pytest.mark.parametrize("leaks", [False, True], ids=["window", "leak"])
@pytest.mark.parametrize("lag", [0.0, 20.0], ids=["at_once", "20s_late"])
def test_98_percent_of_the_development_budget_are_used_and_no_call_is_throttled(
    leaks: bool, lag: float
) -> None:
    server = account(leaks=leaks, lag=lag)
    sender = run(server)
    assert share(server) >= 0.98
    assert (server.throttled, server.into_block) == ([], 0)
    assert not sender.pace.quota.charge.by_image


@pytest.mark.parametrize("leaks", [False, True], ids=["window", "leak"])
@pytest.mark.parametrize("lag", [0.0, 20.0], ids=["at_once", "20s_late"])
@pytest.mark.parametrize("tier", list(Tier))
def test_one_throttled_call_shows_that_images_are_charged(
    leaks: bool, lag: float, tier: Tier
) -> None:
    server = account(tier, per_image=True, leaks=leaks, lag=lag)
    sender = run(server)
    assert share(server) >= 0.89  # of a development account the block takes a tenth of ten windows
    assert server.our_throttled == 1
    assert server.into_block < sender.workers
    assert sender.pace.quota.charge.by_image


@pytest.mark.parametrize("leaks", [False, True], ids=["window", "leak"])
def test_98_percent_of_the_standard_budget_are_used_and_its_tier_is_learned(leaks: bool) -> None:
    server = account(Tier.STANDARD, leaks=leaks)
    sender = run(server)
    assert share(server) >= 0.98
    assert (server.throttled, server.into_block) == ([], 0)
    assert sender.pace.tier is Tier.STANDARD


@pytest.mark.parametrize("every", [60, 1000])
def test_a_charge_by_the_image_is_recognized_despite_the_calls_of_others(
    every: float,
) -> None:
    server = account(per_image=True)
    sender = run(server, seconds=DAY / 2, others=((t, write()) for t in spread(every, DAY / 2)))
    assert sender.pace.quota.charge.by_image
    assert len(server.throttled) <= DAY / 2 / WINDOW / 12


def test_98_percent_are_used_without_headers_and_no_call_is_throttled() -> None:
    server = account(reports_calls=False)
    run(server)
    assert share(server) >= 0.98
    assert server.throttled == []


@pytest.mark.parametrize("jitter", [0.0, 5.0], ids=["even", "uneven"])
def test_95_percent_of_the_rest_are_used_while_another_program_takes_half_of_a_standard_budget(
    jitter: float,
) -> None:
    server = account(Tier.STANDARD)  # one percent of its calls is a third of a window
    run(server, others=((t, write()) for t in spread(0.2, TEN_WINDOWS, jitter)))
    assert share(server, left=0.5) >= 0.95
    assert len(server.throttled) <= 2  # in ten windows


def test_a_program_that_stops_calling_gives_its_share_back() -> None:
    server = account()
    others = [(t, write()) for t in spread(30, DAY) if 20_000 < t < 40_000]
    sender = run(server, seconds=DAY, others=others)
    assert len(server.throttled) <= 20_000 / WINDOW / 12
    late = sum(points for t, points in sender.sent if t > DAY - TEN_WINDOWS)
    assert late / (60 * 10) >= 0.97


def test_without_a_reserve_a_fresh_image_waits_for_one_share_of_the_window_at_most() -> None:
    server = account()
    sender = run(server, seconds=DAY, arrivals=spread(600, DAY, 300, seed=1))
    assert len(sender.waited) > 140
    assert max(sender.waited) <= 15.5
    assert share(server, DAY) >= 0.97


def test_images_that_arrive_after_a_burst_wait_for_a_third_of_a_window_at_most() -> None:
    sender = run(account(), Terms(), backlog=400, arrivals=[10.0 + 20 * n for n in range(30)])
    assert len(sender.waited) == 30
    assert max(sender.waited) <= WINDOW / 3
    assert sender.server.throttled == []


@pytest.mark.parametrize("latency", [0.4, 0.02])
def test_a_fresh_image_waits_half_a_second_at_most_in_a_standard_account(
    latency: float,
) -> None:
    server = account(Tier.STANDARD)
    terms = Terms(Tier.STANDARD, reserve=0.0)
    arrivals = spread(20, TEN_WINDOWS, 20, seed=1)
    sender = run(server, terms, latency=lambda: latency, arrivals=arrivals)
    assert max(sender.waited) <= 0.5
    assert share(server) >= 0.98


@pytest.mark.parametrize("posts", [80, 400, 800])
def test_a_small_backlog_of_a_standard_account_is_sent_as_fast_as_responses_arrive(
    posts: int,
) -> None:
    server = account(Tier.STANDARD)  # it reports whole percents, of 1,000 calls each
    sender = run(server, Terms(), latency=lambda: 0.05, backlog=posts * 25)
    assert server.images == posts * 25
    assert server.taken <= posts + 1  # the first one is small: the tier is not known yet
    assert sender.sent[-1][0] <= 1.05 * posts / sender.workers * 0.05 + 0.5
    assert server.throttled == []


def test_a_large_backlog_of_a_standard_account_is_spread_out_after_its_first_part() -> None:
    server = account(Tier.STANDARD)
    sender = run(server, Terms(), latency=lambda: 0.05)
    times = [time for time, _ in sender.sent]
    later = [time for time in times if 20 < time < WINDOW]
    halves = sum(time < (20 + WINDOW) / 2 for time in later), len(later)
    assert halves[0] / halves[1] == pytest.approx(0.5, abs=0.02)
    assert max(after - before for before, after in itertools.pairwise(times)) <= 0.5
    assert share(server) >= 0.88  # of the nine tenths that are ours
    assert server.throttled == []


def test_sixteen_fresh_images_are_sent_at_once() -> None:
    pace = Pace(Terms(Tier.DEVELOPMENT), 0.0)
    sender = Sender(pace, account(), per_post=1, backlog=0, arrivals=[0.0] * 16)
    sender.run(TEN_WINDOWS)
    assert sender.sent[15][0] <= 2


@pytest.mark.parametrize(("images", "seconds"), [(350, 2), (400, 2), (401, 240)])
def test_a_backlog_that_fits_is_sent_at_once_except_for_a_tenth_of_the_budget(
    images: int, seconds: float
) -> None:
    sender = run(account(), Terms(), backlog=images)
    assert seconds / 2 <= sender.time_of(images) <= seconds
    assert sender.server.throttled == []


def test_the_first_post_and_each_larger_one_are_sent_alone() -> None:
    sender = run(account(), Terms(), backlog=100, latency=lambda: 1.0)
    assert [time for time, _ in sender.sent] == [0.0, 1.0, 1.0, 1.0]
    pace = Pace(Terms(), 0.0)
    pace.start(0.0, write(1))
    pace.finish(1.0, write(1), End.TAKEN, None)
    pace.start(1.0, write(1))
    assert pace.delay_of_fresh(1.0, write(1)) == 0
    assert pace.delay_of_fresh(1.0, write(2)) > 0


def test_half_of_a_large_backlog_s_budget_is_sent_at_once_and_the_rest_evenly() -> None:
    sender = run(account(), seconds=5 * WINDOW)
    times = [time for time, _ in sender.sent]
    gaps = [later - sooner for sooner, later in itertools.pairwise(times)]
    assert times[9] <= 2
    assert min(gaps[11:19]) > 20
    assert max(gaps) < 31
    assert min(gaps[20:]) > 14
    assert share(sender.server, 5 * WINDOW) >= 0.98


def test_the_default_reserve_leaves_a_tenth_to_others() -> None:
    server = account()
    sender = run(server, Terms())
    assert 0.86 <= share(server) <= 0.9
    assert server.throttled == []
    assert sender.pace.budget.points == 54


def test_calls_of_others_within_the_reserve_slow_nothing_down() -> None:
    quiet, busy = account(), account()
    run(quiet, Terms(reserve=0.25), seconds=DAY)
    run(busy, Terms(reserve=0.25), DAY, ((t, write()) for t in spread(100, DAY)))
    assert busy.taken >= 0.98 * quiet.taken
    assert busy.throttled == []


def test_a_development_account_takes_5000_images_in_less_than_an_hour() -> None:
    server = account()
    sender = run(server, Terms(), seconds=3600, backlog=5000)
    assert server.images == 5000
    assert server.taken / 5000 <= 0.042
    assert sender.sent[-1][0] < 3600
    assert server.throttled == []


@pytest.mark.parametrize("cost", [0.5, 1.0, 4.0])
def test_cpu_time_slows_calls_down_and_is_never_used_up(cost: float) -> None:
    server = account(work_per_call=cost)
    run(server, seconds=DAY)
    assert 70 <= server.worst_work < 100
    assert server.throttled == []


def test_98_percent_are_used_all_day_when_headers_lag_half_a_minute() -> None:
    server = account(lag=30.0)
    run(server, seconds=DAY)
    assert share(server, DAY) >= 0.98
    assert server.throttled == []


def test_slow_calls_cost_little_of_the_budget() -> None:
    server = account()
    run(server, latency=lambda: 10.0)
    assert share(server) >= 0.93
    assert server.throttled == []


def test_a_backlog_does_not_wait_for_turns_that_fresh_images_have_taken() -> None:
    pace, now = Pace(Terms(tier=Tier.STANDARD), 0.0), 0.0
    while now < 2 * WINDOW:  # as fast as the budget allows
        now += max(0.02, pace.delay_of_fresh(now, write()))
        pace.start(now, write(), fresh=True)
        pace.finish(now, write(), End.TAKEN, None)
    assert pace.delay_of_backlog(now, write(), 1000) <= WINDOW / 20
    sent, later = 0, now + WINDOW
    while now < later:
        now += pace.delay_of_backlog(now, write(), 1000)
        pace.start(now, write())
        pace.finish(now, write(), End.TAKEN, None)
        sent += 1
    assert sent >= 0.9 * pace.budget.points / 3
