"""Pages: opaque cursors, and the links to the next page and the previous one."""

from __future__ import annotations

import base64
import binascii
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlencode

import msgspec

from syncd.sandbox.calls import Call
from syncd.sandbox.errors import GraphError, refused
from syncd.sandbox.library import order
from syncd.sandbox.switches import Switches
from syncd.sandbox.values import Image, Json

DEFAULT_LIMIT = 25


@dataclass(frozen=True, slots=True)
class Page:
    """Part of a list, and whether there is more on either side."""

    images: Sequence[Image]
    has_previous: bool
    has_next: bool


def cut(images: Sequence[Image], known: Sequence[Image], call: Call, switches: Switches) -> Page:
    """Return the page that `limit`, `after` and `before` ask for; all images are in list order."""
    limit = call.params.number("limit")
    if limit is not None and limit < 1:
        raise refused("100", "(#100) Param limit must be greater than 0")
    size = min(limit or DEFAULT_LIMIT, switches.largest_page)
    if switches.page_fill == "short":
        size = max(1, size // 2)
    after, before = call.params.text("after"), call.params.text("before")
    start, end = 0, len(images)
    if after:
        start = bisect_right(images, _place(after, known), key=order)
        end = min(end, start + size)
    elif before:
        end = bisect_left(images, _place(before, known), key=order)
        start = max(0, end - size)
    else:
        end = min(end, size)
    return Page(images[start:end], has_previous=start > 0, has_next=end < len(images))


def links(page: Page, call: Call) -> dict[str, Json]:
    """Return `paging`; a token is in the links only when it came in the query."""
    if not page.images:
        return {}
    before, after = cursor(page.images[0]), cursor(page.images[-1])
    paging: dict[str, Json] = {"cursors": {"before": before, "after": after}}
    if page.has_next:
        paging["next"] = _link(call, "after", after)
    if page.has_previous:
        paging["previous"] = _link(call, "before", before)
    return paging


def cursor(image: Image) -> str:
    """Return the opaque name of an image's place; it dies with the image."""
    return base64.urlsafe_b64encode(image.id.encode()).decode()


def _place(text: str, known: Sequence[Image]) -> str:
    try:
        image_id = base64.urlsafe_b64decode(text.encode()).decode()
    except (binascii.Error, UnicodeError):
        raise _dead_cursor() from None
    place = image_id.rpartition(":")[2][::-1]
    at = bisect_left(known, place, key=order)
    if at == len(known) or known[at].id != image_id:
        raise _dead_cursor()
    return place


def _dead_cursor() -> GraphError:
    return refused("100", "(#100) Invalid cursors values. Either before or after is invalid.")


def _link(call: Call, side: str, at: str) -> str:
    pairs = [(name, value) for name, value in call.query.pairs() if name not in ("after", "before")]
    query = urlencode([(name, _text(value)) for name, value in pairs] + [(side, at)])
    version = "" if call.version is None else f"/{call.version}"
    return f"{call.base_url}{version}/{call.node}/{call.edge}?{query}"


def _text(value: Json) -> str:
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()
