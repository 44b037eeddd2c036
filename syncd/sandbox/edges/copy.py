"""POST /act_{ID}/adimages with `copy_from`: an image of another account, without its bytes."""

from __future__ import annotations

from syncd.sandbox.calls import Call
from syncd.sandbox.edges.representation import uploaded
from syncd.sandbox.errors import refused
from syncd.sandbox.state import World
from syncd.sandbox.tokens import Token
from syncd.sandbox.values import AccountId, Image, Json, Status, account_id


def copy(call: Call, account: AccountId, token: Token, world: World) -> Json:
    """Copy an image into this account, and answer with its one entry."""
    asked = call.params.mapping("copy_from") or {}
    source, wanted = asked.get("source_account_id"), asked.get("hash")
    if not source or not isinstance(wanted, str):
        raise refused("100", "(#100) copy_from needs source_account_id and hash")
    # "Provide the source account ID without the act_ prefix" [doc]
    if not str(source).isdigit():
        raise refused("100", "(#100) Param copy_from[source_account_id] must be a numeric string")
    original = _original(account_id(str(source)), wanted, token, world)
    held = world.library.find(account, original.hash)
    if held is not None and held.gone_at is None:
        image = world.library.touch(held, held.name)
    else:
        image = world.library.put(account, original.picture, original.name)
    world.library.learn(image, original.sha256)
    return {"images": {_key(image, world): uploaded(image, image.name, call, world)}}


def _original(source: AccountId, wanted: str, token: Token, world: World) -> Image:
    open_to_all = world.switches.copy_source == "open"
    if not world.knows(source) or not (open_to_all or token.reaches(source)):
        raise refused(world.switches.copy_denied_error)
    image = world.library.find(source, wanted)
    if image is None or image.status is Status.DELETED:
        raise refused(world.switches.copy_missing_error)
    return image


def _key(image: Image, world: World) -> str:
    match world.switches.copy_key:
        case "hash":
            return image.hash
        case "name":
            return image.name
        case "bytes" | "copy_from" as word:
            return word
