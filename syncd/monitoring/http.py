"""A POST to a URL that is a secret: errors name neither the URL nor its server."""

from __future__ import annotations

import asyncio
import re
from urllib.parse import urlsplit

import aiohttp

from syncd import __version__
from syncd.graph.resolver import Resolver
from syncd.graph.session import NotRepeatedError, describe, proxy_of, send_once
from syncd.monitoring.errors import INVALID_URL, DeliveryError

TIMEOUT = 10.0
"""Seconds until a response has begun."""

_SERVER = "the server"
"""Its name in errors: its own name belongs to the secret."""


async def post(url: str, body: bytes, content_type: str, limit: float = TIMEOUT) -> None:
    """Send a POST, which any status from 200 to 299 accepts; raise DeliveryError otherwise.

    It fails after `limit` seconds. Redirects are not followed: another server would get the
    message.
    """
    try:
        async with (
            asyncio.timeout(limit),
            aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(resolver=Resolver(limit)),
                cookie_jar=aiohttp.DummyCookieJar(),
                headers={"User-Agent": f"syncd/{__version__}", "Content-Type": content_type},
                middlewares=(send_once,),
                proxy=proxy_of(url),
            ) as session,
            session.post(url, data=body, allow_redirects=False) as response,
        ):
            status = response.status
    except (aiohttp.InvalidURL, ValueError):
        message = INVALID_URL
    except (aiohttp.ClientError, OSError, NotRepeatedError) as error:  # a TimeoutError, too
        message = _without_host(describe(error, url, limit, _SERVER), url)
    else:
        if status // 100 == 2:
            return
        message = f"{_SERVER} responded with HTTP {status}"
        if status // 100 == 3:
            message += ", a redirect, which is not followed: write the URL that it leads to"
    # Raised here, without a context: an aiohttp error holds the request, and so the URL.
    raise DeliveryError(message)


def _without_host(message: str, url: str) -> str:
    """Return the message of an error, of which some quote the server's name."""
    host = urlsplit(url).hostname
    return re.sub(rf"\b{re.escape(host)}\b", _SERVER, message) if host else message
