"""Images with all the fields of the reference page, as values; no IO.

Source: developers.facebook.com, Ad Image (v25.0). A value stays as the account returned it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from syncd.graph.json_values import bounded, image_hash, text
from syncd.graph.listing import read_page
from syncd.model import ImageHash

FIELDS = (
    *("id", "account_id", "hash", "name", "status"),
    *("width", "height", "original_width", "original_height"),
    *("created_time", "updated_time", "creatives", "is_associated_creatives_in_adgroups"),
    *("url", "url_128", "permalink_url"),
)
"""All fields of an image, in the order of our output."""

_LONGEST = 4096  # characters of a text, such as a URL with its signature
_MOST_VALUES = 10_000  # of a list, such as that of the creatives


class Node(msgspec.Struct, frozen=True):
    """An image, and the values of the fields that were requested; None where they are missing."""

    hash: ImageHash
    fields: Mapping[str, Any]

    @property
    def creatives(self) -> list[str]:
        """The ids of the creatives that use it, as far as the account lists them."""
        listed = self.fields.get("creatives")
        if isinstance(listed, dict):
            listed = listed.get("data")
        if not isinstance(listed, list):
            return []
        named = (one.get("id") if isinstance(one, dict) else one for one in listed)
        return [str(one) for one in named if one is not None]

    @property
    def is_used(self) -> bool:
        """Whether the account shows that a creative or an ad uses it."""
        flag = self.fields.get("is_associated_creatives_in_adgroups")
        return bool(self.creatives) or flag in (True, "true", 1)

    @property
    def status(self) -> str:
        """Its status; empty where the account does not show it."""
        return text(self.fields.get("status")) or ""


class NodePage(msgspec.Struct, frozen=True):
    """A page of images; `after` is the cursor of the next one, `total` the account's number."""

    nodes: tuple[Node, ...]
    after: str | None
    total: int | None


def read_nodes(body: bytes, fields: tuple[str, ...], after: str | None) -> NodePage | None:
    """Return the page of a list that was requested after a cursor; None if it cannot be read."""
    page = read_page(body, after)
    if page is None:
        return None
    nodes = []
    for key, value in page.entries:
        if not isinstance(value, dict):
            continue
        if hash_ := image_hash(value.get("hash")) or image_hash(key):
            found = {name: _cleaned(value.get(name)) for name in fields}
            nodes.append(Node(hash_, found | ({"hash": hash_} if "hash" in fields else {})))
    return NodePage(tuple(nodes), page.after, page.total)


def _cleaned(value: Any) -> Any:
    """Return a JSON value whose texts and lists are bounded."""
    match value:
        case str():
            return bounded(value, _LONGEST)
        case list():
            return [_cleaned(one) for one in value[:_MOST_VALUES]]
        case dict():
            return {bounded(name): _cleaned(one) for name, one in value.items()}
        case _:
            return value
