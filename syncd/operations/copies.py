"""Copies by hand: images of one account, taken into another without their bytes."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Sequence

from syncd.graph.client import Credentials, GraphError
from syncd.graph.shapes import Usage
from syncd.ledger import by_hand
from syncd.model import AccountId, Entry, ImageHash
from syncd.operations.calls import ClosedError, sentence
from syncd.operations.result import NOT_TRIED, Result
from syncd.operations.session import Session
from syncd.rules.errors import Scope, Verdict, judge
from syncd.rules.pacing.budget import write

_UNNAMED = "the response does not name the image: `syncd images get` shows whether it is there"


async def copied(
    session: Session, source: AccountId, hashes: Sequence[ImageHash]
) -> AsyncIterator[Result]:
    """Copy images of the account `source`, and yield what became of each.

    An error about the account is raised after the images that are left were yielded.
    """
    for number, image_hash in enumerate(hashes):
        try:
            entry = await _copy(session, source, image_hash)
        except (GraphError, ClosedError) as error:
            if isinstance(error, GraphError) and _is_about_the_image(error):
                yield Result(hash=image_hash, why=sentence(error.api_error))
                continue
            for left in hashes[number:]:
                yield Result(hash=left, why=NOT_TRIED)
            raise
        if entry is None:
            yield Result(hash=image_hash, why=_UNNAMED)
        else:
            yield Result(hash=entry.hash, name=entry.name, state="copied")


def _is_about_the_image(error: GraphError) -> bool:
    """Return whether other images may be copied: one may be missing, or not readable."""
    verdict = judge(error.api_error)
    return verdict.scope is Scope.IMAGE or verdict is Verdict.STOP_ACCOUNT


async def _copy(session: Session, source: AccountId, image_hash: ImageHash) -> Entry | None:
    """Copy one image and record it; return None if the response does not name it."""
    client, account = session.client, session.calls.account

    async def send(credentials: Credentials) -> tuple[Entry | None, Usage]:
        began = time.monotonic()
        response = await client.copy(account, credentials, source, image_hash)
        if len(response.entries) != 1:
            return None, response.usage
        (entry,) = response.entries.values()
        if session.target.is_managed:
            origin, at, now = (source, image_hash), client.clock.at(began), time.time()
            await session.ledger.write(
                by_hand.record_copied(account, origin, entry, now, at, session.user)
            )
        return entry, response.usage

    return await session.calls.make(write(), send)
