"""Lookup of images by their hashes in one account."""

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

MAX_HASHES = 50
"""Hashes in one lookup: the limit of a batch request; none is documented for this edge."""

_MAX_EMPTY_PAGES = 10  # besides one page per hash, so that the loop always ends


class Lookup(msgspec.Struct, frozen=True):
    """The images that an account listed; it does not hold those that it left out."""

    images: Mapping[ImageHash, Listed]
    clock_offset: float  # seconds by which the server's clock is ahead of ours

    def server_time(self, at: float | None) -> float | None:
        """Convert a time of our clock, in unix seconds, to the server's clock."""
        return None if at is None else at + self.clock_offset


async def look_up(calls: Calls, client: GraphClient, hashes: Sequence[ImageHash]) -> Lookup | None:
    """Return which images an account lists; None when it takes no calls now.

    Raises GraphError when a call fails, or the pages do not end.
    """
    wanted = list(dict.fromkeys(hashes))
    images: dict[ImageHash, Listed] = {}
    clock_offset, after = 0.0, None
    for _ in range(len(wanted) + _MAX_EMPTY_PAGES):

        async def send(credentials: Credentials, after: str | None = after) -> tuple[Page, Usage]:
            page = await client.images(calls.lane.account, credentials, wanted, after)
            return page, page.usage

        page = await calls.make(READ, send)
        if page is None:
            return None
        images.update((listed.hash, listed) for listed in page.images)
        if page.server_time is not None:
            clock_offset = page.server_time - time.time()
        if page.after is None:
            return Lookup(images, clock_offset)
        after = page.after
    raise GraphError(ApiError(status=200, message="the list of images does not end"), Usage())
