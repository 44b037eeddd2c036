"""The sandbox's own HTTP pages: its state, and changes of faults and switches while it runs."""

from __future__ import annotations

import hashlib
import re

import msgspec
from aiohttp import web

from syncd.sandbox.faults import FaultError, parse_fault
from syncd.sandbox.graph import Graph
from syncd.sandbox.page import page
from syncd.sandbox.pictures import white
from syncd.sandbox.report import report
from syncd.sandbox.switches import SwitchError, switched

_HASH = re.compile(r"[0-9a-f]{32}")
_SIDE = 128
_CELLS = 5


class Control:
    """The handlers of /sandbox and the paths below it."""

    def __init__(self, graph: Graph) -> None:
        self._graph = graph

    def serve(self, application: web.Application) -> None:
        """Add the handlers to an application."""
        router = application.router
        router.add_get("/sandbox", self._page)
        router.add_get("/favicon.ico", self._favicon)
        router.add_get("/sandbox.json", self._json)
        router.add_get("/sandbox/images/{hash}", self._image)
        router.add_post("/sandbox/faults", self._add_faults)
        router.add_delete("/sandbox/faults", self._clear_faults)
        router.add_post("/sandbox/switches", self._set_switches)

    async def _page(self, _: web.Request) -> web.Response:
        return web.Response(text=page(report(self._graph)), content_type="text/html")

    async def _json(self, _: web.Request) -> web.Response:
        body = msgspec.json.format(msgspec.json.encode(report(self._graph)), indent=2)
        return web.Response(body=body, content_type="application/json")

    async def _favicon(self, _: web.Request) -> web.Response:
        """Respond to a request that browsers send by themselves; it is not a call of the API."""
        return web.Response(status=204)

    async def _image(self, request: web.Request) -> web.Response:
        """Send a picture of the image's size; for a thumbnail, or an unknown image, a pattern."""
        image_hash = request.match_info["hash"]
        if not _HASH.fullmatch(image_hash):
            raise web.HTTPNotFound
        state, expiry = self._graph.state, request.query.get("oe")
        if expiry is not None and int(expiry, 16) <= state.clock():
            raise web.HTTPForbidden(text="URL signature expired\n")
        found = (state.library.find(account, image_hash) for account in state.library.accounts())
        image = next((one for one in found if one is not None), None)
        if image is None or request.query.get("size", "full") != "full":
            return web.Response(text=_thumbnail(image_hash), content_type="image/svg+xml")
        return web.Response(body=white(image.width, image.height), content_type="image/png")

    async def _add_faults(self, request: web.Request) -> web.Response:
        """Add the faults of the body, one per line, as `--fault` takes them."""
        try:
            faults = [parse_fault(spec) for spec in (await request.text()).split()]
        except FaultError as error:
            raise web.HTTPBadRequest(text=f"{error}\n") from None
        for fault in faults:
            self._graph.state.faults.add(fault)
        return await self._json(request)

    async def _clear_faults(self, request: web.Request) -> web.Response:
        self._graph.state.faults.clear()
        return await self._json(request)

    async def _set_switches(self, request: web.Request) -> web.Response:
        """Set the switches of the body, one NAME=VALUE per line, as `--switch` takes them."""
        try:
            switches = switched(self._graph.state.switches, (await request.text()).split())
        except SwitchError as error:
            raise web.HTTPBadRequest(text=f"{error}\n") from None
        self._graph.set_switches(switches)
        return await self._json(request)


def _thumbnail(image_hash: str) -> str:
    """Return an SVG pattern made from an image's hash, because no bytes are kept.

    It is symmetric, so that it is easy to recognise.
    """
    digest = hashlib.sha256(image_hash.encode()).digest()
    hue = digest[0] * 360 // 256
    cell = _SIDE // (_CELLS + 1)
    margin = (_SIDE - cell * _CELLS) // 2
    squares = [
        f'<rect x="{margin + x * cell}" y="{margin + y * cell}" width="{cell}" height="{cell}"/>'
        for y in range(_CELLS)
        for x in range(_CELLS)
        if digest[1 + y * 3 + min(x, _CELLS - 1 - x)] % 2
    ]
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_SIDE} {_SIDE}">'
        f'<rect width="{_SIDE}" height="{_SIDE}" fill="hsl({hue} 40% 92%)"/>'
        f'<g fill="hsl({hue} 55% 45%)">{"".join(squares)}</g></svg>\n'
    )
