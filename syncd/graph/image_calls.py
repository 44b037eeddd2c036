"""Calls about an account's images, with all parameters and fields of the reference page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from syncd.graph.client import Connections, Credentials, GraphClient
from syncd.graph.exchange import HttpResponse
from syncd.graph.listing import position
from syncd.graph.nodes import NodePage, read_nodes
from syncd.graph.shapes import Usage
from syncd.model import AccountId, ImageHash

LONGEST_IMAGE = 128 * 2**20
"""Bytes of an image that is downloaded."""


class Filters(msgspec.Struct, frozen=True, kw_only=True):
    """The parameters that select images; None for one that is not sent."""

    hashes: Sequence[ImageHash] | None = None
    name: str | None = None
    min_width: int | None = None
    min_height: int | None = None
    business: str | None = None
    biz_tag: str | None = None

    def parameters(self) -> dict[str, str]:
        """Return them by their names in the API."""
        hashes = None if self.hashes is None else msgspec.json.encode(list(self.hashes)).decode()
        found = {
            "hashes": hashes,
            "name": self.name,
            "minwidth": self.min_width,
            "minheight": self.min_height,
            "business_id": self.business,
            "biz_tag_id": self.biz_tag,
        }
        return {name: str(value) for name, value in found.items() if value is not None}


class ListRequest(msgspec.Struct, frozen=True, kw_only=True):
    """A request for one page."""

    filters: Filters
    fields: tuple[str, ...]
    limit: int
    after: str | None = None

    def query(self) -> Mapping[str, str]:
        """Return the parameters of the request."""
        fields = dict.fromkeys(("hash", "status", *self.fields))
        query = {"fields": ",".join(fields), "limit": str(self.limit), "summary": "total_count"}
        return query | self.filters.parameters() | position(self.after)


async def list_images(
    client: GraphClient, account: AccountId, credentials: Credentials, request: ListRequest
) -> tuple[NodePage, Usage]:
    """Return one page of an account's images."""
    path = f"act_{account}/adimages"
    response = await client.call("GET", path, account, credentials, query=request.query())
    fields = tuple(dict.fromkeys(("hash", "status", *request.fields)))
    page = read_nodes(response.content, fields, request.after)
    if page is None:
        raise response.without("complete list in `data`")
    return page, response.usage


async def download(connections: Connections, url: str) -> HttpResponse:
    """Return an image from the URL that the account gave for it; raise HttpError."""
    session = await connections.session()
    return await session.fetch(url, LONGEST_IMAGE)
