"""The foreign server: it receives requests, stores images, and responds by its behaviour."""

from __future__ import annotations

import asyncio
import codecs
import hashlib
import json
import random
import re
from collections import deque
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Self
from urllib.parse import unquote_plus

from support.foreign_server.behaviours import Behaviour, Break, Entry, Reaction, Reply, error, full
from support.foreign_server.library import Library, read_deletion, read_list_request
from support.foreign_server.uploads import Post, read_post
from support.foreign_server.wire import (
    Framing,
    Head,
    Malformed,
    body_length,
    read_body,
    read_head,
    response,
    send,
)

TOKEN = "EAAforeign0token"
_EDGE = re.compile(r"/v\d+\.\d+/(?:act_(\d+)(/adimages)?|(me)|)\Z")


def sha256(content: bytes) -> str:
    """Return the digest of an image in the notation of the ledger's views."""
    return hashlib.sha256(content).hexdigest()


@dataclass
class Call:
    """One request as it was received."""

    head: Head
    account: str | None
    post: Post | None = None
    status_sent: int | None = None
    reactions: list[Reaction] = field(default_factory=list)

    @property
    def is_batch(self) -> bool:
        """Whether it has several calls in its body, to the root of the API."""
        return self.head.method == "POST" and self.head.path.endswith("/")


class _Disconnect(Exception):
    """A reset of the connection."""


class ForeignServer:
    """A Graph API on loopback; use it as an async context manager."""

    def __init__(
        self, behaviour: Behaviour | None = None, post_script: Iterable[Reaction] = ()
    ) -> None:
        self.behaviour = behaviour or Behaviour()
        self.post_script = deque(post_script)
        """The reactions to the next uploads and copies, one each; None is the usual response."""
        self.other_script: deque[Reaction] = deque()
        """The same for lists and deletions."""
        self.library = Library(self.behaviour)
        self.calls: list[Call] = []
        self.complaints: list[str] = []
        self.hashes: dict[str, dict[str, str]] = {}
        """account → SHA-256 of the bytes → the hash in the response."""
        self.may_respond = asyncio.Event()
        """Set by default; while it is cleared, successful calls get no response."""
        self.may_respond.set()
        self._random = random.Random(7)
        self._connections: set[asyncio.Task[None]] = set()
        self._framing = Framing(
            self.behaviour.http_1_0,
            self.behaviour.chunked,
            self.behaviour.byte_by_byte,
            self.behaviour.compressed,
            self.behaviour.lower_case,
        )

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._connected, "127.0.0.1", 0, limit=2**16)
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        for connection in self._connections:
            connection.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)
        await self._server.wait_closed()

    @property
    def url(self) -> str:
        host, port = self._server.sockets[0].getsockname()
        return f"http://{host}:{port}"

    @property
    def posts(self) -> list[Call]:
        """All POSTs, also malformed ones."""
        return [call for call in self.calls if call.head.method == "POST"]

    def hash_of(self, account: str, content: bytes) -> str:
        """Return the hash of these bytes, made after transcoding and different in each account."""
        return hashlib.md5(
            b"transcoded" + account.encode() + self.behaviour.transcoded(content)
        ).hexdigest()

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connection = asyncio.current_task()
        assert connection is not None
        self._connections.add(connection)
        try:
            await self._serve(reader, writer)
        except (_Disconnect, asyncio.CancelledError):
            writer.transport.abort()
        except (OSError, asyncio.IncompleteReadError):
            pass  # the client has closed the connection
        except Exception as bug:  # noqa: BLE001  it fails the test
            self.complaints.append(f"the foreign server itself failed: {bug!r}")
        finally:
            self._connections.discard(connection)
            writer.close()
            with suppress(OSError):
                await writer.wait_closed()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        served = 0
        while True:
            try:
                head = await read_head(reader)
                if head is None:
                    return
                if self.behaviour.closes_on_reuse and served:
                    await read_body(reader, body_length(head))
                    raise _Disconnect
                call = self._record(head)
                reply, closing = await self._receive(call, reader, writer), False
            except Malformed as broken:
                self.complaints.append(str(broken))
                reply, closing, call = error(400, 100), True, None
            if call is not None:
                call.status_sent = reply.status
            closing = closing or self.behaviour.http_1_0
            headers = [("Content-Type", reply.content_type), *reply.headers]
            if call is not None and call.account is not None:
                headers += self.behaviour.headers(call.account)
            body = codecs.BOM_UTF8 * self.behaviour.bom + reply.body
            content = response(reply.status, headers, body, self._framing, closing=closing)
            for interim in self.behaviour.interim:
                await send(writer, interim, self._framing)
            if call is not None and Break.MID_RESPONSE in call.reactions:
                await send(writer, content[: len(content) * 2 // 3], self._framing)
                return
            await send(writer, content, self._framing)
            served += 1
            if closing or self.behaviour.closes_silently:
                return

    def _record(self, head: Head) -> Call:
        edge = _EDGE.match(head.path)
        call = Call(head, edge[1] if edge else None)
        self.calls.append(call)
        if TOKEN in unquote_plus(head.target) or "access_token" in head.target:
            self.complaints.append(f"a token in a URL: {head.target}")
        if edge is None:
            self.complaints.append(f"no such path: {head.path}")
        return call

    async def _receive(
        self, call: Call, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> Reply:
        """Read the rest of a request, and return the response."""
        post_script = deque[Reaction]()
        if call.head.method == "POST" and not call.is_batch:
            post_script = self.post_script
        elif call.head.path.endswith("/adimages"):
            post_script = self.other_script
        reaction = post_script.popleft() if post_script else None
        call.reactions.append(reaction)
        length = body_length(call.head)
        if reaction is Break.BEFORE_BODY:
            raise _Disconnect
        if (call.head.one("expect") or "").lower() == "100-continue":
            await send(writer, b"HTTP/1.1 100 Continue\r\n\r\n", self._framing)
        if (length or 0) > (self.behaviour.max_body or 2**40):
            call.status_sent = 413
            await send(writer, response(413, [], b"", self._framing, closing=True), self._framing)
            if not self.behaviour.resets_after_413:
                await read_body(reader, length)
            raise _Disconnect
        if reaction is Break.MID_BODY:
            await reader.readexactly((length or 0) // 2)
            raise _Disconnect
        body = await read_body(reader, length)
        if TOKEN.encode() in body and not call.is_batch:  # which inspects that token
            self.complaints.append("a token in a body")
        if reaction is Break.BEFORE_WORK:
            raise _Disconnect
        if reaction is Break.SILENCE:
            await reader.read()
            raise _Disconnect
        reply = self._respond(call, body)
        if reply.status == 200:
            await self.may_respond.wait()
        return reply

    def _respond(self, call: Call, body: bytes) -> Reply:
        if call.head.one("authorization") != f"Bearer {TOKEN}":
            return error(400, 190)
        if call.head.method == "POST" and call.account is not None:
            call.post = read_post(call.account, call.head, body)
            call.reactions.append(self.behaviour.rejects(call.post))
        replies = [reaction for reaction in call.reactions if isinstance(reaction, Reply)]
        for reply in replies:
            if not reply.after_work:
                return reply
        usual = self._work(call, body)
        if Break.AFTER_WORK in call.reactions:
            raise _Disconnect
        return replies[0] if replies else usual

    def _work(self, call: Call, body: bytes) -> Reply:
        if call.post is not None:
            return self._uploaded(call.post)
        if call.is_batch:
            granted = {"data": [{"permission": "ads_management", "status": "granted"}]}
            return _json(
                [
                    {"code": 400, "body": error(400, 100).body.decode()},
                    {"code": 200, "body": _json(granted).body.decode()},
                ]
            )
        if body:
            raise Malformed(f"{call.head.method} with a body")
        on_images = call.head.path.endswith("/adimages")
        if call.head.method == "DELETE" and on_images and call.account is not None:
            return self.library.delete(call.account, read_deletion(call.head.query))
        if call.head.method != "GET":
            return error(400, 100)
        if call.account is None:
            return _json({"id": "99", "name": "Foreign", "unheard_of": [1, {"a": None}]})
        if on_images:
            return self.library.list(call.account, read_list_request(call.head.query), self.url)
        node = {"id": f"act_{call.account}", "account_status": 1, "name": "Konto Ä"}
        return _json(node)

    def _uploaded(self, post: Post) -> Reply:
        behaviour = self.behaviour
        if post.copy is not None:
            return self._copied(post)
        bad = [behaviour.is_bad(content) for _, content in post.images]
        failing = behaviour.bad_fails_all
        if any(bad) and (failing is not None or len(bad) == 1):
            return failing if isinstance(failing, Reply) else error(400, 100, 1487411)
        entries: list[tuple[str, Entry | None]] = []
        for index, (name, content) in enumerate(post.images):
            if bad[index]:
                if behaviour.bad_entry is not None:
                    entries.append((behaviour.key(index, name, ""), behaviour.bad_entry(name)))
                continue
            image_hash = self.hash_of(post.account, content)
            self.hashes.setdefault(post.account, {})[sha256(content)] = image_hash
            self.library.put(post.account, image_hash, name)
            if behaviour.left_out(index, len(post.images)):
                continue
            entry = full(post.account, name, image_hash, _size(content))
            entries.append((behaviour.key(index, name, image_hash), behaviour.entry(entry)))
        if behaviour.shuffled:
            self._random.shuffle(entries)
        return _json({"images": behaviour.wrap_images(dict(entries)), **behaviour.extra})

    def _copied(self, post: Post) -> Reply:
        assert post.copy is not None
        original = self.library.find(post.copy.account, post.copy.hash)
        if original is None:
            return error(400, 100, 33)
        image_hash, name = self.behaviour.copied_as(original.hash), original.name
        self.library.put(post.account, image_hash, name)
        here = self.hashes.setdefault(post.account, {})
        for digest, known in self.hashes.get(post.copy.account, {}).items():
            if known == original.hash:
                here[digest] = image_hash
        entry = self.behaviour.entry(full(post.account, name, image_hash, (40, 30)))
        images: dict[str, Entry | None] = {self.behaviour.key(0, name, image_hash): entry}
        return _json({"images": self.behaviour.wrap_images(images), **self.behaviour.extra})


def _size(content: bytes) -> tuple[int, int]:
    return len(content) % 1000 + 1, 30


def _json(value: object) -> Reply:
    return Reply(200, json.dumps(value, ensure_ascii=False).encode())
