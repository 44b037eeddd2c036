"""The connections of an HTTP server: how many there are, and how long one may wait for a request.

aiohttp closes a connection that sends nothing, or half a request, only when the client does.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

from aiohttp import web

IDLE = 60.0
"""Seconds without a whole request until a connection is closed, and up to a quarter more."""


class Connections:
    """At most `most` connections, none of which is without a request for long.

    A new connection replaces the one that has waited longest for a request. It is closed itself
    only if all others have requests in progress.
    """

    def __init__(self, most: int, idle: float = IDLE) -> None:
        self._most = most
        self._idle = idle
        self._busy: set[asyncio.BaseProtocol] = set()
        self._waiting_since: dict[web.RequestHandler, float] = {}  # by the clock of the loop
        self._listener: asyncio.Server | None = None
        self._timer: asyncio.TimerHandle | None = None

    @contextmanager
    def responding(self, request: web.Request) -> Iterator[None]:
        """Keep the connection of a request, which has arrived with its body, open in the block."""
        connection = request.protocol
        self._busy.add(connection)
        try:
            yield
        finally:
            self._busy.discard(connection)
            self._waiting_since[connection] = asyncio.get_running_loop().time()

    async def listen(self, runner: web.AppRunner, bound: socket.socket) -> None:
        """Accept connections of a bound socket, for a runner that is set up, until `close`."""
        server, loop = runner.server, asyncio.get_running_loop()
        assert server is not None  # noqa: S101  it was set up
        accept = partial(self._accept, server)
        if bound.family == socket.AF_UNIX:
            self._listener = await loop.create_unix_server(accept, sock=bound)
        else:
            self._listener = await loop.create_server(accept, sock=bound)
        self._close_idle(server, loop)

    def close(self) -> None:
        """Accept no connections any longer; the runner closes those that are open."""
        if self._listener is not None:
            self._listener.close()
        if self._timer is not None:
            self._timer.cancel()

    def _accept(self, server: web.Server) -> asyncio.BaseProtocol:
        opened = [one for one in server.connections if _is_open(one)]
        waiting = [one for one in opened if one not in self._busy]
        waiting.sort(key=lambda one: self._waiting_since.get(one, float("inf")))
        excess = max(0, len(opened) + 1 - self._most)
        if excess > len(waiting):
            return _Refusal()
        for one in waiting[:excess]:
            _abort(one)
        return server()

    def _close_idle(self, server: web.Server, loop: asyncio.AbstractEventLoop) -> None:
        now = loop.time()
        opened = server.connections
        self._waiting_since = {one: self._waiting_since.get(one, now) for one in opened}
        for one, since in self._waiting_since.items():
            if one not in self._busy and now - since >= self._idle:
                _abort(one)
        self._timer = loop.call_later(self._idle / 4, self._close_idle, server, loop)


class _Refusal(asyncio.Protocol):
    """A connection that is closed at once."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Close it."""
        transport.close()


def _is_open(connection: web.RequestHandler) -> bool:
    return connection.transport is not None and not connection.transport.is_closing()


def _abort(connection: web.RequestHandler) -> None:
    if connection.transport is not None:
        connection.transport.abort()
