"""The sandbox's own pages: what it was asked, faults and switches to turn while it runs."""

from __future__ import annotations

import re

import msgspec
from aiohttp import web

from syncd.sandbox.faults import FaultError, parse_fault
from syncd.sandbox.graph import Graph
from syncd.sandbox.page import page
from syncd.sandbox.report import report
from syncd.sandbox.switches import SwitchError, switched
from syncd.sandbox.thumbnail import thumbnail

_HASH = re.compile(r"[0-9a-f]{32}")


class Control:
    """Serves /sandbox and what is below it."""

    def __init__(self, graph: Graph) -> None:
        self._graph = graph

    def serve(self, application: web.Application) -> None:
        router = application.router
        router.add_get("/sandbox", self._page)
        router.add_get("/favicon.ico", self._nothing)
        router.add_get("/sandbox.json", self._json)
        router.add_get("/sandbox/images/{hash}", self._thumbnail)
        router.add_post("/sandbox/faults", self._add_faults)
        router.add_delete("/sandbox/faults", self._clear_faults)
        router.add_post("/sandbox/switches", self._turn)

    async def _page(self, _: web.Request) -> web.Response:
        return web.Response(text=page(report(self._graph)), content_type="text/html")

    async def _json(self, _: web.Request) -> web.Response:
        body = msgspec.json.format(msgspec.json.encode(report(self._graph)), indent=2)
        return web.Response(body=body, content_type="application/json")

    async def _nothing(self, _: web.Request) -> web.Response:
        """Answer what browsers ask for by themselves: it is no call of the Graph API."""
        return web.Response(status=204)

    async def _thumbnail(self, request: web.Request) -> web.Response:
        image = request.match_info["hash"]
        if not _HASH.fullmatch(image):
            raise web.HTTPNotFound
        return web.Response(text=thumbnail(image), content_type="image/svg+xml")

    async def _add_faults(self, request: web.Request) -> web.Response:
        """Take one fault a line, as `--fault` does."""
        try:
            faults = [parse_fault(spec) for spec in (await request.text()).split()]
        except FaultError as error:
            raise web.HTTPBadRequest(text=f"{error}\n") from None
        for fault in faults:
            self._graph.world.faults.add(fault)
        return await self._json(request)

    async def _clear_faults(self, request: web.Request) -> web.Response:
        self._graph.world.faults.clear()
        return await self._json(request)

    async def _turn(self, request: web.Request) -> web.Response:
        """Take one NAME=VALUE a line, as `--switch` does."""
        try:
            switches = switched(self._graph.world.switches, (await request.text()).split())
        except SwitchError as error:
            raise web.HTTPBadRequest(text=f"{error}\n") from None
        self._graph.turn(switches)
        return await self._json(request)
