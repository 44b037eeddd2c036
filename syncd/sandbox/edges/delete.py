"""DELETE /act_{ID}/adimages: an image by its hash, unless a creative uses it."""

from __future__ import annotations

from syncd.sandbox.calls import Call
from syncd.sandbox.errors import refused
from syncd.sandbox.state import World
from syncd.sandbox.tokens import Token
from syncd.sandbox.values import AccountId, Json, Status


def delete(call: Call, account: AccountId, _: Token, world: World) -> Json:
    """Delete the image of this `hash`; `image_id` alone is not enough."""
    wanted = call.params.text("hash")
    if not wanted:
        raise refused("100", "(#100) The parameter hash is required")
    image = world.library.find(account, wanted)
    if image is None or image.status is Status.DELETED:
        if world.switches.delete_unknown != "success":
            raise refused(world.switches.delete_unknown)
        return {"success": True}
    if world.library.creatives(image):
        raise refused(world.switches.in_use_error)
    world.library.delete(image, world.switches.deletion_lag)
    return {"success": True}
