"""Sends the requests of the checks, and deletes what they have created, however they end."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Awaitable, Callable, Generator
from dataclasses import dataclass, field
from functools import partial
from typing import Any, TypeVar, assert_never

import msgspec

from syncd.conformance.messages import (
    Copy,
    Delete,
    File,
    Finding,
    Read,
    Reply,
    Request,
    State,
    Upload,
    UploadBytes,
    Wait,
    points,
)
from syncd.conformance.talk import Left, Plan, cleanup, talk
from syncd.graph.body import Part, multipart, urlencoded, urlencoded_image
from syncd.graph.client import Credentials, GraphClient, GraphError, Response
from syncd.graph.json_values import decoded
from syncd.graph.shapes import Usage
from syncd.model import AccountId, ImageHash
from syncd.operations.calls import AccountCalls, ClosedError, sentence
from syncd.rules.errors import ApiError, Verdict, judge
from syncd.rules.pacing.budget import READ, Call

T = TypeVar("T")

Send = Callable[[Request], Awaitable[Reply]]
"""Sends a request, and returns its reply, be it an error."""


class Caller:
    """Sends requests at their turn within the account's budget, and counts them."""

    def __init__(self, client: GraphClient, calls: AccountCalls) -> None:
        self._client = client
        self._calls = calls
        self.sent = 0
        """Requests that were sent."""

    async def send(self, request: Request) -> Reply:
        """Send a request; raises ClosedError if the account takes no calls.

        Its error would say nothing about the request: it is not a reply to report.
        """
        if isinstance(request, Wait):
            await asyncio.sleep(request.seconds)
            return Reply()
        images = request.images if isinstance(request, Upload) else 1
        cost = READ if isinstance(request, Read) else Call(points(request) // images, images)
        self.sent += 1
        try:
            return await self._calls.make(cost, partial(self._send, request))
        except GraphError as error:
            if _is_about_the_account(request, error.api_error):
                raise ClosedError(sentence(error.api_error)) from None
            return failed(error)

    async def _send(self, request: Request, credentials: Credentials) -> tuple[Reply, Usage]:
        response = await call(self._client, self._calls.account, credentials, request)
        return reply_of(response), response.usage


def _is_about_the_account(request: Request, error: ApiError) -> bool:
    match judge(error):
        case Verdict.STOP_TOKEN | Verdict.STOP_APP:
            return True
        case Verdict.STOP_ACCOUNT:  # the permission to write may be missing alone
            return isinstance(request, Read)
        case _:
            return False


def reply_of(response: Response) -> Reply:
    """Return the reply in a successful response; empty if that is not a JSON object."""
    body = decoded(response.content, dict[str, Any])
    return Reply(body=body or {}, usage=response.usage.reading)


def failed(error: GraphError) -> Reply:
    """Return the reply for a call that failed."""
    return Reply(error=error.api_error, usage=error.usage.reading)


async def call(
    client: GraphClient, account: AccountId, credentials: Credentials, request: Request
) -> Response:
    """Return the response to a request; raises GraphError."""
    edge, proof = f"act_{account}/adimages", credentials.proof()
    match request:
        case Upload():
            parts = [Part(file.name, _media_type(file), file.content) for file in request.files]
            body = multipart(parts, proof.items(), f"syncd-{secrets.token_hex(16)}")
            return await client.call("POST", edge, account, credentials, body=body)
        case UploadBytes():
            fields = {"name": request.file.name, **proof}
            body = urlencoded_image(request.file.content, fields)
            return await client.call("POST", edge, account, credentials, body=body)
        case Copy():
            wanted = msgspec.json.encode({"source_account_id": account, "hash": request.hash})
            body = urlencoded({"copy_from": wanted.decode(), **proof})
            return await client.call("POST", edge, account, credentials, body=body)
        case Delete():
            query = {"hash": request.hash}
            return await client.call("DELETE", edge, account, credentials, query=query)
        case Read():
            path = f"act_{account}/{request.edge}".removesuffix("/")
            return await client.call("GET", path, account, credentials, query=request.query)
        case Wait():
            raise ValueError("a wait is not a call")
        case _:
            assert_never(request)


def _media_type(file: File) -> str:
    return "application/zip" if file.name.endswith(".zip") else "image/png"


@dataclass(slots=True)
class Report:
    """The findings of a run, and which of its images are still in the account."""

    findings: list[Finding] = field(default_factory=list)
    left: list[Left] = field(default_factory=list)

    @property
    def is_fine(self) -> bool:
        """Whether nothing differs and nothing is left."""
        return not self.left and all(one.state is not State.DIFFERS for one in self.findings)


async def run(plan: Plan, send: Send, report: Report) -> None:
    """Make the checks of a plan, and delete all images that they have created.

    The report is complete also if the run ends with an error, or is cancelled.
    """
    created: set[ImageHash] = set()

    async def recorded(request: Request) -> Reply:
        reply = await send(request)
        created.update(reply.hashes)
        return reply

    try:
        await converse(talk(plan, report.findings), recorded)
    finally:
        if plan.files is not None:
            prefix = plan.files.prefix
            why = f"the cleanup was interrupted; the names of all images begin with {prefix}"
            report.left = [Left(one, why) for one in sorted(created)]
            report.left = await _cleaned(plan, send, created, prefix)


async def _cleaned(plan: Plan, send: Send, created: set[ImageHash], prefix: str) -> list[Left]:
    try:
        return await converse(cleanup(created, prefix, plan.patience), send)
    except ClosedError as error:
        why = f"{error}; the names of all images begin with {prefix}"
        return [Left(one, why) for one in sorted(created)]


async def converse(steps: Generator[Request, Reply, T], send: Send) -> T:
    """Send the requests of a generator until it ends, and return its result."""
    reply: Reply | None = None
    while True:
        try:
            request = next(steps) if reply is None else steps.send(reply)
        except StopIteration as end:
            result: T = end.value
            return result
        reply = await send(request)
