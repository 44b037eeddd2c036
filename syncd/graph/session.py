"""The HTTP session of all calls, and its errors as text for the operator.

No other module of the client imports aiohttp.
"""

from __future__ import annotations

import asyncio
import os
import ssl
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

import aiohttp
from aiohttp.abc import AbstractStreamWriter
from aiohttp.payload import Payload

from syncd import __version__
from syncd.graph.body import Body
from syncd.graph.exchange import BUFFERED, CALL, CHUNK, HttpError, HttpResponse
from syncd.graph.resolver import Resolver

_MAX_HEADER = 256 * 1024  # bytes; one usage header lists every account of a business


_ABOUT_TIME = {9, 10}
"""Codes of certificates that are not valid yet or no longer (X509_V_ERR_CERT_NOT_YET_VALID and
X509_V_ERR_CERT_HAS_EXPIRED in openssl/x509_vfy.h)."""

_DOWNLOAD = 10.0  # stall timeouts within which an image is downloaded
_MAX_RESPONSE = 4 * 1024 * 1024  # bytes; the entries of 50 images take some 50 KB


class HttpSession:
    """The connections to one server; `stall_timeout` is in seconds without progress."""

    def __init__(self, base_url: str, stall_timeout: float) -> None:
        self._base_url = base_url
        self._stall_timeout = stall_timeout
        self._session = aiohttp.ClientSession(
            timeout=aiohttp.ClientTimeout(
                total=None, sock_connect=stall_timeout, sock_read=stall_timeout
            ),
            cookie_jar=aiohttp.DummyCookieJar(),
            connector=aiohttp.TCPConnector(limit=0, resolver=Resolver(stall_timeout)),
            headers={"User-Agent": f"syncd/{__version__}"},
            middlewares=(send_once,),
            proxy=proxy_of(base_url),
            max_field_size=_MAX_HEADER,
        )

    async def close(self) -> None:
        """Close the connections."""
        await self._session.close()

    async def send(
        self,
        method: str,
        url: str,
        params: Mapping[str, str] | None,
        body: Body | None,
        token: str,
        received: Callable[[Mapping[str, str]], None],
    ) -> HttpResponse:
        """Send a request and return its response; raise HttpError without one.

        `received` gets the headers as soon as they have arrived.
        """
        try:
            async with (
                asyncio.timeout(CALL * self._stall_timeout) as limit,
                self._session.request(
                    method,
                    url,
                    params=params,
                    data=None if body is None else _Payload(body, self._stall_timeout, limit),
                    headers={"Authorization": f"Bearer {token}"},
                    allow_redirects=False,  # the API sends none; others would get the token
                ) as response,
            ):
                received(response.headers)
                content = await _read(response)
                return HttpResponse(response.status, response.headers, content)
        except (aiohttp.ClientError, OSError, TimeoutError, NotRepeatedError) as error:
            message = describe(error, self._base_url, self._stall_timeout)
        # Raised here, without a context: an aiohttp error holds the request, and so the token.
        raise HttpError(message)

    async def fetch(self, url: str, longest: int) -> HttpResponse:
        """Return what is at a URL, at most `longest` bytes; the request has no token.

        The URL is the server's: it may lead to any host. Raises HttpError.
        """
        host = urlsplit(url).netloc.rpartition("@")[2]
        try:
            async with (
                asyncio.timeout(_DOWNLOAD * self._stall_timeout),
                self._session.get(url, max_redirects=5) as response,
            ):
                content = await _read(response, longest)
                return HttpResponse(response.status, response.headers, content)
        except (aiohttp.ClientError, OSError, TimeoutError, NotRepeatedError, ValueError) as error:
            message = describe(error, f"//{host}", self._stall_timeout)
        raise HttpError(message)


async def _read(response: aiohttp.ClientResponse, longest: int = _MAX_RESPONSE) -> bytes:
    content = bytearray()
    async for chunk in response.content.iter_any():
        content += chunk
        if len(content) > longest:
            raise HttpError(f"the response is longer than {longest:,} bytes")
    return bytes(content)


class _Payload(Payload):
    """A request body that is written chunk by chunk; each one extends the limit of the call."""

    def __init__(self, body: Body, stall_timeout: float, limit: asyncio.Timeout) -> None:
        super().__init__(body, content_type=body.content_type)
        self._body = body
        self._stall_timeout = stall_timeout
        self._limit = limit
        self._size = body.length

    def decode(self, *_: Any) -> str:
        raise TypeError("a body of images is not text")

    async def write(self, writer: AbstractStreamWriter) -> None:
        await self.write_with_length(writer, None)

    async def write_with_length(self, writer: AbstractStreamWriter, _length: int | None) -> None:
        for chunk in self._body.chunks(CHUNK):
            self._extend(self._stall_timeout)
            await writer.write(chunk)
        self._extend((CALL + self._body.length / BUFFERED) * self._stall_timeout)

    def _extend(self, seconds: float) -> None:
        with suppress(RuntimeError):  # the call has ended before its body was sent
            self._limit.reschedule(asyncio.get_running_loop().time() + seconds)

    async def as_bytes(self, *_: Any) -> bytes:
        raise TypeError("a body of images is written in chunks, never as a whole")


class NotRepeatedError(Exception):
    """A connection error after which aiohttp by itself would send the call again."""

    def __init__(self, error: aiohttp.ClientError) -> None:
        super().__init__()
        self.error = error


async def send_once(
    request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType
) -> aiohttp.ClientResponse:
    """Send a call once: by itself, aiohttp repeats a GET or DELETE after a lost connection.

    Each call costs budget, a second DELETE of an image is an error, and the caller decides when to
    call again. aiohttp does not repeat a call after an exception that it does not know.
    """
    try:
        return await handler(request)
    except (aiohttp.ClientOSError, aiohttp.ServerDisconnectedError) as error:
        raise NotRepeatedError(error) from None


def describe(error: Exception, base_url: str, stall_timeout: float, host: str = "") -> str:
    """Return what went wrong on the connection, as one line without URLs or secrets.

    The server is named `host`, or by default as the URL names it.
    """
    host = host or urlsplit(base_url).netloc.rpartition("@")[2]
    match error:
        case NotRepeatedError():
            return describe(error.error, base_url, stall_timeout, host)
        case aiohttp.ConnectionTimeoutError():
            return f"cannot reach {host}: it did not respond within {stall_timeout:g} s"
        case TimeoutError():
            return f"{host} did not respond within {stall_timeout:g} s"
        case aiohttp.ClientHttpProxyError():
            return f"the proxy did not connect to {host}: HTTP {error.status}"
        case aiohttp.ClientResponseError():
            return f"the response of {host} is not valid HTTP"
        case aiohttp.ClientConnectorCertificateError():
            problem = error.certificate_error
            reason = getattr(problem, "verify_message", "") or str(problem)
            if getattr(problem, "verify_code", 0) in _ABOUT_TIME:
                reason += f"; this machine's clock is at {datetime.now(UTC):%Y-%m-%d %H:%M} UTC"
            return f"the TLS certificate of {host} is not valid: {reason}"
        case aiohttp.ClientConnectorDNSError():
            return f"cannot reach {error.host}: its name cannot be resolved"
        case aiohttp.ClientProxyConnectionError():
            return f"cannot reach the proxy {error.host}: {_reason(error.os_error)}"
        case aiohttp.ClientConnectorError():
            return f"cannot reach {host}: {_reason(error.os_error)}"
        case aiohttp.ClientPayloadError() if not _is_truncated(error):
            return f"the response of {host} is not valid HTTP"
        case _:
            return f"the connection to {host} was closed before the response was complete"


def _is_truncated(error: aiohttp.ClientPayloadError) -> bool:
    """Return whether the response ended early; otherwise its encoding is invalid."""
    return "is not completed" in str(error)


def _reason(error: OSError) -> str:
    if isinstance(error, ssl.SSLError):
        return f"TLS failed ({(error.reason or 'unknown reason').replace('_', ' ').lower()})"
    return os.strerror(error.errno).lower() if error.errno else "no connection"


def proxy_of(base_url: str) -> str | None:
    """Return the environment's proxy; aiohttp's `trust_env` would also read ~/.netrc, and fail."""
    url = urlsplit(base_url)
    if url.scheme != "https" or proxy_bypass(url.netloc):
        return None
    return getproxies().get("https")
