"""Pages of objects other than images: accounts, creatives and ads, in the order of their ids."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from syncd.sandbox.calls import Call
from syncd.sandbox.edges.listing import DEFAULT_LIMIT, id_of, link, opaque
from syncd.sandbox.errors import call_error
from syncd.sandbox.values import Json


def page_of(call: Call, ids: Sequence[str], node: Callable[[str], Json]) -> dict[str, Json]:
    """Return the page that `limit` and `after` request of objects; `ids` are in order."""
    limit, after = call.params.number("limit"), call.params.text("after")
    if limit is not None and limit < 1:
        raise call_error("100", "(#100) Param limit must be greater than 0")
    last = None if after is None else id_of(after)
    rest = [one for one in ids if last is None or one > last]
    shown = rest[: limit or DEFAULT_LIMIT]
    paging: dict[str, Json] = {}
    if shown:
        before, following = opaque(shown[0]), opaque(shown[-1])
        paging["cursors"] = {"before": before, "after": following}
        if len(shown) < len(rest):
            paging["next"] = link(call, "after", following)
    return {"data": [node(one) for one in shown], "paging": paging}
