"""Which edge or node a call is for."""

from __future__ import annotations

from syncd.sandbox.calls import Call
from syncd.sandbox.edges.accounts import account_node, me
from syncd.sandbox.edges.copy import copy
from syncd.sandbox.edges.creatives import create_ad, create_creative
from syncd.sandbox.edges.delete import delete
from syncd.sandbox.edges.images import image_node
from syncd.sandbox.edges.listing import listing
from syncd.sandbox.edges.upload import upload
from syncd.sandbox.errors import no_such_object
from syncd.sandbox.state import World
from syncd.sandbox.tokens import Token
from syncd.sandbox.values import AccountId, Json, Kind

_BY_KIND = {
    Kind.UPLOAD: upload,
    Kind.COPY: copy,
    Kind.LIST: listing,
    Kind.DELETE: delete,
    Kind.ACCOUNT: account_node,
}
_BY_EDGE = {
    ("POST", "adcreatives"): create_creative,
    ("POST", "ads"): create_ad,
}


def work(call: Call, token: Token, world: World) -> Json:
    """Do what the call asks; raises 100/33 for what is not there."""
    if call.kind is Kind.ME:
        return me(call, token, world)
    if call.image is not None and (call.method, call.edge) == ("GET", ""):
        return image_node(call, *call.image, world)
    if call.account is not None and call.image is None:
        edge = _BY_KIND.get(call.kind) or _BY_EDGE.get((call.method, call.edge))
        if edge is not None:
            return edge(call, call.account, token, world)
    if call.method == "DELETE" and not call.edge and _is_creative(call.node, token, world):
        return {"success": True}
    raise no_such_object(call.method.lower(), call.node)


def _is_creative(node: str, token: Token, world: World) -> bool:
    account: AccountId | None = world.library.remove_creative(node)
    return account is not None and token.reaches(account)
