"""Images that calls without a response have left in one account, and whose files were deleted."""

from __future__ import annotations

from collections.abc import Sequence
from typing import assert_never

import structlog

from syncd.engine.calls import Calls, Lookup, look_up, look_up_name
from syncd.graph.client import GraphClient
from syncd.ledger import unanswered
from syncd.ledger.database import Ledger
from syncd.ledger.unanswered import UnansweredImage
from syncd.log import Log
from syncd.model import Listed, printable
from syncd.rules.unanswered import Copied, Named, SentAs, sent_image

log: Log = structlog.get_logger()


class Unanswered:
    """The calls to one account whose response was never recorded.

    An image that such a call has left in the account is recorded as held, under the hash that a
    list shows. It is condemned: from then on, it is deleted like every other.
    """

    def __init__(self, calls: Calls, ledger: Ledger, client: GraphClient) -> None:
        self._calls = calls
        self._lane = calls.lane
        self._ledger = ledger
        self._client = client

    async def settle(self) -> None:
        """Look up the images of all calls that have ended; raise GraphError.

        Nothing is looked up while workers have images: their calls may be these.
        """
        while self._lane.queue.is_idle and await self._settle_next():
            pass

    async def _settle_next(self) -> bool:
        """Look up the next image; return whether there was one, and the account takes calls."""
        lane, now = self._lane, self._client.clock.now()
        if now.clock_offset is None:
            return False
        before = now.at - self._client.outcome_timeout
        image = await self._ledger.read(unanswered.next_condemned(lane.account, before))
        if image is None:
            return False
        listed = list[Listed]()
        is_whole = True
        for sent_as in _ways(image):
            lookup = await self._look_up(sent_as)
            if lookup is None:
                return False
            listed += lookup.images.values()
            is_whole = is_whole and lookup.is_whole
        found = await self._found(image, listed) if is_whole else None
        settle = unanswered.settle(lane.account, image, before, found)
        if await self._ledger.write(settle) and found is not None:
            log.info(
                "image.held",
                account=lane.name,
                file=printable(image.file),
                hash=found.hash,
                sha256=image.digest.hex(),
            )
        return True

    async def _found(self, image: UnansweredImage, listed: list[Listed]) -> Listed | None:
        hashes = [one.hash for one in listed]
        others = await self._ledger.read(unanswered.other_hashes(self._lane.account, hashes))
        timeout = self._client.outcome_timeout
        return sent_image(
            image.calls, image.pixels, listed, timeout, hashes=image.hashes, others=others
        )

    async def _look_up(self, sent_as: SentAs) -> Lookup | None:
        match sent_as:
            case Copied(source_hash):
                return await look_up(self._calls, self._client, [source_hash])
            case Named(name):
                return await look_up_name(self._calls, self._client, name)
            case _:
                assert_never(sent_as)


def _ways(image: UnansweredImage) -> Sequence[SentAs]:
    """Return the names and hashes under which the image may be listed; none if it was not sent."""
    if not image.calls:
        return ()
    hashes = {Copied(image_hash) for image_hash in image.hashes}
    return [*hashes, *(call.sent_as for call in image.calls if call.sent_as not in hashes)]
