"""The limit of CPU and wall time, as headers report it."""

import math

import pytest

from syncd.rules.pacing.cpu_time import CpuTime

HOUR = 3600.0


def most_calls(percent: float, age: float) -> float:
    """Return how many calls the hour may hold, of which 40 have used `percent` of the limit."""
    cpu_time = CpuTime()
    cpu_time.update(0.0, percent)
    return cpu_time.most_calls(age, 40, HOUR)


@pytest.mark.parametrize(("percent", "calls"), [(50, math.inf), (60, 60), (90, 40), (120, 30)])
def test_the_hour_holds_as_many_calls_as_use_90_percent(percent: float, calls: float) -> None:
    assert most_calls(percent, age=0.0) == calls


def test_a_reported_percentage_fades_within_an_hour() -> None:
    assert most_calls(120, age=HOUR / 4) == 40
    assert most_calls(120, age=0.6 * HOUR) == math.inf
