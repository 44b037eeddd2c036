"""The client of the Marketing API: its calls over HTTP."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import secrets
from collections import defaultdict
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from importlib import import_module
from typing import TYPE_CHECKING

import msgspec

from syncd.config import Secret
from syncd.graph import listing, shapes, timestamps
from syncd.graph.body import Body, Part, multipart, urlencoded, urlencoded_image
from syncd.graph.exchange import HttpError, HttpResponse, longest_call
from syncd.graph.masking import masked
from syncd.graph.server_clock import ServerClock
from syncd.heartbeat import Heartbeat
from syncd.model import AccountId, Entry, ImageHash, Listed
from syncd.rules.errors import ApiError

if TYPE_CHECKING:
    from syncd.graph.session import HttpSession

_MOST_NAMED = 1000  # images of a page: the figure that production clients use


class Credentials(msgspec.Struct, frozen=True):
    """Access to an account: a token, and the app secret if calls carry its proof."""

    token: Secret
    app_secret: Secret | None = None

    def proof(self) -> dict[str, str]:
        """Return the parameter `appsecret_proof`; empty without an app secret.

        developers.facebook.com, Securing Graph API Requests.
        """
        if self.app_secret is None:
            return {}
        key, text = self.app_secret.reveal().encode(), self.token.reveal().encode()
        return {"appsecret_proof": hmac.new(key, text, hashlib.sha256).hexdigest()}

    def masked(self, body: bytes) -> bytes:
        """Return the body or a header of a response without the secrets of its request."""
        given = [secret.reveal() for secret in (self.token, self.app_secret) if secret is not None]
        return masked(body, [*given, *self.proof().values()])


class Uploaded(msgspec.Struct, frozen=True):
    """The response to an upload or a copy."""

    entries: dict[str, Entry]
    """The images that the account took, by the keys of the response. Never empty after the upload
    of one image: the response is then not valid, and an error."""
    usage: shapes.Usage
    server_time: float | None = None
    """Unix seconds by the server's clock; None when the response has no readable Date."""


class Page(msgspec.Struct, frozen=True, kw_only=True):
    """A page of an account's images, in no promised order; it may be short, or empty."""

    images: tuple[Listed, ...]
    after: str | None
    """The cursor of the next page, which is invalid once its image is deleted; None at the end."""
    total: int | None
    """The number of images in the account; None when not requested or not in the response."""
    is_whole: bool
    """Whether each entry of the response is an image with a hash."""
    usage: shapes.Usage
    server_time: float | None = None
    """As in `Uploaded`."""


class GraphError(Exception):
    """A call that failed, with the usage that its response headers report."""

    def __init__(self, api_error: ApiError, usage: shapes.Usage) -> None:
        super().__init__(str(api_error))
        self.api_error = api_error
        self.usage = usage


class GraphClient:
    """The calls to one server and version of the API; every failure is a GraphError."""

    def __init__(
        self, connections: Connections, base_url: str, version: str, stall_timeout: float
    ) -> None:
        self._connections = connections
        self._base_url = base_url
        self._version = version
        self._stall_timeout = stall_timeout
        self.clock = ServerClock()
        self.heartbeats: defaultdict[AccountId, Heartbeat] = defaultdict(Heartbeat)
        """Whether the calls of each account end within the longest time that they can take."""

    @property
    def outcome_timeout(self) -> float:
        """Seconds after which a call without a response has had its effect, or never will.

        A call without a body has then ended, and the server has had time for it.
        """
        return 2 * self._stall_timeout

    async def upload(
        self, account: AccountId, credentials: Credentials, parts: Sequence[Part]
    ) -> Uploaded:
        """Upload images in one POST."""
        boundary = f"syncd-{secrets.token_hex(16)}"
        body = multipart(parts, credentials.proof().items(), boundary)
        return await self._post_images(account, credentials, body, of_one=len(parts) == 1)

    async def upload_bytes(
        self, account: AccountId, credentials: Credentials, part: Part
    ) -> Uploaded:
        """Upload one image as the form field `bytes`, in base64.

        Without the field `name`, it is named "bytes"; an account may ignore the field.
        """
        fields = {"name": part.name, **credentials.proof()}
        body = await asyncio.to_thread(urlencoded_image, part.content, fields)
        return await self._post_images(account, credentials, body, of_one=True)

    async def copy(
        self, account: AccountId, credentials: Credentials, source: AccountId, image: ImageHash
    ) -> Uploaded:
        """Copy an image of the account `source` into `account`; its entry can have any key."""
        wanted = msgspec.json.encode({"source_account_id": source, "hash": image}).decode()
        body = urlencoded({"copy_from": wanted, **credentials.proof()})
        return await self._post_images(account, credentials, body)

    async def images(
        self,
        account: AccountId,
        credentials: Credentials,
        hashes: Sequence[ImageHash],
        after: str | None = None,
    ) -> Page:
        """List the images with these hashes, one or more; unknown ones are left out.

        A page with an entry that has no hash is an error: the entry may be any of the images.
        """
        wanted = msgspec.json.encode(list(hashes)).decode()
        query = {"hashes": wanted, "limit": str(len(hashes))}
        page = await self._page(account, credentials, query, after)
        if not page.is_whole:
            message = "the response has an image without a valid hash"
            raise GraphError(ApiError(status=200, message=message), page.usage)
        return page

    async def named(
        self, account: AccountId, credentials: Credentials, name: str, after: str | None = None
    ) -> Page:
        """List one page of the images whose name contains `name`, with their pixels."""
        query = {"name": name, "limit": str(_MOST_NAMED)}
        fields = f"{listing.FIELDS},{listing.PIXELS}"
        return await self._page(account, credentials, query, after, fields)

    async def library(
        self, account: AccountId, credentials: Credentials, after: str | None, limit: int
    ) -> Page:
        """List one page of all images of the account, with their total number."""
        query = {"summary": "total_count", "limit": str(limit)}
        return await self._page(account, credentials, query, after)

    async def delete(
        self, account: AccountId, credentials: Credentials, image: ImageHash
    ) -> shapes.Usage:
        """Delete an image.

        Success is the server's word only: read the image again to know that it is deleted.
        """
        response = await self.call(
            "DELETE", f"act_{account}/adimages", account, credentials, query={"hash": image}
        )
        if not listing.is_deleted(response.content):
            raise response.without("`success`: true")
        return response.usage

    async def me(self, credentials: Credentials) -> shapes.Node:
        """Return the user of a token."""
        return await self._node("me", {"fields": "id,name"}, credentials)

    async def read_clock(self, credentials: Credentials) -> None:
        """Read the server's clock, unless a response has shown it already.

        Raises GraphError if the call has no response.
        """
        if self.clock.has_been_read:
            return
        try:
            await self.me(credentials)
        except GraphError:
            if not self.clock.has_been_read:
                raise

    async def account(self, account: AccountId, credentials: Credentials) -> shapes.Node:
        """Return an ad account's name and status."""
        fields = {"fields": "id,name,account_status"}
        return await self._node(f"act_{account}", fields, credentials)

    async def _post_images(
        self, account: AccountId, credentials: Credentials, body: Body, *, of_one: bool = False
    ) -> Uploaded:
        response = await self.call(
            "POST", f"act_{account}/adimages", account, credentials, body=body
        )
        entries = shapes.read_images(response.content)
        if entries is None or (of_one and not entries):
            raise response.without("image with a valid hash in `images`")
        return Uploaded(entries, response.usage, timestamps.of_header(response.date))

    async def _page(
        self,
        account: AccountId,
        credentials: Credentials,
        query: Mapping[str, str],
        after: str | None,
        fields: str = listing.FIELDS,
    ) -> Page:
        query = {**query, "fields": fields, **listing.position(after)}
        response = await self.call(
            "GET", f"act_{account}/adimages", account, credentials, query=query
        )
        page = listing.read_listing(response.content, after)
        if page is None:
            raise response.without("complete list in `data`")
        return Page(
            images=page.images,
            after=page.after,
            total=page.total,
            is_whole=page.is_whole,
            usage=response.usage,
            server_time=timestamps.of_header(response.date),
        )

    async def _node(
        self, path: str, query: Mapping[str, str], credentials: Credentials
    ) -> shapes.Node:
        account = AccountId(path.removeprefix("act_"))
        response = await self.call("GET", path, account, credentials, query=query)
        node = shapes.read_node(response.content)
        if node is None:
            raise response.without("`id`")
        return node

    async def call(
        self,
        method: str,
        path: str,
        account: AccountId,
        credentials: Credentials,
        *,
        query: Mapping[str, str] | None = None,
        body: Body | None = None,
    ) -> Response:
        """Return the response to one call; `body` has to contain the proof, if there is a body."""
        params = None if query is None else {**query, **credentials.proof()}
        seconds = longest_call(body, self._stall_timeout)
        try:
            with self.heartbeats[account].operation(seconds):
                session = await self._connections.session()
                response = await session.send(
                    method,
                    f"{self._base_url}/{self._version}/{path}",
                    params,
                    body,
                    credentials.token.reveal(),
                    lambda headers: self.clock.record(timestamps.of_header(headers.get("Date"))),
                )
        except HttpError as error:
            message = str(error)
        else:
            return _read(response, account, credentials)
        raise GraphError(ApiError(message=message), shapes.Usage())


@asynccontextmanager
async def connect(base_url: str, version: str, stall_timeout: float) -> AsyncIterator[GraphClient]:
    """Open a client.

    `stall_timeout` is in seconds: for a connection, for each chunk of a body, and for the response.
    A response that arrives byte by byte therefore ends, and 24 MiB over a slow line may take long.
    """
    connections = Connections(base_url, stall_timeout)
    try:
        yield GraphClient(connections, base_url, version, stall_timeout)
    finally:
        await connections.close()


class Connections:
    """The connections to one server, which are opened for the first call.

    The import of aiohttp takes 0.1 s of CPU, and a start with nothing to send makes no call.
    """

    def __init__(self, base_url: str, stall_timeout: float) -> None:
        self._base_url = base_url
        self._stall_timeout = stall_timeout
        self._session: HttpSession | None = None
        self._opening = asyncio.Lock()

    async def session(self) -> HttpSession:
        """Return the session of all calls; the first caller waits for the import."""
        async with self._opening:
            if self._session is None:
                module = await asyncio.to_thread(import_module, "syncd.graph.session")
                self._session = module.HttpSession(self._base_url, self._stall_timeout)
            return self._session

    async def close(self) -> None:
        """Close the session, if there is one."""
        if self._session is not None:
            await self._session.close()


class Response(msgspec.Struct, frozen=True):
    """A successful response, without the secrets of its request."""

    content: bytes
    usage: shapes.Usage
    date: str | None
    """The Date header."""

    def without(self, field: str) -> GraphError:
        """Return the error for a response that lacks its main field."""
        return GraphError(shapes.read_invalid(self.content, field), self.usage)


def _read(response: HttpResponse, account: AccountId, credentials: Credentials) -> Response:
    """Return a successful response; raise GraphError for any other."""
    body = credentials.masked(response.content)
    usage = shapes.read_usage(account, response.headers)
    if response.status >= 300 or shapes.is_error(body):
        location = response.headers.get("Location", "").encode("utf-8", "surrogateescape")
        redirect = credentials.masked(location).decode("utf-8", "replace")
        raise GraphError(shapes.read_error(response.status, body, redirect), usage)
    return Response(body, usage, response.headers.get("Date"))
