"""The pages over HTTP; no other module of this package knows aiohttp."""

from __future__ import annotations

import asyncio
import signal
import socket
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Self
from urllib.parse import parse_qs

import structlog
from aiohttp import web
from aiohttp.typedefs import Handler

from syncd.config.listen import Network
from syncd.log import Log, unexpected
from syncd.model import printable
from syncd.monitoring.connections import Connections
from syncd.monitoring.pages import server_log
from syncd.web.app import App
from syncd.web.exchange import Request, Response
from syncd.web.pages.layout import error_page
from syncd.web.proxies import client_of, is_proxy

log: Log = structlog.get_logger()

MOST_FORM = 2**20  # bytes of a form: 14,700 marked images

MOST_CONNECTIONS = 300
"""A browser opens six, and a process may have 1,024 files by default."""

_CONTENT = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self';"
    " form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)

HEADERS = {
    "Content-Security-Policy": _CONTENT,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}
"""Headers of every response, unless it has its own."""


_LONGEST = 500  # characters of a path in the log
_FAILED = (
    "syncd web could not make this page, because of a bug. Reload the page. If that fails again,"
    " report it to the operator of syncd: the event web.failed in its log has the details"
    " (journalctl -u syncd-web)."
)


class Server:
    """The pages at an address: `async with Server(app, host, port) as server:`."""

    def __init__(self, app: App, host: str, port: int, proxies: Sequence[Network] = ()) -> None:
        self._app = app
        self._address = (host, port)
        self._proxies = proxies
        self._runner: web.AppRunner | None = None
        self._connections = Connections(MOST_CONNECTIONS)
        self.url = ""

    async def __aenter__(self) -> Self:
        application = web.Application(client_max_size=MOST_FORM, middlewares=[_secured])
        for method in ("GET", "HEAD", "POST"):
            application.router.add_route(method, "/{path:.*}", self._respond)
        self._runner = web.AppRunner(
            application,
            access_log=None,
            logger=server_log(),
            handler_cancellation=True,
            shutdown_timeout=1.0,
        )
        await self._runner.setup()
        host, port = self._address
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        listener = socket.create_server(self._address, family=family, backlog=128)
        await self._connections.listen(self._runner, listener)
        port = listener.getsockname()[1]
        self.url = f"http://[{host}]:{port}/" if ":" in host else f"http://{host}:{port}/"
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._connections.close()
        if self._runner is not None:
            await self._runner.cleanup()
        self._app.close()

    async def _respond(self, request: web.Request) -> web.Response:
        headers, peer = request.headers, request.remote or ""
        forwarded = ",".join(headers.getall("X-Forwarded-For", ()))
        scheme = headers.get("X-Forwarded-Proto", "")
        received = Request(
            method="GET" if request.method == "HEAD" else request.method,
            path=request.path,
            query=dict(request.query),
            form=await _form(request),
            cookies=dict(request.cookies),
            host=headers.get("Host", ""),
            client=client_of(peer, forwarded, self._proxies),
            is_encrypted=scheme == "https" and is_proxy(peer, self._proxies),
        )
        with self._connections.responding(request):
            found = await self._app.respond(received)
        return _as_http(found)


async def _form(request: web.Request) -> dict[str, list[str]]:
    """Return the fields of a form as browsers send it without files; empty for anything else."""
    if request.method != "POST" or request.content_type != "application/x-www-form-urlencoded":
        return {}
    try:
        body = await request.read()
    except web.RequestPayloadError:
        raise web.HTTPBadRequest from None
    return parse_qs(body.decode("utf-8", "replace"), keep_blank_values=True)


def _as_http(found: Response) -> web.Response:
    headers = {"Content-Type": found.type, **found.headers}
    return web.Response(body=found.body, status=found.status, headers=headers)


@web.middleware
async def _secured(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Add the headers of every response; what cannot be served gets a page of ours, too."""
    try:
        response = await handler(request)
    except web.HTTPException as error:
        body = error_page(error.reason, "syncd web does not serve such a request.")
        response = _as_http(Response(body=body, status=error.status))
    except Exception as error:
        log.critical(
            "web.failed",
            path=printable(request.path)[:_LONGEST],
            why=unexpected(error),
            remedy="report it with this record; reload the page",
            exc_info=error,
        )
        response = _as_http(Response(body=error_page("This page failed", _FAILED), status=500))
    for name, value in HEADERS.items():
        response.headers.setdefault(name, value)
    return response


async def serve_until_stopped(server: Server, started: Callable[[str], None]) -> None:
    """Serve until SIGINT or SIGTERM; `started` is called with the URL once the port is open."""
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stopped.set)
    async with server:
        started(server.url)
        await stopped.wait()
