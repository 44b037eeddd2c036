"""Consecutive failed calls: when they are a state, and when an error is about the call."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syncd.model import Digest
from syncd.rules.errors import ApiError
from syncd.rules.failures import ALERT_AFTER, DIFFERENT, Failures, narrowed

UNKNOWN = ApiError(status=400, code=100)
TEMPORARY = ApiError(status=500, code=1)


def images(text: str) -> frozenset[Digest]:
    return frozenset(Digest(letter.encode()) for letter in text)


def after_posts(*posts: str, error: ApiError = UNKNOWN) -> Failures:
    failures = Failures()
    for post in posts:
        failures = failures.after(error, images(post), 0.0, unknown=error is UNKNOWN)
    return failures


@pytest.mark.parametrize(
    ("posts", "is_about_call"),
    [
        (("a", "b", "c"), True),
        (("a", "a", "a", "a"), False),  # one image
        (("a", "b", "a", "b"), False),
        (("abcd", "ab", "a"), False),  # any of them may be the reason
        (("abcd", "ab", "cd"), False),
        (("abcd", "efgh", "ijkl"), False),  # that they share a POST may be the reason
        (("abcd", "efgh", "ijkl", "m"), True),
        (("abcd", "efgh", "ijkl", "a"), True),  # the others have no image in common with it
        (("abcd", "a", "b", "c"), True),
    ],
)
def test_three_different_images_are_about_the_call(
    posts: tuple[str, ...], is_about_call: bool
) -> None:
    assert after_posts(*posts).is_about_the_call(UNKNOWN) is is_about_call


def test_different_unknown_errors_are_counted_separately() -> None:
    failures = after_posts("a", "b")
    other = ApiError(status=400, code=999)
    assert not failures.after(other, images("c"), 0.0, unknown=True).is_about_the_call(other)


def test_a_temporary_error_is_never_about_the_call() -> None:
    assert not after_posts("a", "b", "c", error=TEMPORARY).is_about_the_call(TEMPORARY)


@given(st.lists(st.frozensets(st.sampled_from([Digest(bytes([n])) for n in range(8)]))))
def test_failed_posts_never_have_an_image_in_common(posts: list[frozenset[Digest]]) -> None:
    apart: tuple[frozenset[Digest], ...] = ()
    for post in posts:
        apart = narrowed(apart, post)
    assert len(frozenset().union(*apart)) == sum(map(len, apart))
    assert len(apart) <= DIFFERENT
    assert all(apart)


def test_one_image_may_be_the_reason_until_another_one_fails() -> None:
    assert after_posts("a", "a", error=TEMPORARY).is_about_one_image
    assert after_posts("ab", "b", error=TEMPORARY).is_about_one_image
    assert not after_posts("a", "b", error=TEMPORARY).is_about_one_image
    assert not after_posts("", error=TEMPORARY).is_about_one_image, "a call without images"


def test_an_account_is_failing_after_five_calls_or_a_minute() -> None:
    failures = Failures()
    for _ in range(4):
        failures = failures.after(TEMPORARY, images("a"), 1.0, unknown=False)
        assert not failures.is_state
    assert failures.after(TEMPORARY, images("a"), 1.0, unknown=False).is_state
    one = Failures().after(TEMPORARY, images("a"), 1.0, unknown=False)
    assert not one.after(TEMPORARY, images("a"), 60.9, unknown=False).is_state
    assert one.after(TEMPORARY, images("a"), 61.0, unknown=False).is_state


def test_an_account_that_is_failing_for_an_hour_needs_the_operator() -> None:
    one = Failures().after(TEMPORARY, images("a"), 0.0, unknown=False)
    assert not one.after(TEMPORARY, images("a"), ALERT_AFTER - 1, unknown=False).is_alert
    assert one.after(TEMPORARY, images("a"), ALERT_AFTER, unknown=False).is_alert
