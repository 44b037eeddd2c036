"""Visits of the pages of `syncd web` over HTTP, as by a browser without scripts."""

import re
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

import aiohttp
import msgspec
from support.rig import Rig
from support.web_library import served


class Reply(msgspec.Struct, frozen=True, kw_only=True):
    """A response."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def text(self) -> str:
        return self.body.decode()


class Visitor:
    """A browser without scripts."""

    def __init__(self, session: aiohttp.ClientSession, url: str) -> None:
        self._session = session
        self._url = url

    async def get(self, path: str, **headers: str) -> Reply:
        return await self.send("GET", path, headers)

    async def post(self, path: str, *form: tuple[str, str], **headers: str) -> Reply:
        return await self.send("POST", path, headers, form)

    async def delete(self, path: str) -> Reply:
        return await self.send("DELETE", path, {})

    async def send(
        self, method: str, path: str, headers: Mapping[str, str], body: object = None
    ) -> Reply:
        """Send a request; an underscore in the name of a header is a hyphen."""
        async with self._session.request(
            method,
            self._url + path,
            headers={name.replace("_", "-"): value for name, value in headers.items()},
            data=body,
            allow_redirects=False,
        ) as response:
            body = await response.read()
            return Reply(status=response.status, headers=dict(response.headers), body=body)


@asynccontextmanager
async def visitor(rig: Rig, password: str | None = None) -> AsyncIterator[Visitor]:
    jar = aiohttp.CookieJar(unsafe=True)  # it keeps the cookies of an IP address
    async with served(rig, password) as url, aiohttp.ClientSession(cookie_jar=jar) as session:
        yield Visitor(session, url)


def names(page: str) -> list[str]:
    return re.findall(r"<h3><a [^>]*><bdi>([^<]*)</bdi>", page)


def digests(page: str) -> list[str]:
    return re.findall(r'data-digest="([0-9a-f]{64})"', page)
