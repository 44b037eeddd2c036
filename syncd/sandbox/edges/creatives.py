"""POST /act_{ID}/adcreatives and /ads: creatives and ads, which use an image or upload one."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from syncd.sandbox.calls import Call
from syncd.sandbox.edges.upload import UploadFile, hold_file
from syncd.sandbox.errors import call_error
from syncd.sandbox.multipart import base_name
from syncd.sandbox.state import State
from syncd.sandbox.tokens import Token
from syncd.sandbox.values import AccountId, CreativeId, Image, Json, Status


def create_creative(call: Call, account: AccountId, _: Token, state: State) -> Json:
    """Create a creative of the image that `image_hash` or `image_file` names."""
    spec = {
        name: value
        for name in ("image_hash", "image_file", "object_story_spec")
        if (value := _value(call, name)) is not None
    }
    return {"id": _creative(spec, call, account, state)}


def create_ad(call: Call, account: AccountId, _: Token, state: State) -> Json:
    """Create an active ad, of an existing creative or of one described in the call."""
    spec = call.params.mapping("creative") or {}
    existing = spec.get("creative_id") or spec.get("id")
    creative = CreativeId(str(existing)) if existing else _creative(spec, call, account, state)
    return {"id": state.creatives.add_ad(account, creative)}


def _creative(spec: Mapping[str, Json], call: Call, account: AccountId, state: State) -> CreativeId:
    story = spec.get("object_story_spec")
    link = story.get("link_data") if isinstance(story, Mapping) else None
    linked = link.get("image_hash") if isinstance(link, Mapping) else None
    named = spec.get("image_hash") or linked
    if named:
        image = _held(str(named), account, state)
    else:
        image = _uploaded(str(spec.get("image_file") or ""), call, account, state)
    return state.creatives.add(account, image.hash)


def _held(named: str, account: AccountId, state: State) -> Image:
    image = state.library.find(account, named)
    if image is None or image.status is Status.DELETED:
        raise call_error("100", "(#100) image_hash: the account has no such image")
    return image


def _uploaded(named: str, call: Call, account: AccountId, state: State) -> Image:
    for part in call.files:
        name = base_name(part.filename or "")
        if named and named in (part.name, name):
            return hold_file(UploadFile(name, name, part.content), account, state)
    raise call_error("100", "(#100) A creative needs image_hash, or image_file and its part")


def _value(call: Call, name: str) -> Json:
    text = call.params.text(name)
    if text is None or not text.startswith("{"):
        return text
    try:
        value: Json = msgspec.json.decode(text)
    except msgspec.DecodeError:
        raise call_error("100", f"(#100) Param {name} is not valid JSON.") from None
    return value
