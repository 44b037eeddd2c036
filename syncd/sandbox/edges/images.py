"""GET /{account}:{hash}: one image by its id, which can be read so, not deleted."""

from __future__ import annotations

from syncd.sandbox.calls import Call
from syncd.sandbox.edges.representation import fields_of, node
from syncd.sandbox.errors import no_such_object
from syncd.sandbox.state import World
from syncd.sandbox.values import AccountId, Json, Status


def image_node(call: Call, account: AccountId, image_hash: str, world: World) -> Json:
    """Answer the fields of one image; a deleted one as the switch for lists by hash has it."""
    image = world.library.find(account, image_hash)
    hidden = world.switches.deleted_images == "missing"
    if image is None or (hidden and image.status is Status.DELETED):
        raise no_such_object("get", call.node)
    return node(image, fields_of(call), call, world)
