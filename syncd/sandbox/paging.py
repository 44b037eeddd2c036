"""Pages of a list: opaque cursors, and links to the next and previous page."""

from __future__ import annotations

import base64
import binascii
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlencode

import msgspec

from syncd.sandbox.calls import Call
from syncd.sandbox.errors import CallError, call_error
from syncd.sandbox.library import order
from syncd.sandbox.switches import Switches
from syncd.sandbox.values import Image, Json

DEFAULT_LIMIT = 25


@dataclass(frozen=True, slots=True)
class Page:
    """A part of a list, and whether more images precede or follow it."""

    images: Sequence[Image]
    has_previous: bool
    has_next: bool


def cut(images: Sequence[Image], known: Sequence[Image], call: Call, switches: Switches) -> Page:
    """Return the page that `limit`, `after` and `before` request.

    `images` are those that the filters select of `known`, both in the order of lists.
    """
    limit = call.params.number("limit")
    if limit is not None and limit < 1:
        raise call_error("100", "(#100) Param limit must be greater than 0")
    size = min(limit or DEFAULT_LIMIT, switches.largest_page)
    if switches.page_fill == "short":
        size = max(1, size // 2)
    after, before = call.params.text("after"), call.params.text("before")
    start, end = 0, len(images)
    if after:
        start = bisect_right(images, _position(after, known), key=order)
        end = min(end, start + size)
    elif before:
        end = bisect_left(images, _position(before, known), key=order)
        start = max(0, end - size)
    else:
        end = min(end, size)
    return Page(images[start:end], has_previous=start > 0, has_next=end < len(images))


def links(page: Page, call: Call) -> dict[str, Json]:
    """Return `paging`; its links contain a token only if the query had one."""
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
    """Return the opaque cursor of an image, which becomes invalid with the image."""
    return base64.urlsafe_b64encode(image.id.encode()).decode()


def _position(text: str, known: Sequence[Image]) -> str:
    try:
        image_id = base64.urlsafe_b64decode(text.encode()).decode()
    except (binascii.Error, UnicodeError):
        raise _invalid_cursor() from None
    position = image_id.rpartition(":")[2][::-1]
    at = bisect_left(known, position, key=order)
    if at == len(known) or known[at].id != image_id:
        raise _invalid_cursor()
    return position


def _invalid_cursor() -> CallError:
    return call_error("100", "(#100) Invalid cursors values. Either before or after is invalid.")


def _link(call: Call, side: str, at: str) -> str:
    pairs = [(name, value) for name, value in call.query.pairs() if name not in ("after", "before")]
    query = urlencode([(name, _text(value)) for name, value in pairs] + [(side, at)])
    version = "" if call.version is None else f"/{call.version}"
    return f"{call.base_url}{version}/{call.node}/{call.edge}?{query}"


def _text(value: Json) -> str:
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()
