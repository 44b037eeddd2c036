"""The HTTP session of all calls, and its errors as text for the operator."""

from __future__ import annotations

import os
import ssl
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

import aiohttp

_MAX_HEADER = 256 * 1024  # bytes; one usage header lists every account of a business


def session(base_url: str, stall_timeout: float) -> aiohttp.ClientSession:
    """Return a session for one server; `stall_timeout` is in seconds without progress."""
    return aiohttp.ClientSession(
        timeout=aiohttp.ClientTimeout(
            total=None, sock_connect=stall_timeout, sock_read=stall_timeout
        ),
        cookie_jar=aiohttp.DummyCookieJar(),
        connector=aiohttp.TCPConnector(limit=0),
        headers={"User-Agent": "syncd"},
        middlewares=(_send_once,),
        proxy=_proxy(base_url),
        max_field_size=_MAX_HEADER,
    )


class NotRepeatedError(Exception):
    """A connection error after which aiohttp by itself would send the call again."""

    def __init__(self, error: aiohttp.ClientError) -> None:
        super().__init__()
        self.error = error


async def _send_once(
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


def describe(error: Exception, base_url: str, stall_timeout: float) -> str:
    """Return what went wrong on the connection, as one line without URLs or secrets."""
    host = urlsplit(base_url).netloc.rpartition("@")[2]
    match error:
        case NotRepeatedError():
            return describe(error.error, base_url, stall_timeout)
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


def _proxy(base_url: str) -> str | None:
    """Return the environment's proxy; aiohttp's `trust_env` would also read ~/.netrc, and fail."""
    url = urlsplit(base_url)
    if url.scheme != "https" or proxy_bypass(url.netloc):
        return None
    return getproxies().get("https")
