"""The cap that a throttled call lowers when our own figures do not explain it."""

import pytest

from syncd.rules.pacing.learned_cap import SPARE, LearnedCap


def throttled(*, shown: float, is_settled: bool = True) -> LearnedCap:
    """Return what a throttled call shows while headers show `shown` points of others."""
    cap = LearnedCap()
    cap.record_accepted(27)
    cap.record_throttled(
        0.0, limit=60 - shown, shown=shown, whole=60, is_known=True, is_settled=is_settled
    )
    return cap


def test_others_are_assumed_to_make_one_write_more_for_a_day_after_a_throttled_call() -> None:
    cap = throttled(shown=30)
    assert cap.theirs(SPARE - 1, 30) == 33
    assert cap.theirs(SPARE, 30) == 30


@pytest.mark.parametrize(("shown", "is_settled"), [(0, True), (30, False)])
def test_no_write_is_spared_for_others_that_headers_have_not_shown_for_an_hour(
    shown: float, is_settled: bool
) -> None:
    assert throttled(shown=shown, is_settled=is_settled).theirs(SPARE - 1, shown) == shown
