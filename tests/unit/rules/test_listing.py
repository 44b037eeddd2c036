"""The list of all images of an account."""

from syncd.rules.errors import ApiError
from syncd.rules.listing import (
    LARGEST_PAGE,
    SMALLEST_PAGE,
    ListProgress,
    PageError,
    page_error,
    smaller_page,
)

TOO_MUCH, CURSOR = ApiError(status=500, code=1), ApiError(status=400, code=2642)


def test_pages_are_halved_down_to_the_smallest() -> None:
    sizes = [LARGEST_PAGE]
    while page_error(TOO_MUCH, sizes[-1]) is PageError.SIZE:
        sizes.append(smaller_page(sizes[-1]))
    assert sizes == [1000, 500, 250, 125, 62, 31, SMALLEST_PAGE]


def test_a_cursor_that_is_no_longer_valid_begins_the_list_again() -> None:
    assert page_error(CURSOR, 1000) is PageError.CURSOR


def test_another_error_is_not_about_the_request() -> None:
    for code in (None, 2, 17, 100, 190):
        assert page_error(ApiError(status=400, code=code), 1000) is None


def pages_until_endless(*pages: int, total: int | None) -> int:
    """Return how many pages are read, when the last of `pages` is repeated."""
    progress, read = ListProgress(), 0
    while not progress.is_endless:
        progress = progress.after(pages[min(read, len(pages) - 1)], total)
        read += 1
    return read


def test_a_list_that_shows_more_than_twice_its_total_is_endless() -> None:
    assert pages_until_endless(1000, total=5000) == 12
    assert pages_until_endless(1000, total=0) == 2


def test_a_list_without_a_total_is_endless_after_a_million_images() -> None:
    assert pages_until_endless(1000, total=None) == 2002


def test_a_list_of_empty_pages_is_endless() -> None:
    assert pages_until_endless(1000, 0, total=5000) == 12


def test_a_list_of_short_pages_is_read_to_its_end() -> None:
    progress = ListProgress()
    for _ in range(3000):
        progress = progress.after(1, 3000)
        assert not progress.is_endless
