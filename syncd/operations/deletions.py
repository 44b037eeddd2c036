"""Deletions by hand: what an account shows before, the DELETE, and the read that confirms it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Mapping, Sequence

from syncd.engine.calls import MAX_HASHES
from syncd.graph.client import Credentials, GraphError
from syncd.graph.nodes import Node
from syncd.graph.shapes import Usage
from syncd.ledger import by_hand
from syncd.model import ImageHash
from syncd.operations.calls import ClosedError, ends_all, sentence
from syncd.operations.listing import looked_up
from syncd.operations.result import NOT_TRIED, Result
from syncd.operations.session import Session
from syncd.rules.errors import ApiError, Verdict, judge
from syncd.rules.pacing.budget import write

_FIELDS = ("hash", "name", "status", "creatives", "is_associated_creatives_in_adgroups")

CONFIRM_DELAYS = (0.0, 1.0, 3.0, 8.0, 18.0, 30.0)
"""Seconds before each read that looks for an image: one was still listed after 20 s."""

_STILL_THERE = (
    f"the account still lists it after {sum(CONFIRM_DELAYS):.0f} s; look again later with"
    " `syncd images get`, and delete it again if it stays"
)
_UNCONFIRMED = "the DELETE was sent; `syncd images get` shows whether the image is gone"
_SHOWN_CREATIVES = 5


async def shown(session: Session, hashes: Sequence[ImageHash]) -> Mapping[ImageHash, Node]:
    """Return the images as the account shows them, without those that are deleted already."""
    found = await looked_up(session, hashes, _FIELDS)
    return {one: node for one, node in found.items() if node.status != "DELETED"}


async def wanted(session: Session, hashes: Sequence[ImageHash]) -> set[ImageHash]:
    """Return which of these images a running daemon uploads again."""
    if not session.target.is_managed or not hashes:
        return set()
    return await session.ledger.read(by_hand.wanted(session.calls.account, hashes))


def obstacle(image: Node | None) -> str | None:
    """Return why an image cannot be deleted; None if it can."""
    if image is None:
        return "the account does not list it"
    if not image.is_used:
        return None
    listed = image.creatives
    named = ", ".join(listed[:_SHOWN_CREATIVES])
    more = f" and {len(listed) - _SHOWN_CREATIVES} more" if len(listed) > _SHOWN_CREATIVES else ""
    what = f"the creative {named}{more} uses it" if listed else "an ad uses it"
    return f"{what}; delete that first"


async def deleted(
    session: Session, images: Mapping[ImageHash, Node], pauses: Sequence[float] = CONFIRM_DELAYS
) -> AsyncIterator[Result]:
    """Delete images, and yield each once a read has shown that it is gone.

    `pauses` are the seconds before each read. An error about the account is raised at the end.
    """
    sent: list[ImageHash] = []
    ended: GraphError | ClosedError | None = None
    for image_hash, image in images.items():
        if ended is not None:
            yield Result(hash=image_hash, name=_name(image), why=NOT_TRIED)
            continue
        try:
            error = await _delete(session, image_hash)
        except (GraphError, ClosedError) as fatal:
            ended = fatal
            yield Result(hash=image_hash, name=_name(image), why=NOT_TRIED)
            continue
        if error is None:
            sent.append(image_hash)
        else:
            yield Result(hash=image_hash, name=_name(image), why=sentence(error))
    for first in range(0, len(sent), MAX_HASHES):
        async for result in _confirmed(session, images, sent[first : first + MAX_HASHES], pauses):
            yield result
    if ended is not None:
        raise ended


async def _delete(session: Session, image_hash: ImageHash) -> ApiError | None:
    """Send a DELETE, which is recorded before; return the error that rejects it.

    After an error of the server, a read shows the effect. Raises an error about the account.
    """
    client, account = session.client, session.calls.account
    ledger, is_managed = session.ledger, session.target.is_managed

    async def send(credentials: Credentials) -> tuple[None, Usage]:
        now = time.time()
        if is_managed:
            until = now + client.outcome_timeout
            await ledger.write(by_hand.record_deleting(account, image_hash, now, until))
        try:
            return None, await client.delete(account, credentials, image_hash)
        except GraphError as error:
            if is_managed and judge(error.api_error) is not Verdict.RETRY:
                await ledger.write(by_hand.record_not_deleted(account, image_hash))
            raise

    try:
        await session.calls.make(write(), send, repeat=False)
    except GraphError as error:
        if judge(error.api_error) is Verdict.RETRY:
            return None
        if ends_all(error.api_error):
            raise
        return error.api_error
    return None


async def _confirmed(
    session: Session,
    images: Mapping[ImageHash, Node],
    left: Sequence[ImageHash],
    pauses: Sequence[float],
) -> AsyncIterator[Result]:
    for pause in pauses:
        await asyncio.sleep(pause)
        try:
            there = await shown(session, left)
        except (GraphError, ClosedError):
            for image_hash in left:
                yield Result(hash=image_hash, name=_name(images[image_hash]), why=_UNCONFIRMED)
            raise
        for image_hash in left:
            if image_hash not in there:
                await _record_gone(session, image_hash)
                yield Result(hash=image_hash, name=_name(images[image_hash]), state="deleted")
        left = [image_hash for image_hash in left if image_hash in there]
        if not left:
            return
    for image_hash in left:
        yield Result(hash=image_hash, name=_name(images[image_hash]), why=_STILL_THERE)


async def _record_gone(session: Session, image_hash: ImageHash) -> None:
    if session.target.is_managed:
        offset = session.client.clock.now().clock_offset
        gone = by_hand.record_deleted(session.calls.account, image_hash, offset)
        await session.ledger.write(gone)


def _name(image: Node) -> str | None:
    name = image.fields.get("name")
    return name if isinstance(name, str) else None
