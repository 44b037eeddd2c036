"""When a limitation of an account is learned, what follows, and when it ends."""

import random
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from syncd.model import AccountId
from syncd.rules.limitation import (
    DIFFERENT,
    RETRY,
    RETRY_REFUSED,
    BodySize,
    Limitation,
    Limits,
    Post,
    Way,
    What,
    recalled,
    retried,
)

NOW = 1e9
MOST = 25
KIB = 1024
SOURCE = AccountId("7")

FILE = Post(images=1, size=KIB)
FILES = Post(images=MOST, size=MOST * KIB)
FIELD = Post(images=1, size=KIB, as_field=True)
DETOUR = replace(FIELD, rejected_as_file=True)


def kinds(limits: Limits) -> list[What]:
    return [one.what for one in limits.known()]


def after(posts: Sequence[Post], limits: Limits | None = None, named: int | None = None) -> Limits:
    """Return the state after these POSTs were taken."""
    limits = limits or Limits()
    for post in posts:
        limits = limits.after_taken(post, post.images if named is None else named, NOW)
    return limits


def test_a_new_account_has_no_limitation() -> None:
    limits = Limits()
    assert kinds(limits) == []
    assert limits.images_per_post(MOST, NOW) == MOST
    assert limits.bytes_per_post(KIB, NOW) == KIB
    assert not limits.sends_fields(NOW)


def test_three_images_that_succeed_only_as_bytes_close_files_for_six_hours() -> None:
    assert not after([DETOUR] * 2).sends_fields(NOW)
    limits = after([DETOUR] * 3)
    assert kinds(limits) == [What.BYTES_ONLY]
    assert limits.sends_fields(NOW + RETRY - 1)
    assert not limits.sends_fields(NOW + RETRY), "a file is tried"
    assert limits.images_per_post(MOST, NOW + RETRY) == 1, "one, alone"


@pytest.mark.parametrize("between", [FILE, FILES])
def test_a_file_that_succeeds_between_shows_that_files_work(between: Post) -> None:
    assert kinds(after([DETOUR, DETOUR, between, DETOUR, DETOUR])) == []


def test_images_that_are_sent_as_bytes_at_once_show_nothing_about_files() -> None:
    assert kinds(after([FIELD] * 9)) == []


def test_the_first_failure_renews_a_limitation_and_the_first_success_ends_it() -> None:
    known = replace(after([DETOUR] * 3), sharing=Limits().sharing)
    later = NOW + RETRY + 1
    assert known.after_taken(DETOUR, 1, later).sends_fields(later + RETRY - 1)
    assert kinds(known.after_taken(FILE, 1, later)) == []


def test_a_rejection_renews_what_is_known_before_another_way_has_succeeded() -> None:
    later = NOW + RETRY_REFUSED + 1
    files = after([DETOUR] * 3)
    assert not files.sends_fields(later)
    assert files.after_file_rejected(later).sends_fields(later + RETRY - 1)
    assert kinds(Limits().after_file_rejected(NOW)) == []
    copies = Limits().after_copy_refused(SOURCE, NOW)
    (renewed,) = copies.after_copy_rejected(SOURCE, later).known()
    assert renewed.retry_at == later + RETRY
    assert kinds(Limits().after_copy_rejected(SOURCE, NOW)) == []


def test_an_image_that_was_under_way_does_not_prolong_a_limitation() -> None:
    known = after([DETOUR] * 3)
    assert list(known.after_taken(DETOUR, 1, NOW + 60).known()) == list(known.known())


def test_three_posts_in_a_row_that_name_no_image_end_shared_posts() -> None:
    assert kinds(after([FILES] * 2, named=0)) == []
    limits = after([FILES] * 3, named=0)
    assert kinds(limits) == [What.UNNAMED_IMAGES]
    assert limits.images_per_post(MOST, NOW) == 1
    assert limits.images_per_post(MOST, NOW + RETRY) == MOST
    assert kinds(after([FILES], limits)) == []


def test_a_post_that_names_some_of_its_images_shows_that_names_work() -> None:
    limits = after([FILES], after([FILES] * 2, named=0), named=1)
    assert kinds(after([FILES] * 2, limits, named=0)) == []


def test_a_post_of_one_image_shows_nothing_about_names() -> None:
    limits = after([FILE], after([FILES] * 2, named=0))
    assert kinds(after([FILES], limits, named=0)) == [What.UNNAMED_IMAGES]


def test_a_refused_copy_closes_copies_for_a_day_and_other_errors_for_six_hours() -> None:
    refused = Limits().after_copy_refused(SOURCE, NOW)
    assert list(refused.known()) == [
        Limitation(what=What.NO_COPY, source=SOURCE, retry_at=NOW + RETRY_REFUSED)
    ]
    assert refused.after_no_copy(SOURCE, NOW + 1) == refused
    limits = Limits()
    for _ in range(DIFFERENT):
        assert kinds(limits) == []
        limits = limits.after_no_copy(SOURCE, NOW)
    assert list(limits.known()) == [
        Limitation(what=What.NO_COPY, source=SOURCE, retry_at=NOW + RETRY)
    ]


def test_copies_from_one_account_show_nothing_about_another() -> None:
    limits = Limits()
    for _ in range(DIFFERENT - 1):
        limits = limits.after_no_copy(SOURCE, NOW).after_copied(AccountId("8"))
    assert kinds(limits.after_no_copy(SOURCE, NOW)) == [What.NO_COPY]
    assert kinds(limits.after_copied(SOURCE).after_no_copy(SOURCE, NOW)) == []


def test_a_copy_that_fails_is_followed_by_an_upload_which_shows_whether_only_copies_fail() -> None:
    limits = Limits()
    for _ in range(DIFFERENT):
        assert kinds(limits) == []
        limits = limits.after_copy_failed(SOURCE, "500")
        assert limits.doubted_sources() == {SOURCE: "500"}
        assert limits.after_upload_failed().doubted_sources() == {}
        limits = limits.after_no_copy(SOURCE, NOW)
        assert limits.doubted_sources() == {}
    assert kinds(limits) == [What.NO_COPY]


def test_copies_that_fail_together_with_uploads_are_not_a_limitation() -> None:
    limits = Limits()
    for _ in range(9):
        limits = limits.after_copy_failed(SOURCE, "500").after_upload_failed()
    limits = limits.after_copy_failed(SOURCE, "500").after_no_copy(SOURCE, NOW)
    assert kinds(limits) == []


def test_a_copy_that_was_under_way_when_copies_were_closed_leaves_no_doubt_behind() -> None:
    closed = Limits().after_copy_refused(SOURCE, NOW)
    late = closed.after_copy_failed(SOURCE, "500").after_no_copy(SOURCE, NOW)
    assert late == closed


def test_a_post_that_is_too_large_shows_nothing_about_shared_posts() -> None:
    limits = Limits()
    for _ in range(50):
        limits = limits.after_rejected(FILES, too_large=True)
        limits = after([replace(FILE, suspect=True)], limits)
    assert kinds(limits) == [What.BODY_SIZE]


class Proxy:
    """A server that accepts bodies up to a size, and the POSTs that it got."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.rejected = 0

    def send_halved(self, bodies: BodySize, sizes: Sequence[int], now: float) -> BodySize:
        """Send images of these sizes in one POST, and in halves until each POST is accepted."""
        if sum(sizes) <= self.limit:
            return bodies.after_accepted(sum(sizes), now)
        self.rejected += 1
        bodies = bodies.after_rejected(sum(sizes))
        if len(sizes) == 1:
            return bodies
        half = len(sizes) // 2
        return self.send_halved(self.send_halved(bodies, sizes[:half], now), sizes[half:], now)

    def send_all(self, bodies: BodySize, sizes: Sequence[int], now: float) -> BodySize:
        """Send images in POSTs that are as large as the known limit."""
        left = list(sizes)
        while left:
            room = bodies.limit(now) or 25_000_000
            batch = [left.pop(0)]
            while left and len(batch) < MOST and sum(batch) + left[0] <= room:
                batch.append(left.pop(0))
            bodies = self.send_halved(bodies, batch, now)
        return bodies


@given(st.integers(0, 10**6), st.integers(200, 3000))
def test_a_size_limit_is_learned_and_then_costs_no_rejected_post(seed: int, limit: int) -> None:
    sizes = [random.Random(seed + n).randrange(10, 200) for n in range(400)]
    proxy = Proxy(limit)
    bodies = proxy.send_all(BodySize(), sizes, NOW)
    learned = proxy.rejected
    assert learned <= 4 * MOST
    if not bodies.until:
        assert learned < MOST, "too few POSTs were too large"
        return
    bodies = proxy.send_all(bodies, sizes, NOW)
    assert proxy.rejected == learned
    proxy.send_all(bodies, sizes, NOW + RETRY)
    assert proxy.rejected <= learned + MOST, "it is tried again"


def test_a_minute_of_413_for_every_body_is_not_a_size_limit() -> None:
    bodies = BodySize(accepted=MOST * KIB)
    for size in (10, 5, 3, 1, 1, 1, 10, 5, 3, 1):
        bodies = bodies.after_rejected(size * KIB)
    for _ in range(10):
        bodies = bodies.after_accepted(KIB, NOW)
    assert not bodies.until
    assert bodies.accepted == MOST * KIB


def test_413_for_bodies_that_are_accepted_at_other_times_is_not_a_size_limit() -> None:
    bodies = BodySize()
    for _ in range(10):
        bodies = bodies.after_rejected(4 * KIB).after_accepted(2 * KIB, NOW)
        bodies = bodies.after_accepted(4 * KIB, NOW)
    assert not bodies.until


def test_a_limit_that_was_lowered_is_learned() -> None:
    bodies = BodySize(accepted=20_000 * KIB)
    for _ in range(DIFFERENT):
        bodies = bodies.after_rejected(2000 * KIB).after_accepted(900 * KIB, NOW)
    assert bodies.limit(NOW) == 900 * KIB
    assert bodies.after_accepted(950 * KIB, NOW).limit(NOW) == 950 * KIB, "it fits after all"
    limits = Limits(bodies=bodies)
    assert limits.is_too_large(2000 * KIB)


def test_no_image_is_too_large_for_an_account_that_has_accepted_nothing_or_a_larger_one() -> None:
    assert not Limits().is_too_large(KIB)
    limits = Limits(bodies=BodySize(accepted=KIB))
    assert not limits.is_too_large(KIB)
    assert limits.is_too_large(KIB + 1)


KNOWN = [
    Limitation(what=What.SINGLE_IMAGES, retry_at=NOW + 10),
    Limitation(what=What.UNNAMED_IMAGES, retry_at=NOW + 20),
    Limitation(what=What.BYTES_ONLY, retry_at=NOW + 30),
    Limitation(what=What.BODY_SIZE, value=5 * KIB, retry_at=NOW + 40),
    Limitation(what=What.NO_COPY, source=SOURCE, retry_at=NOW + 50),
]


def test_a_restart_keeps_every_limitation() -> None:
    limits = recalled(KNOWN, 4 * KIB)
    assert list(limits.known()) == KNOWN
    assert {one.what for one in KNOWN} == set(What)
    assert limits.bytes_per_post(MOST * KIB, NOW) == 4 * KIB
    assert limits.images_per_post(MOST, NOW) == 1
    assert limits.sends_fields(NOW)


def is_observed(one: Limitation) -> bool:
    """Return whether an account that has only this limitation is spared what it rejects."""
    limits = recalled([one], 4 * KIB)
    match one.what:
        case What.SINGLE_IMAGES | What.UNNAMED_IMAGES:
            return limits.images_per_post(MOST, NOW) == 1
        case What.BYTES_ONLY:
            return limits.sends_fields(NOW)
        case What.BODY_SIZE:
            return limits.bytes_per_post(MOST * KIB, NOW) == 4 * KIB
        case What.NO_COPY:
            return limits.copies[SOURCE].is_closed(NOW)


@pytest.mark.parametrize("one", KNOWN)
def test_a_limitation_is_tried_again_at_once_if_its_time_is_too_far_ahead(one: Limitation) -> None:
    """The clock was ahead when it was learned, by this process or an earlier one."""
    assert is_observed(replace(one, retry_at=NOW + RETRY))
    assert not is_observed(replace(one, retry_at=NOW + RETRY_REFUSED + 1))


@pytest.mark.parametrize("times", range(5))
def test_a_way_is_closed_after_three_detours(times: int) -> None:
    way = Way()
    for _ in range(times):
        way = way.after_detour(NOW)
    assert way.is_closed(NOW) == (times >= DIFFERENT)


@pytest.mark.parametrize("one", KNOWN, ids=lambda one: one.what.value)
def test_the_operator_lets_one_limitation_be_tried_again(one: Limitation) -> None:
    limits = recalled(KNOWN, 4 * KIB)
    known = [replace(one, retry_at=NOW), *(other for other in KNOWN if other.key != one.key)]
    after_retry = retried(limits, known)
    assert sorted(after_retry.known(), key=lambda its: its.what.value) == sorted(
        known, key=lambda its: its.what.value
    )
    assert after_retry.bodies.accepted == limits.bodies.accepted


def test_what_the_ledger_has_later_or_in_addition_changes_no_limitation() -> None:
    limits = recalled(KNOWN, 4 * KIB)
    later = [replace(one, retry_at=one.retry_at + 1) for one in limits.known()]
    assert retried(limits, later) == retried(limits, []) == limits
    assert retried(Limits(), [replace(one, retry_at=NOW) for one in KNOWN]) == Limits()
