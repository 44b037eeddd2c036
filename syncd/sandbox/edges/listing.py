"""GET /act_{ID}/adimages: filters, fields, pages, summary."""

from __future__ import annotations

from syncd.sandbox.calls import Call
from syncd.sandbox.edges.representation import fields_of, node
from syncd.sandbox.errors import refused
from syncd.sandbox.paging import Page, cut, links
from syncd.sandbox.state import World
from syncd.sandbox.tokens import Token
from syncd.sandbox.values import AccountId, Image, Json, Status

_FILTERS = ("hashes", "name", "minwidth", "minheight")
_SUMMARY_FIELDS = frozenset({"total_count"})


def listing(call: Call, account: AccountId, _: Token, world: World) -> Json:
    """Answer with one page of an account's images."""
    visible = _visible(call, account, world)
    page = cut(_filtered(visible, call), visible, call, world.switches)
    fields = fields_of(call)
    nodes = [node(image, fields, call, world) for image in page.images]
    answer: dict[str, Json] = {"data": _shaped(nodes, page, world)}
    answer["paging"] = links(page, call)
    if world.switches.list_shape == "map":
        limit = call.params.number("limit") or len(nodes)
        answer |= {"count": len(nodes), "limit": limit, "offset": 0}
    if _wants_summary(call):
        answer["summary"] = {"total_count": len(visible)}
    return answer


def _visible(call: Call, account: AccountId, world: World) -> list[Image]:
    shown = world.switches.deleted_images
    with_deleted = shown == "listed" or (shown == "by_hash" and call.params.has("hashes"))
    images = world.library.everything(account)
    return [i for i in images if with_deleted or i.status is not Status.DELETED]


def _filtered(images: list[Image], call: Call) -> list[Image]:
    if not any(call.params.has(name) for name in _FILTERS):
        return images
    hashes = call.params.listed("hashes")
    name = (call.params.text("name") or "").casefold()
    min_width = call.params.number("minwidth") or 0
    min_height = call.params.number("minheight") or 0
    wanted = None if hashes is None else frozenset(hashes)
    return [
        image
        for image in images
        if (wanted is None or image.hash in wanted)
        and name in image.name.casefold()
        and image.width >= min_width
        and image.height >= min_height
    ]


def _shaped(nodes: list[dict[str, Json]], page: Page, world: World) -> Json:
    if world.switches.list_shape == "list":
        return nodes
    return {image.hash: value for image, value in zip(page.images, nodes, strict=True)}


def _wants_summary(call: Call) -> bool:
    asked = call.params.text("summary")
    if asked is None or asked.lower() in ("", "false", "0"):
        return False
    if asked.lower() in ("true", "1"):
        return True
    names = call.params.listed("summary") or []
    for name in names:
        if name not in _SUMMARY_FIELDS:
            raise refused("100", f"(#100) The summary has no field {name}")
    return bool(names)
