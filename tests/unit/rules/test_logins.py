"""A client waits longer after each wrong password, and all together are limited."""

import pytest

from syncd.rules.logins import (
    FIRST,
    FORGOTTEN,
    FREE,
    LONGEST,
    MOST_OF_ALL,
    WINDOW,
    Failures,
    after_failure,
    wait,
    wait_of_all,
)


@pytest.mark.parametrize(
    ("count", "expected"),
    [(1, 0), (FREE - 1, 0), (FREE, FIRST), (FREE + 1, 2 * FIRST), (FREE + 9, LONGEST)],
)
def test_a_client_waits_longer_after_each_further_wrong_password(
    count: int, expected: float
) -> None:
    failures = Failures(count, 100.0)
    assert wait(failures, 100.0) == expected
    assert wait(failures, 100.0 + expected) == 0.0


def test_any_number_of_wrong_passwords_has_a_longest_wait() -> None:
    assert wait(Failures(10**9, 100.0), 100.0) == LONGEST


def test_a_client_that_never_failed_may_try() -> None:
    assert wait(None, 100.0) == 0.0


def test_a_clock_that_was_set_back_ends_the_wait() -> None:
    assert wait(Failures(FREE, 100.0), 99.0) == 0.0


def test_wrong_passwords_are_counted_for_a_day() -> None:
    first = after_failure(None, 100.0)
    assert after_failure(first, 99.0 + FORGOTTEN) == Failures(2, 99.0 + FORGOTTEN)
    assert after_failure(first, 100.0 + FORGOTTEN) == Failures(1, 100.0 + FORGOTTEN)


def test_all_clients_together_are_limited() -> None:
    failed = [100.0] * MOST_OF_ALL
    assert wait_of_all(failed[1:], 110.0) == 0.0
    assert wait_of_all(failed, 110.0) == WINDOW - 10.0
    assert wait_of_all(failed, 100.0 + WINDOW) == 0.0
