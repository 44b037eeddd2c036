"""The list of an account's images, page by page, in memory that does not grow with it."""

from __future__ import annotations

from collections import deque
from collections.abc import AsyncIterator, Iterator, Sequence

import msgspec
from msgspec.structs import replace

from syncd.engine.calls import ENDLESS, MAX_HASHES, list_error
from syncd.graph.client import Credentials, GraphError
from syncd.graph.image_calls import Filters, ListRequest, list_images
from syncd.graph.nodes import Node, NodePage
from syncd.graph.shapes import Usage
from syncd.ledger import audits
from syncd.model import ImageHash
from syncd.operations.session import Session
from syncd.rules.listing import (
    LARGEST_PAGE,
    MAX_BEGINNINGS,
    SMALLEST_PAGE,
    ListProgress,
    PageError,
    page_error,
    smaller_page,
)
from syncd.rules.pacing.budget import READ

_REMEMBERED = 3  # pages to which a list can go back when a cursor has become invalid


class Selection(msgspec.Struct, frozen=True, kw_only=True):
    """Which images a list shows, and with which fields."""

    fields: tuple[str, ...]
    filters: Filters = Filters()
    all_statuses: bool = False
    """Also those that are not ACTIVE."""
    unknown: bool = False
    """Only those that the ledger does not know."""
    limit: int | None = None


class Part(msgspec.Struct, frozen=True):
    """The images of a page that were selected, and the total number in the account."""

    nodes: Sequence[Node]
    total: int | None


async def listed(session: Session, selection: Selection) -> AsyncIterator[Part]:
    """Yield the selected images, page by page, each image once.

    Raises GraphError and ClosedError.
    """
    left = selection.limit
    for some in _in_parts(selection):
        async for page in _pages(session, some):
            nodes = await _selected(session, selection, page.nodes)
            if left is not None:
                nodes, left = nodes[:left], max(0, left - len(nodes))
            yield Part(nodes, page.total)
            if left == 0:
                return


async def total(session: Session) -> int:
    """Return the number of images in the account, as the summary of a list has it."""
    request = ListRequest(filters=Filters(), fields=(), limit=1)
    page = await _request(session, request)
    if isinstance(page, PageError) or page.total is None:
        raise list_error("the list has no total_count")
    return page.total


async def looked_up(
    session: Session, hashes: Sequence[ImageHash], fields: tuple[str, ...]
) -> dict[ImageHash, Node]:
    """Return the images with these hashes; unknown ones are missing."""
    found: dict[ImageHash, Node] = {}
    wanted = Selection(fields=fields, filters=Filters(hashes=hashes))
    for some in _in_parts(wanted):
        async for page in _pages(session, some):
            found |= {node.hash: node for node in page.nodes if node.hash in hashes}
    return found


def _in_parts(selection: Selection) -> Iterator[Selection]:
    """Yield selections of at most MAX_HASHES hashes, which together are this one."""
    hashes = selection.filters.hashes
    if hashes is None:
        yield selection
        return
    for first in range(0, len(hashes), MAX_HASHES):
        filters = replace(selection.filters, hashes=hashes[first : first + MAX_HASHES])
        yield replace(selection, filters=filters)


async def _selected(session: Session, selection: Selection, nodes: Sequence[Node]) -> list[Node]:
    shown = [n for n in nodes if selection.all_statuses or n.status in ("ACTIVE", "")]
    if not selection.unknown or not shown:
        return shown
    hashes = [node.hash for node in shown]
    known = await session.ledger.read(audits.known_hashes(session.calls.account, hashes))
    return [node for node in shown if node.hash not in known]


async def _pages(session: Session, selection: Selection) -> AsyncIterator[NodePage]:
    """Yield every page, without the images of a page that was read before.

    A cursor becomes invalid when its image is deleted. The list then goes back to an earlier one.
    """
    hashes = selection.filters.hashes
    limit = LARGEST_PAGE if hashes is None else max(1, len(hashes))
    if selection.limit is not None and not selection.unknown:
        limit = min(limit, max(SMALLEST_PAGE, selection.limit))
    request = ListRequest(filters=selection.filters, fields=selection.fields, limit=limit)
    earlier: deque[str | None] = deque(maxlen=_REMEMBERED)
    shown: deque[frozenset[ImageHash]] = deque(maxlen=_REMEMBERED + 1)
    progress, restarts = ListProgress(), 0
    while True:
        page = await _request(session, request)
        if page is PageError.SIZE:
            request = replace(request, limit=smaller_page(request.limit))
            continue
        if isinstance(page, PageError):
            if not earlier or restarts == MAX_BEGINNINGS:
                raise list_error("the list cannot be read to its end: its cursors become invalid")
            request, restarts = replace(request, after=earlier.pop()), restarts + 1
            continue
        before = frozenset().union(*shown)
        nodes = tuple(node for node in page.nodes if node.hash not in before)
        shown.append(frozenset(node.hash for node in page.nodes))
        yield NodePage(nodes, page.after, page.total)
        if page.after is None:
            return
        progress = progress.after(len(page.nodes), page.total)
        if progress.is_endless:
            raise list_error(ENDLESS)
        earlier.append(request.after)
        request = replace(request, after=page.after)


async def _request(session: Session, request: ListRequest) -> NodePage | PageError:
    """Return one page, or why it has to be requested differently."""

    async def send(credentials: Credentials) -> tuple[NodePage | PageError, Usage]:
        try:
            return await list_images(session.client, session.calls.account, credentials, request)
        except GraphError as error:
            if (about := page_error(error.api_error, request.limit)) is None:
                raise
            return about, error.usage

    return await session.calls.make(READ, send)
