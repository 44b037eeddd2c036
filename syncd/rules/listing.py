"""The list of all images of an account: the size of its pages, and when it does not end."""

from __future__ import annotations

from enum import Enum, auto

import msgspec

from syncd.rules.errors import ApiError

LARGEST_PAGE, SMALLEST_PAGE = 1000, 25
"""Images in one page of a list: the figure that production clients use, and the API's default."""

MAX_BEGINNINGS = 4
"""How often a list is begun: its cursors become invalid when their image is deleted."""

_MAX_EMPTY_PAGES = 10  # in a row
_UNKNOWN_TOTAL = 1_000_000  # images that a list may have whose total is not reported


class PageError(Enum):
    """An error about the request for a page, which has to be sent differently."""

    SIZE = auto()
    """Request smaller pages."""
    CURSOR = auto()
    """Begin the list again."""


def page_error(error: ApiError, limit: int) -> PageError | None:
    """Return what an error says about a request for `limit` images.

    None if it is not about the request. Code 1 may also be temporary, which only the message shows:
    a smaller page is right in both cases.
    """
    if error.code == 1 and limit > SMALLEST_PAGE:
        return PageError.SIZE
    return PageError.CURSOR if error.code == 2642 else None


def smaller_page(limit: int) -> int:
    """Return the number of images to request after `limit` were too many."""
    return max(SMALLEST_PAGE, limit // 2)


class ListProgress(msgspec.Struct, frozen=True):
    """The images that a list has shown so far, of the total that it reports."""

    images: int = 0
    total: int | None = None
    empty: int = 0  # pages without an image, in a row

    def after(self, images: int, total: int | None) -> ListProgress:
        """Return the progress after a page with `images` images."""
        return ListProgress(
            self.images + images,
            self.total if total is None else total,
            0 if images else self.empty + 1,
        )

    @property
    def is_endless(self) -> bool:
        """Whether the list has shown so much that it will not end.

        Others may add images meanwhile: up to twice the total is credible.
        """
        total = _UNKNOWN_TOTAL if self.total is None else self.total
        return self.empty > _MAX_EMPTY_PAGES or self.images > 2 * total + LARGEST_PAGE
