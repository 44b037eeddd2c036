"""The server of the pages: the one module that knows aiohttp's server.

It has no access control: every client that reaches the address can read the pages.
"""

from __future__ import annotations

import asyncio
import errno
import logging
import os
import socket
import stat
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from typing import Any

from aiohttp import web
from aiohttp.http import HttpProcessingError

from syncd.config.listen import Listen, SocketPath, TcpAddress
from syncd.model import printable
from syncd.monitoring.availability import Availability, reason, remedy
from syncd.monitoring.connections import IDLE, Connections
from syncd.monitoring.page import Page, Pages

RETRY = 15.0
"""Seconds between two attempts to listen on an address that cannot be used."""

MAX_CONNECTIONS = 50
"""Clients that open more connections must not use up the file descriptors."""

_SOCKET_MODE = 0o660
"""Of a unix socket: for syncd's user and group."""

_CLOSE = 1.0  # seconds that a response in progress has when the server is closed


async def keep_serving(listen: Listen, pages: Pages, retry: float = RETRY) -> None:
    """Serve pages until cancelled; an address that cannot be used is tried again."""
    availability = Availability(printable(str(listen)))
    while True:
        try:
            async with serving(listen, pages):
                availability.record_success()
                await asyncio.Event().wait()
        except OSError as error:
            todo = remedy(error, "metrics.listen", is_path=isinstance(listen, SocketPath))
            availability.record_failure(reason(error), todo)
        await asyncio.sleep(retry)


@asynccontextmanager
async def serving(listen: Listen, pages: Pages, idle: float = IDLE) -> AsyncIterator[None]:
    """Serve pages inside the block; raise OSError if the address cannot be used."""
    with _bound(listen) as bound:
        connections = Connections(MAX_CONNECTIONS, idle)
        app = web.Application()
        for path in pages:
            app.router.add_get(path, _handler(connections, pages[path]))
        app.on_response_prepare.append(_set_headers)
        runner = web.AppRunner(app, access_log=None, logger=server_log(), shutdown_timeout=_CLOSE)
        await runner.setup()
        try:
            await connections.listen(runner, bound)
            yield
        finally:
            connections.close()
            await runner.cleanup()


def server_log() -> logging.Logger:
    """Return the log of aiohttp's server, without requests that are not valid HTTP."""
    found = logging.getLogger("aiohttp.server")
    found.addFilter(_is_no_bad_request)
    return found


def _is_no_bad_request(record: logging.LogRecord) -> bool:
    error = record.exc_info[1] if record.exc_info else None
    return not isinstance(error, (HttpProcessingError, web.RequestPayloadError))


def _handler(
    connections: Connections, make: Callable[[str], Awaitable[Page]]
) -> Callable[[web.Request], Coroutine[Any, Any, web.Response]]:
    async def respond(request: web.Request) -> web.Response:
        with connections.responding(request):
            page = await make(request.headers.get("Accept", ""))
        return web.Response(
            status=page.status, body=page.content, headers={"Content-Type": page.content_type}
        )

    return respond


async def _set_headers(_request: web.BaseRequest, response: web.StreamResponse) -> None:
    response.headers["Server"] = "syncd"  # without the versions of Python and aiohttp
    response.headers["Cache-Control"] = "no-store"


@contextmanager
def _bound(listen: Listen) -> Iterator[socket.socket]:
    match listen:
        case TcpAddress():
            with _tcp_socket(listen) as bound:
                yield bound
        case SocketPath():
            with _unix_socket(listen.path) as bound:
                yield bound


def _tcp_socket(address: TcpAddress) -> socket.socket:
    family = socket.AF_INET6 if ":" in address.host else socket.AF_INET
    bound = socket.socket(family, socket.SOCK_STREAM | socket.SOCK_CLOEXEC)
    try:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # after a restart
        if family == socket.AF_INET6:
            bound.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        bound.bind((address.host, address.port))
    except OSError:
        bound.close()
        raise
    return bound


@contextmanager
def _unix_socket(path: str) -> Iterator[socket.socket]:
    """Yield a socket at a path, which is removed afterwards unless another one has replaced it."""
    _remove_unused(path)
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_CLOEXEC) as bound:
        bound.bind(path)
        made = os.lstat(path)
        try:
            os.chmod(path, _SOCKET_MODE)  # before it listens, so that nothing connects earlier
            yield bound
        finally:
            with suppress(FileNotFoundError):
                if os.path.samestat(made, os.lstat(path)):
                    os.unlink(path)


def _remove_unused(path: str) -> None:
    """Remove a socket that no process uses any longer; raise OSError for anything else there."""
    try:
        is_socket = stat.S_ISSOCK(os.lstat(path).st_mode)
    except FileNotFoundError:
        return
    if not is_socket:
        raise FileExistsError(errno.EEXIST, "something that is not a socket is at this path")
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_CLOEXEC) as probe:
        probe.setblocking(False)  # a process whose queue is full uses it, too
        try:
            probe.connect(path)
        except ConnectionRefusedError:
            os.unlink(path)
        except BlockingIOError:
            raise OSError(errno.EADDRINUSE, os.strerror(errno.EADDRINUSE)) from None
        else:
            raise OSError(errno.EADDRINUSE, os.strerror(errno.EADDRINUSE))
