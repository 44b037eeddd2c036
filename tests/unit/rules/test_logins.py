"""Failed attempts to log in are counted by client and in all, within a minute."""

from syncd.rules.logins import MOST_OF_ALL, MOST_OF_CLIENT, WINDOW, is_allowed


def test_a_client_may_fail_a_few_times_within_a_minute() -> None:
    attempts = [(100.0 + n, "a") for n in range(MOST_OF_CLIENT)]
    assert is_allowed(attempts[:-1], "a", 110.0)
    assert not is_allowed(attempts, "a", 110.0)
    assert is_allowed(attempts, "b", 110.0)


def test_a_client_may_try_again_after_a_minute() -> None:
    attempts = [(100.0, "a")] * MOST_OF_CLIENT
    assert not is_allowed(attempts, "a", 99.9 + WINDOW)
    assert is_allowed(attempts, "a", 100.0 + WINDOW)


def test_all_clients_together_are_limited() -> None:
    attempts = [(100.0, f"client {n}") for n in range(MOST_OF_ALL)]
    assert is_allowed(attempts[:-1], "another", 110.0)
    assert not is_allowed(attempts, "another", 110.0)
