"""The Marketing API's calls over HTTP."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import secrets
from collections import defaultdict
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import msgspec
from aiohttp.abc import AbstractStreamWriter
from aiohttp.payload import Payload

from syncd.config import Secret
from syncd.graph import listing, shapes, timestamps
from syncd.graph.form import form, form_of_bytes
from syncd.graph.multipart import Body, Part, multipart
from syncd.graph.session import Broken, session, why
from syncd.heartbeat import Heartbeat
from syncd.model import AccountId, Entry, ImageHash, Listed
from syncd.rules.errors import ApiError

_CHUNK = 256 * 1024  # bytes that a slow line must carry within the stall time
_WAITS = 4  # for the server's name, a connection, the answer's head and its body
_LONGEST_ANSWER = 4 * 1024 * 1024  # bytes; the entries of 50 images are some 50 KB
_CUT_OFF = "the answer was cut off, or no JSON"


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
    answered_at: float | None = None
    """Unix seconds by the server's clock; None when it told no time that can be read."""


class Page(msgspec.Struct, frozen=True):
    """A page of an account's images, in no promised order; it may be short, or empty."""

    images: tuple[Listed, ...]
    after: str | None
    """The next page's cursor, which dies with its image; None when the list ends here."""
    total: int | None
    """How many images the account has; None when that was not asked, or not said."""
    usage: shapes.Usage
    answered_at: float | None = None
    """As an upload's."""


class GraphError(Exception):
    """A call brought no answer: what came instead, and what its headers said of the account."""

    def __init__(self, fault: ApiError, usage: shapes.Usage) -> None:
        super().__init__(str(fault))
        self.fault = fault
        self.usage = usage


class GraphClient:
    """Calls to one server and version; every failure is a GraphError."""

    def __init__(self, session: aiohttp.ClientSession, url: str, stall: float) -> None:
        self._session = session
        self._url = url
        self._stall = stall
        self.calling: defaultdict[AccountId, Heartbeat] = defaultdict(Heartbeat)
        """Whether the calls to each account end within the time that they may take."""

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
        body = await asyncio.to_thread(form_of_bytes, content, credentials.proof())
        return await self._post_images(account, credentials, _Pieces(body, self._stall))

    async def copy(
        self, account: AccountId, credentials: Credentials, source: AccountId, image: ImageHash
    ) -> Uploaded:
        """Copy an image of another account into this one; its entry has any key."""
        wanted = msgspec.json.encode({"source_account_id": source, "hash": image}).decode()
        body = form({"copy_from": wanted, **credentials.proof()})
        return await self._post_images(account, credentials, _Pieces(body, self._stall))

    async def images(
        self,
        account: AccountId,
        credentials: Credentials,
        hashes: Sequence[ImageHash],
        after: str | None = None,
    ) -> Page:
        """List these images, one or more; those that the account does not know are missing."""
        wanted = msgspec.json.encode(list(hashes)).decode()
        query = {"hashes": wanted, "limit": str(len(hashes))}
        return await self._page(account, credentials, query, after)

    async def library(
        self, account: AccountId, credentials: Credentials, after: str | None, limit: int
    ) -> Page:
        """List one page of all that the account has, and how many these are."""
        query = {"summary": "total_count", "limit": str(limit)}
        return await self._page(account, credentials, query, after)

    async def delete(
        self, account: AccountId, credentials: Credentials, image: ImageHash
    ) -> shapes.Usage:
        """Delete an image, as far as the answer can be believed: look again before it is gone."""
        params = {"hash": image, **credentials.proof()}
        answer = await self._call(
            "DELETE", f"act_{account}/adimages", account, credentials, params=params
        )
        deleted = listing.is_deleted(answer.content)
        if not deleted:
            message = _CUT_OFF if deleted is None else "it does not say that the image is deleted"
            raise GraphError(ApiError(200, message=message), answer.usage)
        return answer.usage

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
        answer = await self._call(
            "POST", f"act_{account}/adimages", account, credentials, body=body
        )
        entries = shapes.read_images(answer.content)
        if entries is None:
            raise GraphError(ApiError(200, message=_CUT_OFF), answer.usage)
        return Uploaded(entries, answer.usage, timestamps.of_header(answer.date))

    async def _page(
        self,
        account: AccountId,
        credentials: Credentials,
        query: Mapping[str, str],
        after: str | None,
    ) -> Page:
        cursor = {} if after is None else {"after": after}
        params = {**query, "fields": listing.FIELDS, **cursor, **credentials.proof()}
        answer = await self._call(
            "GET", f"act_{account}/adimages", account, credentials, params=params
        )
        page = listing.read_listing(answer.content, after)
        if page is None:
            raise GraphError(ApiError(200, message=_CUT_OFF), answer.usage)
        answered_at = timestamps.of_header(answer.date)
        return Page(page.images, page.after, page.total, answer.usage, answered_at)

    async def _node(
        self, path: str, query: Mapping[str, str], credentials: Credentials
    ) -> shapes.Node:
        params = {**query, **credentials.proof()}
        answer = await self._call(
            "GET", path, AccountId(path.removeprefix("act_")), credentials, params=params
        )
        node = shapes.read_node(answer.content)
        if node is None:
            raise GraphError(ApiError(200, message=_CUT_OFF), answer.usage)
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
    ) -> _Answer:
        headers = {"Authorization": f"Bearer {credentials.token.reveal()}"}
        pieces = _WAITS + (0 if body is None else (body.size or 0) / _CHUNK)
        try:
            with self.calling[account].operation(pieces * self._stall):
                return await self._answer(method, path, account, headers, params, body)
        except (Broken, _TooLong) as error:
            lost = GraphError(ApiError(message=str(error)), shapes.Usage())
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            lost = GraphError(ApiError(message=why(error)), shapes.Usage())
        # Raised out here, without a context: an aiohttp error carries the request, and the token.
        raise lost

    async def _answer(
        self,
        method: str,
        path: str,
        account: AccountId,
        headers: Mapping[str, str],
        params: Mapping[str, str] | None,
        body: Payload | None,
    ) -> _Answer:
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
            return _Answer(content, usage, response.headers.get("Date"))


@asynccontextmanager
async def connect(base_url: str, version: str, stall: float) -> AsyncIterator[GraphClient]:
    """Open a client; a call ends in an error when nothing moves for `stall` seconds.

    A call has no limit in all: 24 MiB over a slow line may take its time while bytes flow.
    """
    async with session(base_url, stall) as opened:
        yield GraphClient(opened, f"{base_url}/{version}", stall)


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


class _Answer(msgspec.Struct, frozen=True):
    content: bytes
    usage: shapes.Usage
    date: str | None  # the header


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
