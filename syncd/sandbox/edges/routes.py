"""The routes: the function for each edge and node."""

from __future__ import annotations

from syncd.sandbox.calls import Call
from syncd.sandbox.edges.accounts import account_node, me
from syncd.sandbox.edges.copy import copy
from syncd.sandbox.edges.creatives import (
    create_ad,
    create_creative,
    list_ads,
    list_creatives,
    node,
)
from syncd.sandbox.edges.delete import delete
from syncd.sandbox.edges.listing import image_node, listing
from syncd.sandbox.edges.tokens import debug_token
from syncd.sandbox.edges.upload import upload
from syncd.sandbox.errors import no_such_object
from syncd.sandbox.state import State
from syncd.sandbox.tokens import Token
from syncd.sandbox.values import Json, Kind

_BY_KIND = {
    Kind.UPLOAD: upload,
    Kind.COPY: copy,
    Kind.LIST: listing,
    Kind.DELETE: delete,
    Kind.ACCOUNT: account_node,
}
_BY_EDGE = {
    ("POST", "adcreatives"): create_creative,
    ("GET", "adcreatives"): list_creatives,
    ("POST", "ads"): create_ad,
    ("GET", "ads"): list_ads,
}


def work(call: Call, token: Token, state: State) -> Json:
    """Do the work of a call and return its response; raise 100/33 for an unknown object."""
    if call.kind is Kind.ME:
        return me(call, token, state)
    if (call.method, call.node, call.edge) == ("GET", "debug_token", ""):
        return debug_token(call, token, state)
    if call.image is not None and (call.method, call.edge) == ("GET", ""):
        return image_node(call, *call.image, state)
    if call.account is not None and call.image is None:
        edge = _BY_KIND.get(call.kind) or _BY_EDGE.get((call.method, call.edge))
        if edge is not None:
            return edge(call, call.account, token, state)
    if (response := node(call, token, state)) is not None:
        return response
    raise no_such_object(call.method.lower(), call.node)
