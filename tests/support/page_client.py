"""Requests for syncd's own pages, over TCP or a unix socket."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
from multidict import CIMultiDictProxy

from syncd.config.listen import Listen, SocketPath


@dataclass
class Fetched:
    """A response as it was received."""

    status: int
    headers: CIMultiDictProxy[str]
    text: str

    @property
    def json(self) -> Any:
        return json.loads(self.text)


async def fetch(
    listen: Listen | Path, path: str, method: str = "GET", accept: str = "*/*"
) -> Fetched:
    """Request a path of the server at an address; raise aiohttp.ClientError or OSError."""
    where = SocketPath(str(listen)) if isinstance(listen, Path) else listen
    is_path = isinstance(where, SocketPath)
    connector = aiohttp.UnixConnector(where.path) if isinstance(where, SocketPath) else None
    base = "http://localhost" if is_path else f"http://{where}"
    async with (
        aiohttp.ClientSession(connector=connector) as session,
        session.request(method, base + path, headers={"Accept": accept}) as response,
    ):
        return Fetched(response.status, response.headers, await response.text())
