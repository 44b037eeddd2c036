"""The list of all images of an account, page by page."""

from __future__ import annotations

from collections.abc import AsyncIterator
from enum import Enum, auto

from syncd.engine.calls import ENDLESS, Calls, list_error
from syncd.engine.counters import CallKind
from syncd.graph.client import Credentials, GraphClient, GraphError, Page
from syncd.graph.shapes import Usage
from syncd.rules.listing import (
    LARGEST_PAGE,
    MAX_BEGINNINGS,
    ListProgress,
    PageError,
    page_error,
    smaller_page,
)


class Begin(Enum):
    """The mark at which a list begins, or begins again: the pages before it are void."""

    BEGIN = auto()


class Library:
    """The list of all images of an account.

    The size of a page that the account rejected as too large is not requested again.
    """

    def __init__(self, calls: Calls, client: GraphClient) -> None:
        self._calls = calls
        self._client = client
        self._limit = LARGEST_PAGE

    async def pages(self) -> AsyncIterator[Page | Begin]:
        """Yield the pages of the list to its end, after `BEGIN`.

        Raises GraphError when a call fails, or when the list does not end.
        """
        for _ in range(MAX_BEGINNINGS):
            yield Begin.BEGIN
            progress, after = ListProgress(), None
            while True:
                page = await self._page(after)
                if page is PageError.CURSOR:
                    break
                if page is PageError.SIZE:
                    self._limit = smaller_page(self._limit)
                if page is None or isinstance(page, PageError):
                    continue
                yield page
                if (after := page.after) is None:
                    return
                progress = progress.after(len(page.images), page.total)
                if progress.is_endless:
                    raise list_error(ENDLESS)
        raise list_error(
            "the list of images cannot be read to its end: each cursor becomes invalid"
        )

    async def _page(self, after: str | None) -> Page | PageError | None:
        """Return one page, or why it has to be requested differently; None: not sent."""

        async def send(credentials: Credentials) -> tuple[Page | PageError, Usage]:
            account, limit = self._calls.lane.account, self._limit
            try:
                page = await self._client.library(account, credentials, after, limit)
            except GraphError as error:  # about this request, not about the account
                if (about := page_error(error.api_error, limit)) is None:
                    raise
                return about, error.usage
            return page, page.usage

        return await self._calls.make(CallKind.READ, send)
