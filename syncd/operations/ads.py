"""The creation of an ad, with an image of the account or with the file of a new one."""

from __future__ import annotations

import secrets
import time
from typing import Any

import msgspec
from msgspec.structs import replace

from syncd.graph.body import Part, multipart
from syncd.graph.client import Credentials, GraphError
from syncd.graph.json_values import decoded, image_hash
from syncd.graph.shapes import Usage, read_node
from syncd.ledger import by_hand
from syncd.model import Entry, ImageHash
from syncd.operations.ad import Ad, with_file
from syncd.operations.calls import ClosedError
from syncd.operations.pictures import Picture
from syncd.operations.session import Session
from syncd.operations.uploads import parts_of
from syncd.rules.errors import Verdict, judge
from syncd.rules.pacing.budget import READ, write


class Created(msgspec.Struct, frozen=True, kw_only=True):
    """An ad that was created, and the hash of the image that was sent with it."""

    id: str
    status: str
    hash: ImageHash | None = None


class UncertainError(Exception):
    """The call ended without a valid response: the ad may exist."""


async def created(session: Session, ad: Ad, picture: Picture | None) -> Created:
    """Create an ad; record its new image as kept, unless a file wants it.

    A call whose result is unknown is not repeated: it could create a second ad. Raises GraphError,
    ClosedError and UncertainError.
    """
    parts = [] if picture is None else parts_of([picture])
    if parts:
        ad = replace(ad, creative=with_file(ad.creative, parts[0].name))
    began = time.monotonic()
    try:
        made = await _create(session, ad, parts)
    except GraphError as error:
        if judge(error.api_error) is Verdict.RETRY:
            raise UncertainError(str(error)) from None
        raise
    found = Created(id=made, status=ad.status.value.upper())
    if picture is None:
        return found
    try:
        image = await _image_of(session, made)
    except (GraphError, ClosedError):
        return found  # the ad exists
    if image is not None and session.target.is_managed:
        entry = Entry(hash=image, name=parts[0].name)
        sent, now = session.client.clock.at(began), time.time()
        recorded = by_hand.record_uploaded(
            session.calls.account, [(picture.facts, entry)], now, sent, session.user
        )
        await session.ledger.write(recorded)
    return replace(found, hash=image)


async def _create(session: Session, ad: Ad, parts: list[Part]) -> str:
    client, account = session.client, session.calls.account

    async def send(credentials: Credentials) -> tuple[str, Usage]:
        fields = {**ad.fields(), **credentials.proof()}
        body = multipart(parts, fields.items(), f"syncd-{secrets.token_hex(16)}")
        response = await client.call("POST", f"act_{account}/ads", account, credentials, body=body)
        node = read_node(response.content)
        if node is None:
            raise response.without("`id`")
        return node.id, response.usage

    return await session.calls.make(write(), send, repeat=False)


async def _image_of(session: Session, ad: str) -> ImageHash | None:
    """Return the hash of an ad's image, which the response to its creation does not have."""
    fields = "creative{id,image_hash}"
    creative = (await _read(session, ad, fields)).get("creative")
    if not isinstance(creative, dict):
        return None
    known = image_hash(creative.get("image_hash"))
    if known is not None or not isinstance(creative.get("id"), str):
        return known
    return image_hash((await _read(session, creative["id"], "image_hash")).get("image_hash"))


async def _read(session: Session, node: str, fields: str) -> dict[str, Any]:
    client, account = session.client, session.calls.account

    async def send(credentials: Credentials) -> tuple[dict[str, Any], Usage]:
        query = {"fields": fields}
        response = await client.call("GET", node, account, credentials, query=query)
        return decoded(response.content, dict[str, Any]) or {}, response.usage

    return await session.calls.make(READ, send)
