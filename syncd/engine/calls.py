"""Calls to one account that upload nothing: reads and deletions."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial
from typing import TypeVar

import msgspec

from syncd.engine.counters import CallKind
from syncd.engine.lane import Lane
from syncd.engine.sends import finish_in
from syncd.graph.client import Credentials, GraphClient, GraphError, Page
from syncd.graph.shapes import Usage
from syncd.model import ImageHash, Listed
from syncd.rules.errors import ApiError, Verdict
from syncd.rules.listing import PageError, page_error, smaller_page
from syncd.rules.pacing.budget import READ, Call, write

T = TypeVar("T")

Send = Callable[[Credentials], Awaitable[tuple[T, Usage]]]

MAX_HASHES = 50
"""Hashes in one lookup: the limit of a batch request; none is documented for this edge."""

_MAX_EMPTY_PAGES = 10  # in addition to one page per hash, so that the loop always ends
_MAX_NAMED_PAGES = 10  # of the images with one name


ENDLESS = "the list of images does not end"


def list_error(message: str) -> GraphError:
    """Return the error for a list of images that cannot be read to its end."""
    return GraphError(ApiError(status=200, message=message), Usage())


async def always() -> bool:
    """Return True, for calls that are wanted in any case."""
    return True


class Calls:
    """Calls to one account; each waits for its turn as a backlog does.

    A call that is under way when its caller is cancelled is finished by `sends`.
    """

    def __init__(self, lane: Lane, sends: asyncio.TaskGroup) -> None:
        self.lane = lane
        self.most_hashes = MAX_HASHES
        """Of one lookup; fewer once the account has asked to reduce the amount of data."""
        self._sends = sends

    async def make(
        self, kind: CallKind, send: Send[T], is_wanted: Callable[[], Awaitable[bool]] = always
    ) -> T | None:
        """Send a call when the account takes it, and return its response.

        Return None if the account stopped taking calls meanwhile, or if `is_wanted`, which is asked
        after the wait, returned False. Raises GraphError, after the account's health has recorded
        the error.
        """
        lane = self.lane
        while True:  # a turn may take minutes: meanwhile no caller may keep the gate to itself
            await lane.gate.wait_enterable()
            call = await lane.pacer.turn_for(READ if kind is CallKind.READ else write())
            if lane.gate.try_enter():
                break
            lane.pacer.withdraw(call)
        sending = self._send(kind, call, send, is_wanted)
        response = await finish_in(self._sends, sending, f"call:{lane.name}")
        if isinstance(response, GraphError):
            raise response
        return response

    async def _send(
        self,
        kind: CallKind,
        call: Call,
        send: Send[T],
        is_wanted: Callable[[], Awaitable[bool]],
    ) -> T | GraphError | None:
        lane = self.lane
        wanted = await is_wanted()
        credentials = lane.health.credentials
        if lane.gate.is_shut or credentials is None or not wanted:
            lane.pacer.withdraw(call)
            lane.gate.cancel()
            return None
        lane.counters.calls += 1
        try:
            response, usage = await send(credentials)
        except GraphError as error:
            await lane.finish_call(kind, call, error.usage, error=error.api_error)
            verdict = await lane.health.on_error(error, credentials)
            if verdict is Verdict.STOP_ACCOUNT:
                await lane.health.on_response()  # uploads show whether the account can be used
            return error
        await lane.finish_call(kind, call, usage)
        await lane.health.on_success()
        return response


class Lookup(msgspec.Struct, frozen=True):
    """The images that an account listed; it does not hold those that it left out."""

    images: Mapping[ImageHash, Listed]
    clock_offset: float | None  # seconds by which the server's clock is ahead; None: no Date
    is_whole: bool = True  # False: more images than it has may be in the account

    def server_time(self, at: float | None) -> float | None:
        """Convert a time of our clock, in unix seconds, to the server's clock."""
        return None if at is None or self.clock_offset is None else at + self.clock_offset


async def look_up(calls: Calls, client: GraphClient, hashes: Sequence[ImageHash]) -> Lookup | None:
    """Return which images an account lists; None when it takes no calls now.

    Fewer hashes at once are asked for where the account asks to reduce the amount of data. Raises
    GraphError when a call fails, or the pages do not end.
    """
    left = list(dict.fromkeys(hashes))
    images: dict[ImageHash, Listed] = {}
    clock_offset: float | None = None
    while left:
        some = left[: calls.most_hashes]
        found = await _look_up(calls, client, some)
        if found is None:
            return None
        if isinstance(found, PageError):
            calls.most_hashes = smaller_page(len(some))
            continue
        if not found.is_whole:
            raise list_error(ENDLESS)
        images.update(found.images)
        clock_offset = found.clock_offset if found.clock_offset is not None else clock_offset
        left = left[len(some) :]
    return Lookup(images, clock_offset)


async def _look_up(
    calls: Calls, client: GraphClient, hashes: Sequence[ImageHash]
) -> Lookup | PageError | None:
    async def page_after(
        after: str | None, credentials: Credentials
    ) -> tuple[Page | PageError, Usage]:
        try:
            page = await client.images(calls.lane.account, credentials, hashes, after)
        except GraphError as error:
            if page_error(error.api_error, len(hashes)) is not PageError.SIZE:
                raise
            return PageError.SIZE, error.usage
        return page, page.usage

    return await _pages(calls, page_after, len(hashes) + _MAX_EMPTY_PAGES)


async def look_up_name(calls: Calls, client: GraphClient, name: str) -> Lookup | None:
    """Return the images whose name contains `name`; None when the account takes no calls now.

    The result is not whole if there are too many. Raises GraphError when a call fails.
    """

    async def page_after(
        after: str | None, credentials: Credentials
    ) -> tuple[Page | PageError, Usage]:
        page = await client.named(calls.lane.account, credentials, name, after)
        return page, page.usage

    found = await _pages(calls, page_after, _MAX_NAMED_PAGES)
    return None if isinstance(found, PageError) else found


async def _pages(
    calls: Calls,
    page_after: Callable[[str | None, Credentials], Awaitable[tuple[Page | PageError, Usage]]],
    limit: int,
) -> Lookup | PageError | None:
    """Return the images of the first `limit` pages; None when the account takes no calls now."""
    images: dict[ImageHash, Listed] = {}
    clock_offset: float | None = None
    after = None
    for _ in range(limit):
        page = await calls.make(CallKind.READ, partial(page_after, after))
        if page is None or isinstance(page, PageError):
            return page
        images.update((listed.hash, listed) for listed in page.images)
        if page.server_time is not None:
            clock_offset = page.server_time - time.time()
        if page.after is None:
            return Lookup(images, clock_offset)
        after = page.after
    return Lookup(images, clock_offset, is_whole=False)
