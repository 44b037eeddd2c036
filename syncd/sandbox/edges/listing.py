"""GET /act_{ID}/adimages and /{account}:{hash}: images as pages of a list, and as a node."""

from __future__ import annotations

import base64
import binascii
import secrets
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlencode

import msgspec

from syncd.sandbox.calls import Call
from syncd.sandbox.edges.representation import image_fields_of, node
from syncd.sandbox.errors import CallError, call_error, no_such_object
from syncd.sandbox.library import order
from syncd.sandbox.state import State
from syncd.sandbox.switches import Switches
from syncd.sandbox.tokens import Token
from syncd.sandbox.values import AccountId, Image, Json, Status

DEFAULT_LIMIT = 25

_FILTERS = ("hashes", "name", "minwidth", "minheight", "biz_tag_id", "business_id")
_SUMMARY_FIELDS = frozenset({"total_count"})


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
    if (limit or 0) > switches.page_too_large:
        raise call_error("1", "Please reduce the amount of data you're asking for, then retry")
    size = min(limit or DEFAULT_LIMIT, switches.largest_page)
    if switches.page_fill == "short":
        size = max(1, size // 2)
    after, before = call.params.text("after"), call.params.text("before")
    start, end = 0, len(images)
    if after:
        start = bisect_right(images, _position(after, known), key=order)
        if start == end and switches.list_end == "never":
            start = 0
        end = min(end, start + size)
    elif before:
        end = bisect_left(images, _position(before, known), key=order)
        start = max(0, end - size)
    else:
        end = min(end, size)
    has_next = end < len(images) or switches.list_end == "never"
    return Page(images[start:end], has_previous=start > 0, has_next=has_next)


def links(page: Page, call: Call) -> dict[str, Json]:
    """Return `paging`; its links contain a token only if the query had one."""
    if not page.images:
        return {}
    before, after = cursor(page.images[0]), cursor(page.images[-1])
    paging: dict[str, Json] = {"cursors": {"before": before, "after": after}}
    if page.has_next:
        paging["next"] = link(call, "after", after)
    if page.has_previous:
        paging["previous"] = link(call, "before", before)
    return paging


def cursor(image: Image) -> str:
    """Return an opaque cursor of an image, which becomes invalid with the image.

    Each one is new, as cursors of the API are not promised to be equal.
    """
    return opaque(image.id)


def opaque(id_: str) -> str:
    """Return a new cursor of the object with this id."""
    return base64.urlsafe_b64encode(f"{secrets.token_hex(4)}:{id_}".encode()).decode()


def id_of(text: str) -> str:
    """Return the id of a cursor's object."""
    try:
        return base64.urlsafe_b64decode(text.encode()).decode().partition(":")[2]
    except (binascii.Error, UnicodeError):
        raise _invalid_cursor() from None


def _position(text: str, known: Sequence[Image]) -> str:
    image_id = id_of(text)
    position = image_id.rpartition(":")[2][::-1]
    at = bisect_left(known, position, key=order)
    if at == len(known) or known[at].id != image_id:
        raise _invalid_cursor()
    return position


def _invalid_cursor() -> CallError:
    return call_error("2642")


def link(call: Call, side: str, at: str) -> str:
    pairs = [(name, value) for name, value in call.query.pairs() if name not in ("after", "before")]
    query = urlencode([(name, _text(value)) for name, value in pairs] + [(side, at)])
    version = "" if call.version is None else f"/{call.version}"
    return f"{call.base_url}{version}/{call.node}/{call.edge}?{query}"


def _text(value: Json) -> str:
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()


def listing(call: Call, account: AccountId, _: Token, state: State) -> Json:
    """Return one page of an account's images."""
    visible = _visible(call, account, state)
    page = cut(_filtered(visible, call), visible, call, state.switches)
    fields = image_fields_of(call)
    nodes = [node(image, fields, call, state) for image in page.images]
    response: dict[str, Json] = {"data": _shaped(nodes, page, state)}
    response["paging"] = links(page, call)
    if state.switches.list_shape == "map":
        limit = call.params.number("limit") or len(nodes)
        response |= {"count": len(nodes), "limit": limit, "offset": 0}
    if _wants_summary(call):
        response["summary"] = {"total_count": len(visible)}
    return response


def image_node(call: Call, account: AccountId, image_hash: str, state: State) -> Json:
    """Return the fields of one image; a deleted one is found if lists by hash contain it."""
    image = state.library.find(account, image_hash)
    hidden = state.switches.deleted_images == "missing"
    if image is None or (hidden and image.status is Status.DELETED):
        raise no_such_object("get", call.node)
    return node(image, image_fields_of(call), call, state)


def _visible(call: Call, account: AccountId, state: State) -> list[Image]:
    shown = state.switches.deleted_images
    with_deleted = shown == "listed" or (shown == "by_hash" and call.params.has("hashes"))
    images = state.library.everything(account)
    return [i for i in images if with_deleted or i.status is not Status.DELETED]


def _filtered(images: list[Image], call: Call) -> list[Image]:
    if not any(call.params.has(name) for name in _FILTERS):
        return images
    hashes = call.params.listed("hashes")
    name = (call.params.text("name") or "").casefold()
    min_width = call.params.number("minwidth") or 0
    min_height = call.params.number("minheight") or 0
    wanted = None if hashes is None else frozenset(hashes)
    call.params.number("business_id")  # it "assists with filters", and selects nothing by itself
    if call.params.number("biz_tag_id") is not None:
        return []  # no image has a tag here
    return [
        image
        for image in images
        if (wanted is None or image.hash in wanted)
        and name in image.name.casefold()
        and image.width >= min_width
        and image.height >= min_height
    ]


def _shaped(nodes: list[dict[str, Json]], page: Page, state: State) -> Json:
    if state.switches.list_shape == "list":
        return nodes
    return {image.hash: value for image, value in zip(page.images, nodes, strict=True)}


def _wants_summary(call: Call) -> bool:
    summary = call.params.text("summary")
    if summary is None or summary.lower() in ("", "false", "0"):
        return False
    if summary.lower() in ("true", "1"):
        return True
    names = call.params.listed("summary") or []
    for name in names:
        if name not in _SUMMARY_FIELDS:
            raise call_error("100", f"(#100) The summary has no field {name}")
    return bool(names)
