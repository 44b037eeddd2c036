"""The HTTP session that calls go through: what it waits for, and that it sends each call once."""

from __future__ import annotations

from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

import aiohttp

_LONGEST_HEADER = 256 * 1024  # bytes; one usage header speaks of every account of a business


def session(base_url: str, stall: float) -> aiohttp.ClientSession:
    """Return a session for one server; a call ends when nothing moves for `stall` seconds."""
    return aiohttp.ClientSession(
        timeout=aiohttp.ClientTimeout(total=None, sock_connect=stall, sock_read=stall),
        cookie_jar=aiohttp.DummyCookieJar(),
        connector=aiohttp.TCPConnector(limit=0),
        headers={"User-Agent": "syncd"},
        middlewares=(_once,),
        proxy=_proxy(base_url),
        max_field_size=_LONGEST_HEADER,
    )


class Broken(Exception):
    """The connection broke: nobody knows what became of the call."""


async def _once(
    request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType
) -> aiohttp.ClientResponse:
    """Send a call once: aiohttp itself repeats a GET or DELETE whose connection breaks.

    Each costs budget, and the second DELETE of an image is an error; when to call again is for
    others to say. What aiohttp does not know it does not repeat.
    """
    try:
        return await handler(request)
    except (aiohttp.ClientOSError, aiohttp.ServerDisconnectedError) as error:
        raise Broken(why(error)) from None


def why(error: Exception) -> str:
    """Say what went wrong on the line, without the URL, which has the proof."""
    if isinstance(error, TimeoutError):
        return "timed out"
    if isinstance(error, aiohttp.ClientResponseError):  # its own text has the URL
        return f"no HTTP: {' '.join(error.message.split())}"
    text = " ".join(str(error).split())
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def _proxy(base_url: str) -> str | None:
    """Return the environment's proxy; aiohttp's trust_env would read ~/.netrc as well, and fail."""
    url = urlsplit(base_url)
    if url.scheme != "https" or proxy_bypass(url.netloc):
        return None
    return getproxies().get("https")
