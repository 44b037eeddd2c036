"""The wire: HTTP requests become calls, and outcomes become responses, complete or not."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
from collections.abc import Awaitable, Callable, Iterator
from typing import TypeAlias

from aiohttp import web

from syncd.sandbox.batch import call_batch, is_batch
from syncd.sandbox.calls import Call, read_call
from syncd.sandbox.graph import Graph
from syncd.sandbox.outcomes import Delivery, Outcome, gateway_page

_RESET = struct.pack("ii", 1, 0)
"""SO_LINGER of 0 seconds: closing sends a reset instead of an end."""


ResponseHook: TypeAlias = Callable[[Call, Outcome], Awaitable[Outcome]]
"""Called with a call and its outcome before the response is sent; returns the outcome to send."""


class Wire:
    """The handler of all requests to the Graph API."""

    def __init__(self, graph: Graph, on_response: ResponseHook) -> None:
        self._graph = graph
        self._on_response = on_response
        self._closing = asyncio.Event()

    def close(self) -> None:
        """End the wait of every caller that a fault delays."""
        self._closing.set()

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Respond to one request."""
        with self._in_flight(request):
            body = await _read(request, self._graph.state.switches.max_bytes)
            call = _call(request, body or bytearray())
            if body is None:
                page = gateway_page(413, "Request Entity Too Large")
                outcome = self._graph.finish(call, page)
            elif is_batch(call):
                outcome = call_batch(call, self._graph)
            else:
                outcome = self._graph.call(call)
            outcome = await self._on_response(call, outcome)
            del body, call
            if outcome.wait:
                await self._pause(outcome.wait)
            return await self._deliver(outcome, request)

    async def _deliver(self, outcome: Outcome, request: web.Request) -> web.StreamResponse:
        match outcome.delivery:
            case Delivery.WHOLE:
                return web.Response(
                    status=outcome.status,
                    body=outcome.body,
                    headers={**outcome.headers, "Content-Type": outcome.content_type},
                )
            case Delivery.TRUNCATED:
                return await _truncated(outcome, request)
            case Delivery.RESET:
                return _reset(request)
            case Delivery.NEVER:
                await self._closing.wait()
                return _reset(request)

    async def _pause(self, seconds: float) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._closing.wait()

    @contextlib.contextmanager
    def _in_flight(self, request: web.Request) -> Iterator[None]:
        account = _call(request, bytearray()).account
        tally = self._graph.state.counts.of(account)
        tally.in_flight += 1
        tally.most_in_flight = max(tally.most_in_flight, tally.in_flight)
        try:
            yield
        finally:
            tally.in_flight -= 1


def _call(request: web.Request, body: bytearray) -> Call:
    return read_call(
        method=request.method,
        target=request.raw_path,
        authorization=request.headers.get("Authorization"),
        content_type=request.headers.get("Content-Type", "") if body else "",
        body=body,
        base_url=f"{request.scheme}://{request.host}",
    )


async def _read(request: web.Request, limit: int) -> bytearray | None:
    """Return the body; None, after reading all of it, when it is longer than `limit` bytes."""
    body, fits = bytearray(), True
    async for chunk in request.content.iter_any():
        fits = fits and len(body) + len(chunk) <= limit
        if fits:
            body += chunk
        else:
            body.clear()
    return body if fits else None


async def _truncated(outcome: Outcome, request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse(
        status=outcome.status,
        headers={**outcome.headers, "Content-Type": outcome.content_type},
    )
    response.content_length = len(outcome.body)
    await response.prepare(request)
    await response.write(outcome.body[: len(outcome.body) // 2])
    if request.transport is not None:
        request.transport.close()
    return response


def _reset(request: web.Request) -> web.StreamResponse:
    if request.transport is not None:
        connection = request.transport.get_extra_info("socket")
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        request.transport.abort()
    return web.Response()
