"""Which listed image is taken for one that a call without a response has sent."""

import pytest
from msgspec.structs import replace

from syncd.model import ImageHash, ImageStatus, Listed
from syncd.rules.deletion import CLOCK_TOLERANCE
from syncd.rules.unanswered import Copied, Named, SentCalls, sent_image

FIRST, LAST, TIMEOUT = 1_000_000.0, 1_000_900.0, 60.0
PIXELS = 40, 30
UPLOADS = SentCalls(Named("a.jpg"), FIRST, LAST)
OURS = Listed(
    hash=ImageHash("aa"),
    name="a.jpg",
    status=ImageStatus.ACTIVE,
    created_at=FIRST,
    used=False,
    pixels=PIXELS,
)
ANOTHER = replace(OURS, hash=ImageHash("bb"))


def found(*listed: Listed, pixels: tuple[int, int] | None = PIXELS) -> Listed | None:
    return sent_image([UPLOADS], pixels, listed, TIMEOUT)


@pytest.mark.parametrize(
    "one",
    [
        OURS,
        replace(OURS, name="A.JPG"),
        replace(OURS, created_at=FIRST - CLOCK_TOLERANCE),
        replace(OURS, created_at=FIRST + TIMEOUT + CLOCK_TOLERANCE),
        replace(OURS, created_at=LAST - CLOCK_TOLERANCE),
        replace(OURS, created_at=LAST + TIMEOUT + CLOCK_TOLERANCE),
        replace(OURS, used=True),  # the deletion keeps it
        replace(OURS, status=ImageStatus.INTERNAL),
    ],
)
def test_the_only_image_with_the_name_and_pixels_and_time_of_a_call_is_the_one_sent(
    one: Listed,
) -> None:
    assert found(one) is one


DIFFERENT = [
    replace(ANOTHER, name="b.jpg"),
    replace(ANOTHER, name="aa.jpg"),  # a list by name has it, too
    replace(ANOTHER, pixels=(30, 40)),
    replace(ANOTHER, status=ImageStatus.DELETED),
    replace(ANOTHER, created_at=FIRST - CLOCK_TOLERANCE - 1),
    replace(ANOTHER, created_at=FIRST + TIMEOUT + CLOCK_TOLERANCE + 1),
    replace(ANOTHER, created_at=LAST - CLOCK_TOLERANCE - 1),
    replace(ANOTHER, created_at=LAST + TIMEOUT + CLOCK_TOLERANCE + 1),
]


@pytest.mark.parametrize("another", DIFFERENT)
def test_an_image_that_differs_is_not_the_one_sent(another: Listed) -> None:
    assert found(another) is None
    assert found(another, OURS) is OURS


DOUBTFUL = [
    ANOTHER,
    replace(ANOTHER, name=None),
    replace(ANOTHER, pixels=None),
    replace(ANOTHER, created_at=None),
    replace(ANOTHER, status=ImageStatus.UNKNOWN),
]


@pytest.mark.parametrize("another", DOUBTFUL)
def test_no_image_is_the_one_sent_while_another_may_be(another: Listed) -> None:
    assert found(another, OURS) is None


@pytest.mark.parametrize("field", ["name", "pixels", "created_at"])
def test_an_image_without_one_of_these_fields_is_not_the_one_sent(field: str) -> None:
    assert found(replace(OURS, **{field: None})) is None


def test_an_image_whose_own_pixels_are_not_known_is_not_found() -> None:
    assert found(OURS, pixels=None) is None


def test_an_image_that_two_pages_list_is_one_image() -> None:
    assert found(OURS, replace(OURS)) == OURS


def test_a_copy_is_the_image_with_the_hash_of_its_source() -> None:
    copies = SentCalls(Copied(ANOTHER.hash), FIRST, LAST)
    bare = replace(ANOTHER, name=None, pixels=None)
    assert sent_image([copies], PIXELS, [bare], TIMEOUT) is bare
    for created_at in (None, FIRST - 60, LAST + 2 * TIMEOUT):
        undated = replace(bare, created_at=created_at)
        assert sent_image([copies], PIXELS, [undated], TIMEOUT) is None
    assert sent_image([copies], PIXELS, [OURS], TIMEOUT) is None


def test_an_image_has_the_hash_that_the_same_bytes_had_before() -> None:
    renamed = replace(OURS, name="before.jpg")
    assert found(renamed) is None
    assert sent_image([UPLOADS], PIXELS, [renamed], TIMEOUT, [OURS.hash]) is renamed
    assert sent_image([UPLOADS], PIXELS, [renamed, ANOTHER], TIMEOUT, [OURS.hash]) is None
    older = replace(renamed, created_at=FIRST - 60)
    assert sent_image([UPLOADS], PIXELS, [older], TIMEOUT, [OURS.hash]) is None


def test_another_image_of_the_name_whose_response_arrived_leaves_no_doubt() -> None:
    others = [ANOTHER.hash]
    assert sent_image([UPLOADS], PIXELS, [OURS, ANOTHER], TIMEOUT, (), others) is OURS
    assert sent_image([UPLOADS], PIXELS, [ANOTHER], TIMEOUT, (), others) is None
    # The same bytes had this hash: two files may share one, and then `OURS` is not the one sent.
    shared = [ANOTHER.hash]
    assert sent_image([UPLOADS], PIXELS, [OURS, ANOTHER], TIMEOUT, shared, others) is None


def test_an_image_that_was_sent_in_two_ways_is_found_by_either() -> None:
    calls = [
        UPLOADS,
        SentCalls(Named("b.jpg"), LAST, LAST),
        SentCalls(Copied(OURS.hash), LAST, LAST),
    ]
    renamed = replace(ANOTHER, name="b.jpg", created_at=LAST)
    assert sent_image(calls, PIXELS, [renamed], TIMEOUT) is renamed
    sent_again = replace(renamed, created_at=FIRST)  # the account has changed its name only
    assert sent_image(calls, PIXELS, [sent_again], TIMEOUT) is sent_again
    assert sent_image(calls, PIXELS, [OURS, renamed], TIMEOUT) is None


def test_an_image_that_no_call_has_sent_is_not_found() -> None:
    assert sent_image([], PIXELS, [OURS], TIMEOUT) is None
