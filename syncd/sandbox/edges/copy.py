"""POST /act_{ID}/adimages with `copy_from`: a copy of another account's image."""

from __future__ import annotations

from syncd.sandbox.calls import Call
from syncd.sandbox.edges.representation import uploaded
from syncd.sandbox.errors import call_error
from syncd.sandbox.state import State
from syncd.sandbox.tokens import Token
from syncd.sandbox.values import AccountId, Image, Json, Status, account_id


def copy(call: Call, account: AccountId, token: Token, state: State) -> Json:
    """Copy an image into this account, and return its entry."""
    source_of = call.params.mapping("copy_from") or {}
    source, wanted = source_of.get("source_account_id"), source_of.get("hash")
    if not source or not isinstance(wanted, str):
        raise call_error("100", "(#100) copy_from needs source_account_id and hash")
    # "Provide the source account ID without the act_ prefix" [doc]
    if not str(source).isdigit():
        raise call_error(
            "100", "(#100) Param copy_from[source_account_id] must be a numeric string"
        )
    original = _original(account_id(str(source)), wanted, token, state)
    held = state.library.find(account, original.hash)
    if held is not None and held.gone_at is None:
        image = state.library.touch(held, held.name)
    else:
        image = state.library.add(account, original.picture, original.name)
    state.library.add_content(image, original.sha256)
    return {"images": {_key(image, state): uploaded(image, image.name, call, state)}}


def _original(source: AccountId, wanted: str, token: Token, state: State) -> Image:
    open_to_all = state.switches.copy_source == "open"
    if not state.knows(source) or not (open_to_all or token.reaches(source)):
        raise call_error(state.switches.copy_denied_error)
    image = state.library.find(source, wanted)
    if image is None or image.status is Status.DELETED:
        raise call_error(state.switches.copy_missing_error)
    return image


def _key(image: Image, state: State) -> str:
    match state.switches.copy_key:
        case "hash":
            return image.hash
        case "name":
            return image.name
        case "bytes" | "copy_from" as key:
            return key
