"""The schedule of stats lines."""

import itertools

import pytest

from syncd.daemon.stats import ALIVE, HOURLY, is_due


def gaps(every: float, within: float, late: float = 0.0, lasting: float = 20_000) -> list[float]:
    """Return the seconds between the lines of something that does not change.

    late is the seconds by which each call is late.
    """
    written = [0.0]
    for turn in itertools.count(1):
        now = turn * (every + late)
        if now > lasting:
            break
        if is_due(changed=False, since=now - written[-1], every=every, within=within):
            written.append(now)
    return [after - before for before, after in itertools.pairwise(written)]


def test_the_first_line_is_due_at_once() -> None:
    assert is_due(changed=False, since=None, every=60, within=HOURLY)


@pytest.mark.parametrize("every", [1, 60, 86_400])
def test_a_changed_line_is_due_each_period(every: float) -> None:
    assert is_due(changed=True, since=every, every=every, within=HOURLY)


@pytest.mark.parametrize("within", [HOURLY, ALIVE])
@pytest.mark.parametrize("late", [0, 0.01, 0.5])
@pytest.mark.parametrize("every", [1, 7, 60, 100, 121, 200, 239])
def test_an_unchanged_line_is_written_rarely_and_never_too_late(
    every: float, late: float, within: float
) -> None:
    found = gaps(every, within, late)
    assert found
    assert max(found) <= within + every / 100 + late
    assert min(found) >= within - 2 * (every + late) or every > within / 2


@pytest.mark.parametrize("every", [60, 1, 100, 239])
def test_a_late_process_line_causes_no_false_alarm_after_five_minutes(every: float) -> None:
    assert max(gaps(every, ALIVE, late=5)) < 300


@pytest.mark.parametrize("every", [300, 3600, 7200])
def test_a_period_above_the_limit_is_the_interval_of_every_line(every: float) -> None:
    assert set(gaps(every, ALIVE, lasting=50_000)) == {every}


def test_an_unchanged_line_is_written_hourly_by_default() -> None:
    assert set(gaps(60, HOURLY)) == {3600}
    assert set(gaps(60, ALIVE)) == {240}
