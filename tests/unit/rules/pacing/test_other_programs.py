"""The spending of other programs, as headers show it."""

import pytest

from syncd.rules.pacing.budget import Budget, Tier
from syncd.rules.pacing.other_programs import OtherPrograms

BUDGET = Budget.for_tier(Tier.DEVELOPMENT)  # 300 calls per hour: one percent is three
HOUR, WINDOW = 3600.0, 300.0


def reported(percent: float, ours: int) -> OtherPrograms:
    """Return what one header at the end of an hour shows."""
    others = OtherPrograms(BUDGET)
    others.update_calls(0.0, 0.0, 0)
    others.update_calls(HOUR, percent, ours)
    return others


def test_calls_that_are_not_ours_are_theirs_and_spread_evenly_over_the_hour() -> None:
    assert reported(60, 60).points_per_window(HOUR) == 3 * 10


def test_a_report_of_fewer_calls_than_ours_shows_no_others() -> None:
    assert reported(20, 100).points_per_window(HOUR) == 0


def test_an_old_report_fades_within_an_hour() -> None:
    others = reported(40, 0)
    assert others.points_per_window(1.5 * HOUR) == 3 * 5
    assert others.points_per_window(2 * HOUR) == 0


@pytest.mark.parametrize(("now", "calls"), [(HOUR, 110), (HOUR + 150, 115), (HOUR + 300, 120)])
def test_a_block_does_not_lower_the_rate_of_others(now: float, calls: int) -> None:
    others = OtherPrograms(BUDGET)
    others.update_calls(0.0, 0.0, 0)
    others.record_block(0.0)  # for 300 s, in which they make no calls
    others.update_calls(now, calls / 3, 0)
    assert others.points_per_window(now) == 3 * 10


def test_reported_points_are_averaged_and_ignored_for_a_window_after_a_block() -> None:
    others = OtherPrograms(BUDGET)
    others.update_points(0.0, 50, 0)
    others.update_points(WINDOW, 100, 0)
    assert others.points_per_window(WINDOW) == 3 * round(10 + 10 / 4)
    others.record_block(WINDOW)
    others.update_points(2.5 * WINDOW, 0, 0)
    assert others.points_per_window(2.5 * WINDOW) == 3 * round(10 + 10 / 4)


def test_an_estimate_leaves_a_part_of_the_budget() -> None:
    assert reported(100, 0).points_per_window(HOUR) == 0.85 * BUDGET.points
