"""The Marketing API over HTTP, the only module beside the sandbox that knows aiohttp."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import secrets
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

import aiohttp
import msgspec
from aiohttp.abc import AbstractStreamWriter
from aiohttp.payload import Payload

from syncd.config import Secret
from syncd.graph import shapes
from syncd.graph.multipart import Body, Part, multipart
from syncd.model import AccountId, Entry
from syncd.rules.verdicts import Fault

_CHUNK = 256 * 1024  # bytes that a slow line must carry within the stall time
_LONGEST_ANSWER = 4 * 1024 * 1024  # bytes; the entries of 50 images are some 50 KB
_LONGEST_HEADER = 256 * 1024  # bytes; one usage header speaks of every account of a business


class Credentials(msgspec.Struct, frozen=True):
    """What opens an account: a token, and the app's secret where calls are to be proved."""

    token: Secret
    app_secret: Secret | None = None

    def proof(self) -> dict[str, str]:
        """Return `appsecret_proof` (developers.facebook.com, Securing Graph API Requests)."""
        if self.app_secret is None:
            return {}
        key, text = self.app_secret.reveal().encode(), self.token.reveal().encode()
        return {"appsecret_proof": hmac.new(key, text, hashlib.sha256).hexdigest()}


class Uploaded(msgspec.Struct, frozen=True):
    """An upload's answer: entries by their keys in it, and the account's usage."""

    entries: dict[str, Entry]
    usage: shapes.Usage


class GraphError(Exception):
    """A call brought no answer: what came instead, and what its headers said of the account."""

    def __init__(self, fault: Fault, usage: shapes.Usage) -> None:
        super().__init__(str(fault))
        self.fault = fault
        self.usage = usage


class GraphClient:
    """Calls to one server and version; every failure is a GraphError."""

    def __init__(self, session: aiohttp.ClientSession, url: str, stall: float) -> None:
        self._session = session
        self._url = url
        self._stall = stall

    async def upload(
        self, account: AccountId, credentials: Credentials, parts: Sequence[Part]
    ) -> Uploaded:
        """Send images in one POST."""
        boundary = f"syncd-{secrets.token_hex(16)}"
        body = multipart(parts, credentials.proof().items(), boundary)
        return await self._post_images(account, credentials, _Pieces(body, self._stall))

    async def upload_bytes(
        self, account: AccountId, credentials: Credentials, content: bytes
    ) -> Uploaded:
        """Send one image as the form field `bytes`, base64."""
        body = await asyncio.to_thread(_form, content, credentials.proof())
        return await self._post_images(account, credentials, _Pieces(body, self._stall))

    async def me(self, credentials: Credentials) -> shapes.Node:
        """Ask whose token this is."""
        return await self._node("me", {"fields": "id,name"}, credentials)

    async def account(self, account: AccountId, credentials: Credentials) -> shapes.Node:
        """Ask for an ad account's name and status."""
        fields = {"fields": "id,name,account_status"}
        return await self._node(f"act_{account}", fields, credentials)

    async def _post_images(
        self, account: AccountId, credentials: Credentials, body: Payload
    ) -> Uploaded:
        answer, usage = await self._call(
            "POST", f"act_{account}/adimages", account, credentials, body=body
        )
        entries = shapes.read_images(answer)
        if entries is None:
            raise GraphError(Fault(200, message="the answer was cut off, or no JSON"), usage)
        return Uploaded(entries, usage)

    async def _node(
        self, path: str, query: Mapping[str, str], credentials: Credentials
    ) -> shapes.Node:
        params = {**query, **credentials.proof()}
        answer, usage = await self._call(
            "GET", path, AccountId(path.removeprefix("act_")), credentials, params=params
        )
        node = shapes.read_node(answer)
        if node is None:
            raise GraphError(Fault(200, message="the answer was cut off, or no JSON"), usage)
        return node

    async def _call(
        self,
        method: str,
        path: str,
        account: AccountId,
        credentials: Credentials,
        *,
        params: Mapping[str, str] | None = None,
        body: Payload | None = None,
    ) -> tuple[bytes, shapes.Usage]:
        headers = {"Authorization": f"Bearer {credentials.token.reveal()}"}
        try:
            async with self._session.request(
                method,
                f"{self._url}/{path}",
                params=params,
                data=body,
                headers=headers,
                allow_redirects=False,  # this API has none: it is somebody else who answers
            ) as response:
                content = await _content(response)
                usage = shapes.read_usage(account, response.headers)
                if response.status >= 300 or shapes.is_error(content):
                    raise GraphError(shapes.read_fault(response.status, content), usage)
                return content, usage
        except _TooLong as error:
            lost = GraphError(Fault(message=str(error)), shapes.Usage())
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            lost = GraphError(Fault(message=_why(error)), shapes.Usage())
        # Raised out here, without a context: an aiohttp error carries the request, and the token.
        raise lost


@asynccontextmanager
async def connect(base_url: str, version: str, stall: float) -> AsyncIterator[GraphClient]:
    """Open a client; a call ends in an error when nothing moves for `stall` seconds.

    A call has no limit in all: 24 MiB over a slow line may take its time while bytes flow.
    """
    timeout = aiohttp.ClientTimeout(total=None, sock_connect=stall, sock_read=stall)
    async with aiohttp.ClientSession(
        timeout=timeout,
        cookie_jar=aiohttp.DummyCookieJar(),
        connector=aiohttp.TCPConnector(limit=0),
        headers={"User-Agent": "syncd"},
        proxy=_proxy(base_url),
        max_field_size=_LONGEST_HEADER,
    ) as session:
        yield GraphClient(session, f"{base_url}/{version}", stall)


def _proxy(base_url: str) -> str | None:
    """Return the environment's proxy; aiohttp's trust_env would read ~/.netrc as well, and fail."""
    url = urlsplit(base_url)
    if url.scheme != "https" or proxy_bypass(url.netloc):
        return None
    return getproxies().get("https")


class _Pieces(Payload):
    """A body that is written chunk by chunk, each within the stall time."""

    def __init__(self, body: Body, stall: float) -> None:
        super().__init__(body, content_type=body.content_type)
        self._body = body
        self._stall = stall
        self._size = body.length

    def decode(self, *_: Any) -> str:
        raise TypeError("a body of images is no text")

    async def write(self, writer: AbstractStreamWriter) -> None:
        await self.write_with_length(writer, None)

    async def write_with_length(self, writer: AbstractStreamWriter, _length: int | None) -> None:
        now = asyncio.get_running_loop().time
        async with asyncio.timeout(self._stall) as limit:
            for chunk in self._body.chunks(_CHUNK):
                limit.reschedule(now() + self._stall)
                await writer.write(chunk)

    async def as_bytes(self, *_: Any) -> bytes:
        raise TypeError("a body of images is written, never joined")


class _TooLong(Exception):
    """Nobody knows what this is: no answer of the API has this length."""


async def _content(response: aiohttp.ClientResponse) -> bytes:
    """Return an answer's body, which may not grow for ever; raises _TooLong."""
    content = bytearray()
    async for piece in response.content.iter_any():
        content += piece
        if len(content) > _LONGEST_ANSWER:
            raise _TooLong(f"the answer is longer than {_LONGEST_ANSWER:,} bytes")
    return bytes(content)


def _form(content: bytes, fields: Mapping[str, str]) -> Body:
    """Return a urlencoded form of an image's bytes and of fields that need no quoting."""
    text = base64.b64encode(content)
    for sign, quoted in ((b"+", b"%2B"), (b"/", b"%2F"), (b"=", b"%3D")):
        text = text.replace(sign, quoted)
    rest = "".join(f"&{name}={value}" for name, value in fields.items()).encode()
    return Body("application/x-www-form-urlencoded", (b"bytes=", text, rest))


def _why(error: Exception) -> str:
    if isinstance(error, TimeoutError):
        return "timed out"
    if isinstance(error, aiohttp.ClientResponseError):  # its own text has the URL, and the proof
        return f"no HTTP: {' '.join(error.message.split())}"
    text = " ".join(str(error).split())
    return f"{type(error).__name__}: {text}" if text else type(error).__name__
