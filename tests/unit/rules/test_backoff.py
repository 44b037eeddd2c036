"""The delay before a retry, and the length of a pause."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syncd.rules.backoff import pause_length, retry_delay
from syncd.rules.errors import Verdict

PAUSES = [v for v in Verdict if v.name.startswith("PAUSE")]
chances = st.floats(0, 1)


@given(st.integers(1, 10**6), chances, chances)
def test_the_delay_of_a_retry_grows_up_to_five_minutes(
    tries: int, one: float, other: float
) -> None:
    assert 0.5 <= retry_delay(tries, one) <= 300
    assert retry_delay(tries, 0.0) <= retry_delay(tries, one) <= retry_delay(tries + 1, one)
    if tries < 9:  # before the cap, the longest delay of a try is the shortest of the next
        assert retry_delay(tries, one) <= retry_delay(tries + 1, other)


def test_retries_are_spread_over_half_of_their_delay() -> None:
    assert [retry_delay(n, 1.0) for n in (1, 2, 3, 9, 10, 99)] == [1, 2, 4, 256, 300, 300]
    assert [retry_delay(n, 0.0) for n in (1, 2, 10)] == [0.5, 1, 150]


@given(st.sampled_from(PAUSES), st.integers(1, 10**6), chances)
def test_a_pause_of_unknown_length_grows_to_its_cap_and_no_further(
    verdict: Verdict, consecutive: int, chance: float
) -> None:
    first, longest = pause_length(verdict, None, 1, 0.0), pause_length(verdict, None, 10**6, 1.0)
    length = pause_length(verdict, None, consecutive, chance)
    assert first <= length <= longest
    assert length <= pause_length(verdict, None, consecutive + 1, chance)


@pytest.mark.parametrize(
    ("verdict", "first", "second", "last"),
    [
        (Verdict.PAUSE_ACCOUNT, 300, 600, 3600),
        (Verdict.PAUSE_TOKEN, 300, 600, 3600),
        (Verdict.PAUSE_ABUSE, 3600, 7200, 6 * 3600),
        (Verdict.PAUSE_BLOCKED, 4 * 3600, 8 * 3600, 24 * 3600),
    ],
)
def test_the_first_pause_lasts_for_the_documented_block(
    verdict: Verdict, first: float, second: float, last: float
) -> None:
    assert [pause_length(verdict, None, n, 0.0) for n in (1, 2, 99)] == [first, second, last]


@given(st.floats(1, 1e5), st.integers(1, 50), chances, st.sampled_from([60.0, 300.0]))
def test_a_throttle_lasts_for_the_longer_of_block_and_hint_and_jitter_only_adds(
    hint: float, consecutive: int, chance: float, block: float
) -> None:
    least = max(hint, block)
    for verdict in (Verdict.PAUSE_ACCOUNT, Verdict.PAUSE_TOKEN):
        assert (
            least <= pause_length(verdict, hint, consecutive, chance, block) <= least * 1.1 + 1e-9
        )


def test_a_tier_with_a_short_block_is_tried_again_sooner() -> None:
    lengths = [pause_length(Verdict.PAUSE_ACCOUNT, None, n, 0.0, 60.0) for n in (1, 2, 3, 99)]
    assert lengths == [60, 120, 240, 3600]


@given(st.floats(0, 1e5), chances)
def test_no_header_shortens_the_pause_after_abuse(hint: float, chance: float) -> None:
    for verdict in (Verdict.PAUSE_ABUSE, Verdict.PAUSE_BLOCKED):
        assert pause_length(verdict, hint, 1, chance) == pause_length(verdict, None, 1, chance)


def test_a_hint_of_zero_does_not_make_the_pause_empty() -> None:
    assert pause_length(Verdict.PAUSE_ACCOUNT, 0.0, 1, 0.0) == 300
