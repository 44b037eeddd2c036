"""How much of a budget is used, and how little is refused: days of simulated calls."""

import itertools
from collections.abc import Iterable

import pytest
from support.simulated import Sender, Server, spread

from syncd.rules.pacing.budget import Budget, Call, Terms, Tier, write
from syncd.rules.pacing.pace import Pace
from syncd.rules.pacing.pricing import Charge

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
    sender = Sender(Pace(terms, 0.0), server, **settings)  # type: ignore[arg-type]
    sender.run(seconds, others)
    return sender


def account(tier: Tier = Tier.DEVELOPMENT, **settings: object) -> Server:
    return Server(Budget.for_tier(tier), tier, **settings)  # type: ignore[arg-type]


def share(server: Server, seconds: float = TEN_WINDOWS, left: float = 1.0) -> float:
    return server.points_taken / (server.budget.points * left * seconds / WINDOW)


@pytest.mark.parametrize("leaks", [False, True], ids=["window", "leak"])
@pytest.mark.parametrize("lag", [0.0, 20.0], ids=["at_once", "20s_late"])
@pytest.mark.parametrize(
    ("per_image", "least"), [(False, 0.98), (True, 0.98)], ids=["a_request", "an_image"]
)
def test_the_development_budget_is_used_to_98_percent_over_ten_windows_and_never_refused(
    leaks: bool, lag: float, per_image: bool, least: float
) -> None:
    server = account(leaks=leaks, per_image=per_image, lag=lag)
    sender = run(server)
    assert share(server) >= least
    assert (server.refusals, server.into_block) == ([], 0)
    assert sender.pace.charge is (Charge.IMAGE if per_image else Charge.REQUEST)


@pytest.mark.parametrize("leaks", [False, True], ids=["window", "leak"])
@pytest.mark.parametrize("per_image", [False, True], ids=["a_request", "an_image"])
def test_the_standard_budget_is_used_to_98_percent_and_its_tier_is_learnt(
    leaks: bool, per_image: bool
) -> None:
    server = account(Tier.STANDARD, leaks=leaks, per_image=per_image)
    sender = run(server)
    assert share(server) >= 0.98
    assert (server.refusals, server.into_block) == ([], 0)
    assert sender.pace.tier is Tier.STANDARD


@pytest.mark.parametrize("lag", [0.0, 20.0], ids=["at_once", "20s_late"])
def test_an_account_that_charges_by_the_image_is_refused_once_in_six_hours_at_most(
    lag: float,
) -> None:
    server = account(per_image=True, lag=lag)
    sender = run(server, seconds=DAY)
    assert share(server, DAY) >= 0.96
    assert (server.our_refusals <= 4, server.into_block) == (True, 0)
    assert sender.pace.charge is Charge.IMAGE


@pytest.mark.parametrize("every", [60, 1000])
def test_beside_others_a_charge_by_the_image_is_not_taken_for_one_by_the_request(
    every: float,
) -> None:
    server = account(per_image=True)
    sender = run(server, seconds=DAY / 2, others=((t, write()) for t in spread(every, DAY / 2)))
    assert sender.pace.charge is Charge.IMAGE
    assert len(server.refusals) <= DAY / 2 / WINDOW / 12


def test_without_headers_98_percent_are_used_and_nothing_is_refused() -> None:
    server = account(says_calls=False)
    run(server)
    assert share(server) >= 0.98
    assert server.refusals == []


def test_without_headers_one_refusal_shows_that_images_are_charged() -> None:
    server = account(says_calls=False, per_image=True)
    sender = run(server)
    assert share(server) >= 0.94  # 95 with the block of 300 s in it
    assert (server.our_refusals, server.into_block) == (1, 0)
    assert sender.pace.charge is Charge.IMAGE


@pytest.mark.parametrize(
    ("seconds", "least"), [(TEN_WINDOWS, 0.93), (DAY / 2, 0.97)], ids=["ten_windows", "12_hours"]
)
def test_beside_an_even_program_that_takes_half_93_percent_of_the_rest_are_used(
    seconds: float, least: float
) -> None:
    server = account()
    run(server, seconds=seconds, others=((t, write()) for t in spread(30, seconds)))
    assert share(server, seconds, left=0.5) >= least
    assert (server.refusals, server.into_block) == ([], 0)


def test_beside_an_even_program_95_percent_of_the_rest_are_used_when_points_are_told() -> None:
    server = account(says_points=True)
    run(server, others=((t, write()) for t in spread(30, TEN_WINDOWS)))
    assert share(server, left=0.5) >= 0.94
    assert server.refusals == []


@pytest.mark.parametrize("jitter", [0.0, 5.0], ids=["even", "uneven"])
def test_beside_a_program_that_takes_half_of_the_standard_budget_95_percent_are_used(
    jitter: float,
) -> None:
    server = account(Tier.STANDARD)  # a percent of its calls is a third of a window's
    run(server, others=((t, write()) for t in spread(0.2, TEN_WINDOWS, jitter)))
    assert share(server, left=0.5) >= 0.95
    assert len(server.refusals) <= 2  # in ten windows


@pytest.mark.parametrize("jitter", [3.0, 10.0, 30.0])
def test_beside_an_uneven_program_one_call_in_twelve_windows_is_refused(jitter: float) -> None:
    # One write more than usual, of twenty, is enough to overrun a development account that is
    # full: what is left cannot be used to 90 percent here, and 75 is what a refusal costs.
    server = account()
    run(server, seconds=DAY / 2, others=((t, write()) for t in spread(30, DAY / 2, jitter)))
    windows = DAY / 2 / WINDOW
    assert share(server, DAY / 2, left=0.5) >= 0.75
    assert len(server.refusals) <= windows / 12
    assert server.into_block <= len(server.refusals)  # nobody told us that theirs was refused


def test_a_program_that_comes_and_goes_is_made_room_for_and_forgotten() -> None:
    server = account()
    others = [(t, write()) for t in spread(30, DAY) if 20_000 < t < 40_000]
    sender = run(server, seconds=DAY, others=others)
    assert len(server.refusals) <= 20_000 / WINDOW / 12
    late = sum(points for t, points in sender.sent if t > DAY - TEN_WINDOWS)
    assert late / (60 * 10) >= 0.97


def test_a_fresh_image_waits_15_s_at_most_while_a_backlog_drains() -> None:
    server = account()
    sender = run(server, seconds=DAY, arrivals=spread(600, DAY, 300, seed=1))
    waits = sorted(sender.waited)
    assert len(waits) > 140
    assert waits[len(waits) // 2] <= 5
    assert waits[-1] <= 15.5  # one write's share of the window
    assert share(server, DAY) >= 0.97


@pytest.mark.parametrize("latency", [0.4, 0.02])
def test_a_fresh_image_never_waits_in_a_standard_account_while_a_backlog_drains(
    latency: float,
) -> None:
    server = account(Tier.STANDARD)
    terms = Terms(Tier.STANDARD, reserve=0.0)
    arrivals = spread(20, TEN_WINDOWS, 20, seed=1)
    sender = run(server, terms, latency=lambda: latency, arrivals=arrivals)
    assert max(sender.waited) <= 0.5
    assert share(server) >= 0.98


@pytest.mark.parametrize("posts", [80, 400, 800])
def test_a_backlog_that_a_standard_account_has_plenty_for_goes_as_fast_as_answers_come(
    posts: int,
) -> None:
    server = account(Tier.STANDARD)  # which tells whole percents: of 1,000 calls each
    sender = run(server, Terms(), latency=lambda: 0.05, backlog=posts * 25)
    assert server.images == posts * 25
    assert server.taken <= posts + 1  # the first is small: the tier is not known yet
    assert sender.sent[-1][0] <= 1.05 * posts / sender.workers * 0.05 + 0.5
    assert server.refusals == []


def test_a_backlog_of_more_than_plenty_is_spread_from_there_without_a_pause_or_a_refusal() -> None:
    server = account(Tier.STANDARD)
    sender = run(server, Terms(), latency=lambda: 0.05)
    times = [time for time, _ in sender.sent]
    later = [time for time in times if 20 < time < WINDOW]
    halves = sum(time < (20 + WINDOW) / 2 for time in later), len(later)
    assert halves[0] / halves[1] == pytest.approx(0.5, abs=0.02)
    assert max(after - before for before, after in itertools.pairwise(times)) <= 0.5
    assert share(server) >= 0.88  # of the nine tenths that are ours
    assert server.refusals == []


def test_a_burst_of_posts_that_are_charged_by_the_image_is_refused_once_at_most() -> None:
    server = account(Tier.STANDARD, per_image=True, lag=20.0)
    sender = run(server, Terms(), latency=lambda: 0.05)
    assert server.our_refusals == 1
    assert server.into_block < sender.workers
    assert sender.pace.charge is Charge.IMAGE


def test_many_fresh_images_at_once_do_not_make_the_last_one_wait_for_a_window() -> None:
    server = account()
    pace = Pace(Terms(Tier.DEVELOPMENT, reserve=0.0), 0.0)
    sender = Sender(pace, server, per_post=1, backlog=0, arrivals=[0.0] * 16)
    sender.run(TEN_WINDOWS)
    assert sender.sent[9][0] <= 2  # half of the window goes at once
    gaps = [
        later - sooner
        for (sooner, _), (later, _) in zip(sender.sent, sender.sent[1:], strict=False)
    ]
    assert max(gaps) <= 35


def test_a_backlog_is_spread_evenly_and_does_not_burst() -> None:
    sender = run(account(), seconds=5 * WINDOW)
    times = [time for time, _ in sender.sent]
    gaps = [later - sooner for sooner, later in itertools.pairwise(times)]
    assert min(gaps) > 7
    assert max(gaps) < 25


def test_a_tenth_is_left_to_people() -> None:
    server = account()
    sender = run(server, Terms())
    assert 0.86 <= share(server) <= 0.9
    assert server.refusals == []
    assert sender.pace.budget.points == 54


def test_what_people_do_within_the_reserve_slows_nothing() -> None:
    quiet, busy = account(), account()
    run(quiet, Terms(reserve=0.25), seconds=DAY)
    run(busy, Terms(reserve=0.25), DAY, ((t, write()) for t in spread(100, DAY)))
    assert busy.taken >= 0.98 * quiet.taken
    assert busy.refusals == []


def test_5000_images_take_less_than_an_hour_of_a_development_account() -> None:
    server = account()
    sender = run(server, Terms(), seconds=3600, backlog=5000)
    assert server.images == 5000
    assert server.taken / 5000 <= 0.042
    assert sender.sent[-1][0] < 3600
    assert server.refusals == []


@pytest.mark.parametrize("cost", [0.5, 1.0, 4.0])
def test_cpu_time_slows_it_and_is_never_used_up(cost: float) -> None:
    server = account(work_per_call=cost)
    run(server, seconds=DAY)
    assert 70 <= server.worst_work < 100
    assert server.refusals == []


def test_a_day_is_as_good_as_an_hour_when_headers_are_half_a_minute_late() -> None:
    server = account(lag=30.0)
    run(server, seconds=DAY)
    assert share(server, DAY) >= 0.98
    assert server.refusals == []


def test_slow_calls_cost_their_time_and_nothing_more() -> None:
    server = account()
    run(server, latency=lambda: 10.0)
    assert share(server) >= 0.93
    assert server.refusals == []
