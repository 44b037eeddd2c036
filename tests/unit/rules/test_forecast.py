"""Budgets, and how long a backlog takes within them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.simulated import Sender, Server

from syncd.rules.forecast import duration, forecast, sentence
from syncd.rules.pacing.budget import Budget, Terms, Tier
from syncd.rules.pacing.pace import Pace

DEVELOPMENT, STANDARD = Budget.for_tier(Tier.DEVELOPMENT), Budget.for_tier(Tier.STANDARD)


def test_a_forecast_names_images_calls_and_duration() -> None:
    assert sentence("main", forecast(8400, 25, DEVELOPMENT), at_most=False) == (
        "main: 8,400 images, 336 calls, about 1 h 24 min; at one image per POST it would be 35 h"
    )


def test_a_forecast_for_the_smaller_of_two_budgets_is_at_most_that_long() -> None:
    ahead = forecast(19, 1, DEVELOPMENT)
    assert sentence("eu", ahead, at_most=True) == "eu: 19 images, 19 calls, at most 5 min"


@pytest.mark.parametrize(
    ("images", "per_post", "budget", "text"),
    [
        (0, 25, DEVELOPMENT, "eu: nothing to send"),
        (1, 25, DEVELOPMENT, "eu: 1 image, 1 call, about 1 s"),
        (18, 1, DEVELOPMENT, "eu: 18 images, 18 calls, about 1 s"),
        (19, 1, DEVELOPMENT, "eu: 19 images, 19 calls, about 5 min"),
        (
            350,
            25,
            DEVELOPMENT.less(0.1),
            ("eu: 350 images, 14 calls, about 1 s; at one image per POST it would be 1 h 37 min"),
        ),
        (
            100_000,
            25,
            STANDARD,
            (
                "eu: 100,000 images, 4,000 calls, about 7 min;"
                " at one image per POST it would be 2 h 47 min"
            ),
        ),
    ],
)
def test_a_forecast_is_written_in_words(
    images: int, per_post: int, budget: Budget, text: str
) -> None:
    assert sentence("eu", forecast(images, per_post, budget), at_most=False) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "1 s"),
        (59.4, "59 s"),
        (59.6, "1 min"),
        (3570, "1 h"),
        (5040, "1 h 24 min"),
        (126_000, "35 h"),
        (200_000, "2 d 8 h"),
        (10_000_000, "116 d"),
    ],
)
def test_a_duration_is_written_in_words(seconds: float, text: str) -> None:
    assert duration(seconds) == text


@given(st.integers(0, 10**6), st.integers(1, 50))
def test_shared_posts_never_take_longer_than_single_ones(images: int, per_post: int) -> None:
    ahead = forecast(images, per_post, DEVELOPMENT)
    assert ahead.calls <= images
    assert 0 <= ahead.seconds <= ahead.alone


def test_the_hourly_calls_limit_a_forecast_when_they_are_scarcer_than_points() -> None:
    few = Terms(points=60, calls=30).budget()
    assert forecast(1000, 10, few).seconds == 100 * 120


def test_calls_that_fit_only_into_an_unused_budget_are_spread_once_it_is_used() -> None:
    assert forecast(10, 1, DEVELOPMENT, used=0.4).seconds == 0
    assert forecast(10, 1, DEVELOPMENT, used=0.5).seconds == 150


@pytest.mark.parametrize("reserve", [0.0, 0.1])
@pytest.mark.parametrize("writes", [5, 14, 19, 27, 40, 100, 336])
def test_a_simulated_backlog_takes_about_as_long_as_forecast(writes: int, reserve: float) -> None:
    ahead = forecast(writes * 25, 25, DEVELOPMENT.less(reserve))
    sender = Sender(Pace(Terms(reserve=reserve), 0.0), Server(DEVELOPMENT), backlog=writes * 25)
    sender.run(10 * 3600.0)
    assert sender.time_of(writes * 25) == pytest.approx(ahead.seconds, rel=0.3, abs=5)


def test_each_tier_has_its_documented_budget() -> None:
    assert (DEVELOPMENT.points, DEVELOPMENT.window, DEVELOPMENT.block) == (60, 300, 300)
    assert (DEVELOPMENT.calls, DEVELOPMENT.calls_window) == (300, 3600)
    assert (STANDARD.points, STANDARD.window, STANDARD.block) == (9000, 300, 60)
    assert (STANDARD.calls, STANDARD.calls_window) == (100_000, 3600)
    assert Budget.for_tier(Tier.DEVELOPMENT, ads=3).calls == 420


def test_a_configured_budget_takes_the_rest_from_the_tier() -> None:
    assert Terms().budget() == DEVELOPMENT
    assert Terms().budget(Tier.STANDARD) == STANDARD
    assert Terms(Tier.DEVELOPMENT).budget(Tier.STANDARD) == DEVELOPMENT
    own = Terms(points=600, window=30.0).budget()
    assert own == Budget(600, 30.0, 300, 3600.0, block=30.0)


@given(st.floats(0, 1, exclude_max=True))
def test_any_reserve_leaves_room_for_one_write(reserve: float) -> None:
    left = DEVELOPMENT.less(reserve)
    assert 3 <= left.points <= 60
    assert 1 <= left.calls <= 300


def test_a_reserve_of_a_tenth_leaves_nine_tenths() -> None:
    assert (DEVELOPMENT.less(0.1).points, DEVELOPMENT.less(0.1).calls) == (54, 270)
