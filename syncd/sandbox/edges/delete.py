"""DELETE /act_{ID}/adimages: deletion of an image by its hash."""

from __future__ import annotations

from syncd.sandbox.calls import Call
from syncd.sandbox.errors import call_error
from syncd.sandbox.state import State
from syncd.sandbox.tokens import Token
from syncd.sandbox.values import AccountId, Json, Status


def delete(call: Call, account: AccountId, _: Token, state: State) -> Json:
    """Delete the image with this `hash`, unless a creative uses it; `image_id` is not enough."""
    wanted = call.params.text("hash")
    if not wanted:
        raise call_error("100", "(#100) The parameter hash is required")
    image = state.library.find(account, wanted)
    if image is None or image.status is Status.DELETED:
        if state.switches.delete_unknown != "success":
            raise call_error(state.switches.delete_unknown)
        return {"success": True}
    if state.creatives.using(image):
        raise call_error(state.switches.in_use_error)
    state.library.delete(image, state.switches.deletion_lag)
    return {"success": True}
