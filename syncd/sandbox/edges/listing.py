"""GET /act_{ID}/adimages and /{account}:{hash}: images as pages of a list, and as a node."""

from __future__ import annotations

from syncd.sandbox.calls import Call
from syncd.sandbox.edges.representation import fields_of, node
from syncd.sandbox.errors import call_error, no_such_object
from syncd.sandbox.paging import Page, cut, links
from syncd.sandbox.state import State
from syncd.sandbox.tokens import Token
from syncd.sandbox.values import AccountId, Image, Json, Status

_FILTERS = ("hashes", "name", "minwidth", "minheight")
_SUMMARY_FIELDS = frozenset({"total_count"})


def listing(call: Call, account: AccountId, _: Token, state: State) -> Json:
    """Return one page of an account's images."""
    visible = _visible(call, account, state)
    page = cut(_filtered(visible, call), visible, call, state.switches)
    fields = fields_of(call)
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
    return node(image, fields_of(call), call, state)


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
