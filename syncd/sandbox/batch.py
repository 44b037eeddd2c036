"""POST / with `batch`: up to fifty calls in one, answered in order, each counted for itself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import msgspec

from syncd.sandbox import params
from syncd.sandbox.calls import Call, split_path
from syncd.sandbox.errors import GraphError, refused
from syncd.sandbox.graph import Graph
from syncd.sandbox.outcomes import Delivery, Outcome, answered, refusing
from syncd.sandbox.params import Params
from syncd.sandbox.values import Json

MOST = 50


class Item(msgspec.Struct, frozen=True):
    """One call of a batch, as Meta's batch page describes it."""

    method: str
    relative_url: str
    body: str | None = None
    attached_files: str | None = None


def is_batch(call: Call) -> bool:
    return call.method == "POST" and call.node == "" and call.params.has("batch")


def answer_batch(call: Call, graph: Graph) -> Outcome:
    """Answer a batch; a call whose answer would never come, or be broken off, is null."""
    try:
        items = _items(call)
        graph.world.tokens.check(call.token, call.params.text("appsecret_proof"))
    except GraphError as error:
        return refusing(error.refusal)
    with_headers = (call.params.text("include_headers") or "true").lower() != "false"
    answers: list[Json] = []
    wait = 0.0
    for item in items:
        outcome = graph.answer(_inner(item, call))
        wait = max(wait, outcome.wait)
        answers.append(_told(outcome, with_headers=with_headers))
    return replace(answered(answers), wait=wait)


def _items(call: Call) -> Sequence[Item]:
    try:
        items = msgspec.json.decode(call.params.text("batch") or "", type=list[Item])
    except msgspec.DecodeError as error:
        raise refused("100", f"(#100) batch: {error}") from None
    if not items:
        raise refused("100", "(#100) batch must hold at least one call")
    if len(items) > MOST:
        raise refused("100", f"Too many requests in batch message. Maximum batch size is {MOST}")
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


def _told(outcome: Outcome, *, with_headers: bool) -> Json:
    if outcome.delivery is not Delivery.WHOLE:
        return None
    told: dict[str, Json] = {"code": outcome.status}
    if with_headers:
        headers = {**outcome.headers, "Content-Type": outcome.content_type}
        told["headers"] = [{"name": n, "value": v} for n, v in headers.items()]
    told["body"] = outcome.body.decode()
    return told
