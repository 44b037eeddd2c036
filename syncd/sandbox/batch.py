"""POST / with `batch`: up to fifty calls in one, done in order and counted one by one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import msgspec

from syncd.sandbox import params
from syncd.sandbox.calls import Call, split_path
from syncd.sandbox.errors import CallError, call_error
from syncd.sandbox.graph import Graph
from syncd.sandbox.outcomes import Delivery, Outcome, error_outcome, success_outcome
from syncd.sandbox.params import Params
from syncd.sandbox.values import Json

MAX_CALLS = 50


class Item(msgspec.Struct, frozen=True):
    """One call of a batch, as Meta's batch page describes it."""

    method: str
    relative_url: str
    body: str | None = None
    attached_files: str | None = None


def is_batch(call: Call) -> bool:
    """Return whether a call is a batch."""
    return call.method == "POST" and call.node == "" and call.params.has("batch")


def call_batch(call: Call, graph: Graph) -> Outcome:
    """Do the calls of a batch; one whose response would not arrive as a whole becomes null."""
    try:
        items = _items(call)
        graph.state.admit(call.token, call.params.text("appsecret_proof"))
    except CallError as error:
        return error_outcome(error.api_error)
    with_headers = (call.params.text("include_headers") or "true").lower() != "false"
    responses: list[Json] = []
    wait = 0.0
    for item in items:
        outcome = graph.call(_inner(item, call))
        wait = max(wait, outcome.wait)
        responses.append(_response(outcome, with_headers=with_headers))
    return replace(success_outcome(responses), wait=wait)


def _items(call: Call) -> Sequence[Item]:
    try:
        items = msgspec.json.decode(call.params.text("batch") or "", type=list[Item])
    except msgspec.DecodeError as error:
        raise call_error("100", f"(#100) batch: {error}") from None
    if not items:
        raise call_error("100", "(#100) batch must hold at least one call")
    if len(items) > MAX_CALLS:
        raise call_error(
            "100", f"Too many requests in batch message. Maximum batch size is {MAX_CALLS}"
        )
    return items


def _inner(item: Item, outer: Call) -> Call:
    path, _, query_text = item.relative_url.partition("?")
    version, node, edge = split_path(path)
    query = params.from_urlencoded(query_text)
    body = params.from_urlencoded(item.body or "")
    names = {name.strip() for name in (item.attached_files or "").split(",")}
    proof = outer.params.text("appsecret_proof")
    defaults = Params([("appsecret_proof", proof)] if proof else [])
    files = [part for part in outer.files if part.name in names]
    return Call(
        method=item.method.upper(),
        version=version or outer.version,
        node=node,
        edge=edge,
        query=query,
        params=defaults + query + body,
        files=files,
        size=len(item.body or "") + sum(len(part.content) for part in files),
        token=(query + body).text("access_token") or outer.token,
        base_url=outer.base_url,
    )


def _response(outcome: Outcome, *, with_headers: bool) -> Json:
    if outcome.delivery is not Delivery.WHOLE:
        return None
    response: dict[str, Json] = {"code": outcome.status}
    if with_headers:
        headers = {**outcome.headers, "Content-Type": outcome.content_type}
        response["headers"] = [{"name": n, "value": v} for n, v in headers.items()]
    response["body"] = outcome.body.decode()
    return response
