"""Asking an account about images that it is believed to hold."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence

import msgspec

from syncd.engine.calls import Calls
from syncd.graph.client import Credentials, GraphClient, GraphError, Page
from syncd.graph.shapes import Usage
from syncd.model import ImageHash, Listed
from syncd.rules.errors import ApiError
from syncd.rules.pacing.budget import READ

AT_ONCE = 50
"""Hashes in one read: as many as a batch of the API may hold; this edge documents no figure."""


_EMPTY_PAGES = 10  # that a list may have beside those with an image


class Asked(msgspec.Struct, frozen=True):
    """What an account has said of images; what it does not list, it does not have."""

    images: Mapping[ImageHash, Listed]
    ahead: float  # seconds by which the server's clock is ahead of ours

    def by_server(self, at: float | None) -> float | None:
        """Return a time of ours, in unix seconds, by the server's clock."""
        return None if at is None else at + self.ahead


async def ask_about(calls: Calls, client: GraphClient, hashes: Sequence[ImageHash]) -> Asked | None:
    """Ask for images by their hashes, page after page; None when the account takes nothing now.

    Raises GraphError when something else than an answer came.
    """
    wanted = list(dict.fromkeys(hashes))
    images: dict[ImageHash, Listed] = {}
    ahead, after = 0.0, None
    for _ in range(len(wanted) + _EMPTY_PAGES):

        async def send(credentials: Credentials, after: str | None = after) -> tuple[Page, Usage]:
            page = await client.images(calls.lane.account, credentials, wanted, after)
            return page, page.usage

        page = await calls.make(READ, send)
        if page is None:
            return None
        images.update((listed.hash, listed) for listed in page.images)
        if page.answered_at is not None:
            ahead = page.answered_at - time.time()
        if page.after is None:
            return Asked(images, ahead)
        after = page.after
    raise GraphError(ApiError(200, message="the list of images does not end"), Usage())
