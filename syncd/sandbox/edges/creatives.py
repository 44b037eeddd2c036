"""/act_{ID}/adcreatives and /ads: creatives and ads, which use images or upload one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

import msgspec

from syncd.sandbox.calls import Call
from syncd.sandbox.creatives import Ad, AdStatus, Creative
from syncd.sandbox.edges.pages import page_of
from syncd.sandbox.edges.representation import fields_of
from syncd.sandbox.edges.upload import UploadFile, hold_file
from syncd.sandbox.errors import call_error, nonexisting_field
from syncd.sandbox.multipart import base_name
from syncd.sandbox.state import State
from syncd.sandbox.tokens import Token
from syncd.sandbox.values import AccountId, CreativeId, ImageHash, Json, Status, graph_time

_SPEC: Final = (
    "name", "title", "body", "object_url", "link_url", "image_hash", "image_file", "image_url",
    "object_story_id", "object_story_spec", "asset_feed_spec", "actor_id", "call_to_action_type",
)  # fmt: skip
"""The parameters of a creative that the sandbox keeps."""


def create_creative(call: Call, account: AccountId, _: Token, state: State) -> Json:
    """Create a creative of the images that it names, or of a file that is sent with the call."""
    spec = {name: value for name in _SPEC if (value := _value(call, name)) is not None}
    return {"id": _create(spec, call, account, state)}


def create_ad(call: Call, account: AccountId, _: Token, state: State) -> Json:
    """Create an ad, of an existing creative or of one described in the call."""
    name, adset = call.params.text("name"), call.params.text("adset_id")
    adset = adset or call.params.text("campaign_id")  # as the pages up to v2.11 call it
    for parameter, given in (("name", name), ("adset_id", adset)):
        if not given:
            raise call_error("100", f"(#100) The parameter {parameter} is required")
    status = _status(call.params.text("status") or AdStatus.ACTIVE)
    spec = call.params.mapping("creative")
    if not spec:
        raise call_error("100", "(#100) The parameter creative is required")
    existing = spec.get("creative_id") or spec.get("id")
    if existing:
        creative = _found(str(existing), account, state)
    else:
        creative = _create(spec, call, account, state)
    ad = state.creatives.add_ad(
        account, creative, name=name or "", adset=adset or "", status=status
    )
    return {"id": ad}


def list_creatives(call: Call, account: AccountId, _: Token, state: State) -> Json:
    """Return one page of the creatives of an account."""
    creatives = {str(one.id): one for one in state.creatives.in_account(account)}
    return page_of(call, list(creatives), lambda one: creative_node(call, creatives[one]))


def list_ads(call: Call, account: AccountId, _: Token, state: State) -> Json:
    """Return one page of the ads of an account."""
    ads = {ad.id: ad for ad in state.creatives.ads_in(account)}
    return page_of(call, list(ads), lambda one: ad_node(call, ads[one]))


def node(call: Call, token: Token, state: State) -> Json:
    """Read, change or delete a creative or an ad; None if the node is neither."""
    ad, creative = state.creatives.find_ad(call.node), state.creatives.find(call.node)
    owner = ad or creative
    if owner is None or call.edge or not token.reaches(owner.account):
        return None
    match call.method:
        case "GET" if ad is not None:
            return ad_node(call, ad)
        case "GET" if creative is not None:
            return creative_node(call, creative)
        case "POST" if ad is not None:
            state.creatives.set_status(ad, _status(call.params.text("status") or ad.status))
        case "DELETE" if ad is not None:
            state.creatives.set_status(ad, AdStatus.DELETED)
        case "DELETE" if creative is not None:
            state.creatives.remove(creative.id)
        case _:
            return None
    return {"success": True}


def creative_node(call: Call, creative: Creative) -> dict[str, Json]:
    """Return the requested fields of a creative."""
    values: dict[str, Json] = {name: creative.spec.get(name) for name in _SPEC} | {
        "id": creative.id,
        "account_id": creative.account,
        "name": creative.name,
        "image_hash": min(creative.images, default=None),
        "status": AdStatus.ACTIVE,
    }
    return _requested(call, values, "AdCreative")


def ad_node(call: Call, ad: Ad) -> dict[str, Json]:
    """Return the requested fields of an ad."""
    values: dict[str, Json] = {
        "id": ad.id,
        "account_id": ad.account,
        "name": ad.name,
        "adset_id": ad.adset,
        "creative": {"id": ad.creative},
        "status": ad.status,
        "effective_status": ad.status,
        "configured_status": ad.status,
        "created_time": graph_time(ad.created_time),
    }
    return _requested(call, values, "Ad")


def _requested(call: Call, values: Mapping[str, Json], kind: str) -> dict[str, Json]:
    """Return the requested fields that have a value, and always the id."""
    names = fields_of(call) if call.params.text("fields") else []
    for name in names:
        if name not in values:
            raise nonexisting_field(name, kind)
    return {name: values[name] for name in (*names, "id") if values[name] is not None}


def _status(text: str) -> AdStatus:
    if text not in set(AdStatus):
        raise call_error("100", f"(#100) Param status must be one of {', '.join(AdStatus)}")
    return AdStatus(text)


def _found(creative: str, account: AccountId, state: State) -> CreativeId:
    found = state.creatives.find(creative)
    if found is None or found.account != account:
        raise call_error("100", "(#100) creative: the account has no such creative")
    return found.id


def _create(spec: Mapping[str, Json], call: Call, account: AccountId, state: State) -> CreativeId:
    hashes = [_held(one, account, state) for one in _texts(spec, "image_hash")]
    feed = _texts(spec.get("asset_feed_spec"), "hash")
    hashes += [_held(one, account, state) for one in feed]
    hashes += [_uploaded(one, call, account, state) for one in _texts(spec, "image_file")]
    if not hashes:
        raise call_error("100", "(#100) A creative needs image_hash, or image_file and its part")
    kept = {name: value for name, value in spec.items() if name != "image_file"}
    return state.creatives.add(account, *hashes, name=str(spec.get("name") or ""), spec=kept)


def _texts(value: Json, name: str) -> Iterator[str]:
    """Yield the texts under this name, at any depth of a creative."""
    match value:
        case Mapping():
            for key, inner in value.items():
                if key == name and isinstance(inner, str) and inner:
                    yield inner
                else:
                    yield from _texts(inner, name)
        case str():
            pass
        case Sequence():
            for inner in value:
                yield from _texts(inner, name)
        case _:
            pass


def _held(named: str, account: AccountId, state: State) -> ImageHash:
    image = state.library.find(account, named)
    if image is None or image.status is Status.DELETED:
        raise call_error("100", "(#100) image_hash: the account has no such image")
    return image.hash


def _uploaded(named: str, call: Call, account: AccountId, state: State) -> ImageHash:
    for part in call.files:
        name = base_name(part.filename or "")
        if named in (part.name, name):
            return hold_file(UploadFile(name, name, part.content), account, state).hash
    raise call_error("100", "(#100) image_file: the request has no such part")


def _value(call: Call, name: str) -> Json:
    text = call.params.text(name)
    if text is None or not text.startswith("{"):
        return text
    try:
        value: Json = msgspec.json.decode(text)
    except msgspec.DecodeError:
        raise call_error("100", f"(#100) Param {name} is not valid JSON.") from None
    return value
