"""A receiver of notifications: an HTTP server that accepts, fails, hangs or closes."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from support.http_server import Request, Server, http, read_request, serving

Event = dict[str, Any]


@dataclass
class Hook:
    """The requests that a receiver got, and how it responds to the next ones.

    `mode` is a status line such as "200 OK", or `hang`, or `close`.
    """

    server: Server
    mode: str = "200 OK"
    requests: list[Request] = field(default_factory=list)
    accepted: list[Request] = field(default_factory=list)
    closed: asyncio.Event = field(default_factory=asyncio.Event)
    on_accepted: Callable[[], object] = lambda: None
    """Called before the response that accepts a notification is sent."""

    @property
    def url(self) -> str:
        return f"{self.server.url}/services/T0SECRETKEY-0123456789?key=0123456789abcdefSECRET"

    @property
    def paths(self) -> list[str]:
        """The paths of accepted requests, with their queries."""
        return [request.line.split()[1] for request in self.accepted]

    @property
    def bodies(self) -> list[str]:
        return [request.body.decode() for request in self.accepted]

    @property
    def events(self) -> list[Event]:
        """The events of all accepted notifications."""
        return [event for body in self.bodies for event in json.loads(body)["events"]]

    def named(self, on: str) -> list[Event]:
        return [event for event in self.events if event["on"] == on]

    async def respond(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        request = await read_request(reader)
        self.requests.append(request)
        mode = self.mode
        if mode == "hang":
            await self.closed.wait()
            return
        if mode == "close":
            writer.transport.abort()
            return
        if mode.startswith("2"):
            self.accepted.append(request)
            self.on_accepted()
        headers = ("Location: http://127.0.0.1:1/elsewhere",) if mode.startswith("3") else ()
        body = b"" if mode.startswith("204") else b"<html>page</html>"
        writer.write(http(body, mode, *headers))
        await writer.drain()


@asynccontextmanager
async def hooking() -> AsyncIterator[Hook]:
    """Run a receiver on a free port."""
    async with serving() as server:
        hook = Hook(server)
        server.behaviour = hook.respond
        try:
            yield hook
        finally:
            hook.closed.set()
