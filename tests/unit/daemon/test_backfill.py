"""How often a backfill counts the ledger."""

import pytest

from syncd.daemon.counting import pause_after_count


def test_a_small_ledger_is_counted_for_each_report() -> None:
    assert pause_after_count(0.002, 0.2) == 0.2


@pytest.mark.parametrize("seconds", [0.02, 0.071, 3.0])
def test_counting_takes_at_most_a_twentieth_of_the_time(seconds: float) -> None:
    assert seconds / pause_after_count(seconds, 0.2) <= 0.0501
