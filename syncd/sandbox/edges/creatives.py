"""POST /act_{ID}/adcreatives and /ads: what uses an image, or brings one along."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from syncd.sandbox.calls import Call
from syncd.sandbox.edges.upload import hold_file
from syncd.sandbox.edges.upload_files import Incoming
from syncd.sandbox.errors import refused
from syncd.sandbox.multipart import base_name
from syncd.sandbox.state import World
from syncd.sandbox.tokens import Token
from syncd.sandbox.values import AccountId, CreativeId, Image, Json, Status


def create_creative(call: Call, account: AccountId, _: Token, world: World) -> Json:
    """Make a creative of the image that `image_hash` or `image_file` names."""
    spec = {
        name: value
        for name in ("image_hash", "image_file", "object_story_spec")
        if (value := _value(call, name)) is not None
    }
    return {"id": _creative(spec, call, account, world)}


def create_ad(call: Call, account: AccountId, _: Token, world: World) -> Json:
    """Make an active ad, of a creative that exists or of one described here."""
    spec = call.params.mapping("creative") or {}
    existing = spec.get("creative_id") or spec.get("id")
    creative = CreativeId(str(existing)) if existing else _creative(spec, call, account, world)
    return {"id": world.library.add_ad(account, creative)}


def _creative(spec: Mapping[str, Json], call: Call, account: AccountId, world: World) -> CreativeId:
    story = spec.get("object_story_spec")
    link = story.get("link_data") if isinstance(story, Mapping) else None
    linked = link.get("image_hash") if isinstance(link, Mapping) else None
    named = spec.get("image_hash") or linked
    if named:
        image = _held(str(named), account, world)
    else:
        image = _brought(str(spec.get("image_file") or ""), call, account, world)
    return world.library.add_creative(account, image.hash)


def _held(named: str, account: AccountId, world: World) -> Image:
    image = world.library.find(account, named)
    if image is None or image.status is Status.DELETED:
        raise refused("100", "(#100) image_hash: the account has no such image")
    return image


def _brought(named: str, call: Call, account: AccountId, world: World) -> Image:
    for part in call.files:
        name = base_name(part.filename or "")
        if named and named in (part.name, name):
            return hold_file(Incoming(name, name, part.content), account, world)
    raise refused("100", "(#100) A creative needs image_hash, or image_file and its part")


def _value(call: Call, name: str) -> Json:
    text = call.params.text(name)
    if text is None or not text.startswith("{"):
        return text
    try:
        value: Json = msgspec.json.decode(text)
    except msgspec.DecodeError:
        raise refused("100", f"(#100) Param {name} is no valid JSON.") from None
    return value
