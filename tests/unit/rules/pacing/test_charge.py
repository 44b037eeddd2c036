"""Which charge of a POST is assumed, and for how long."""

import pytest

from syncd.rules.pacing.budget import Call, End, Terms, Tier, write
from syncd.rules.pacing.pace import Pace
from syncd.rules.pacing.usage import BudgetUsage

HOUR = 3600.0
TERMS = Terms(Tier.DEVELOPMENT)


def end(pace: Pace, now: float, call: Call, how: End, usage: BudgetUsage | None = None) -> None:
    pace.start(now, call)
    pace.finish(now, call, how, usage)


def by_image(pace: Pace, now: float) -> bool:
    """Return the assumed charge at a time, which the pace learns from its next use."""
    pace.shares_used(now)
    return pace.quota.charge.by_image


def test_one_throttled_post_that_images_explain_is_doubted_after_an_hour() -> None:
    pace = Pace(TERMS, 0.0)
    end(pace, 0.0, write(25), End.THROTTLED)
    assert pace.images(25) == 1
    assert by_image(pace, HOUR - 1)
    assert not by_image(pace, HOUR)
    assert pace.images(25) == 25


def test_a_second_throttled_post_confirms_that_images_are_charged() -> None:
    pace = Pace(TERMS, 0.0)
    end(pace, 0.0, write(25), End.THROTTLED)
    assert not by_image(pace, HOUR)
    end(pace, HOUR, write(25), End.THROTTLED)
    assert by_image(pace, 9 * HOUR - 1)
    assert not by_image(pace, 9 * HOUR)


def test_an_accepted_post_excludes_a_charge_by_the_image_for_an_hour() -> None:
    pace = Pace(TERMS, 0.0)
    end(pace, 0.0, write(25), End.TAKEN)
    end(pace, HOUR - 1, write(25), End.THROTTLED)
    assert not by_image(pace, HOUR - 1)
    end(pace, 2 * HOUR, write(25), End.THROTTLED)
    assert by_image(pace, 2 * HOUR)


def test_a_post_that_a_larger_budget_accepted_excludes_nothing() -> None:
    pace = Pace(Terms(), 0.0)
    end(pace, 0.0, write(25), End.TAKEN, BudgetUsage(tier=Tier.STANDARD))
    for _ in range(120):
        end(pace, 1.0, write(25), End.TAKEN)
    end(pace, 2.0, write(25), End.THROTTLED)
    assert by_image(pace, 2.0)


def test_a_post_that_fits_at_any_charge_shows_nothing_when_it_is_throttled() -> None:
    pace = Pace(TERMS, 0.0)
    end(pace, 0.0, write(20), End.THROTTLED)
    assert not by_image(pace, 0.0)


@pytest.mark.parametrize(("percent", "is_kept"), [(20, False), (50, True)])
def test_headers_that_report_fewer_calls_than_images_end_a_charge_by_the_image(
    percent: float, is_kept: bool
) -> None:
    pace = Pace(TERMS, 0.0)
    end(pace, 0.0, write(25), End.THROTTLED)
    for number in range(100):
        end(pace, 100.0 + number, write(), End.TAKEN)
    end(pace, 1000.0, write(), End.TAKEN, BudgetUsage(calls=percent))
    assert by_image(pace, 1000.0) is is_kept


def test_a_restored_charge_by_the_image_is_doubted_when_it_is_due() -> None:
    pace = Pace(TERMS, 0.0)
    pace.quota.charge.restore(100.0)
    assert by_image(pace, 99.0)
    assert not by_image(pace, 100.0)
