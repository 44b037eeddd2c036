"""Budgets, and how long a backlog takes within them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syncd.rules.forecast import duration, forecast, sentence
from syncd.rules.pacing.budget import Budget, Terms, Tier

DEVELOPMENT, STANDARD = Budget.for_tier(Tier.DEVELOPMENT), Budget.for_tier(Tier.STANDARD)


def test_a_forecast_names_images_calls_and_duration() -> None:
    assert sentence("main", forecast(8400, 25, DEVELOPMENT)) == (
        "main: 8,400 images, 336 calls, about 1 h 24 min; at one image per POST it would be 35 h"
    )


@pytest.mark.parametrize(
    ("images", "per_post", "budget", "text"),
    [
        (0, 25, DEVELOPMENT, "eu: nothing to send"),
        (1, 25, DEVELOPMENT, "eu: 1 image, 1 call, about 15 s"),
        (7, 1, DEVELOPMENT, "eu: 7 images, 7 calls, about 2 min"),
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
    assert sentence("eu", forecast(images, per_post, budget)) == text


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
    assert forecast(100, 10, few).seconds == 10 * 120


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
