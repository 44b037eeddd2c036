"""The server itself: takes requests in, keeps images, answers as its habits are."""

from __future__ import annotations

import asyncio
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

from support.foreign_server.behaviours import Act, Break, Entry, Habits, Reply, error, full
from support.foreign_server.library import Library, read_deletion, read_question
from support.foreign_server.uploads import Post, read_post
from support.foreign_server.wire import (
    Head,
    Malformed,
    Manner,
    body_length,
    read_body,
    read_head,
    response,
    send,
)

TOKEN = "EAAstranger0token"
_EDGE = re.compile(r"/v\d+\.\d+/(?:act_(\d+)(/adimages)?|(me))\Z")


def sha256(content: bytes) -> str:
    """Return the digest as the ledger's views show it."""
    return hashlib.sha256(content).hexdigest()


@dataclass
class Call:
    """One request, as it came."""

    head: Head
    account: str | None
    post: Post | None = None
    answered: int | None = None
    acts: list[Act] = field(default_factory=list)


class _HangUp(Exception):
    """The connection is reset, and nothing more is said."""


class Stranger:
    """A Graph API on loopback; use it as an async context manager."""

    def __init__(self, habits: Habits | None = None, script: Iterable[Act] = ()) -> None:
        self.habits = habits or Habits()
        self.script = deque(script)
        """What the next uploads and copies meet, one each; None is the usual answer."""
        self.errands: deque[Act] = deque()
        """The same for lists and deletions."""
        self.library = Library(self.habits)
        self.calls: list[Call] = []
        self.complaints: list[str] = []
        self.given: dict[str, dict[str, str]] = {}
        """account → sha256 of the bytes → the hash that was given for them."""
        self.at_once = asyncio.Event()
        """Set: images are answered for at once. Clear it to keep such calls under way."""
        self.at_once.set()
        self._random = random.Random(7)
        self._talks: set[asyncio.Task[None]] = set()
        self._manner = Manner(
            self.habits.http_1_0,
            self.habits.chunked,
            self.habits.dripping,
            self.habits.compressed,
            self.habits.lower_case,
        )

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._accepted, "127.0.0.1", 0, limit=2**16)
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        for talk in self._talks:
            talk.cancel()
        await asyncio.gather(*self._talks, return_exceptions=True)
        await self._server.wait_closed()

    @property
    def url(self) -> str:
        host, port = self._server.sockets[0].getsockname()
        return f"http://{host}:{port}"

    @property
    def posts(self) -> list[Call]:
        """Every request to upload, understood or not."""
        return [call for call in self.calls if call.head.method == "POST"]

    def hash_of(self, account: str, content: bytes) -> str:
        """Return the hash for those bytes: made after transcoding, and each account's own."""
        return hashlib.md5(
            b"transcoded" + account.encode() + self.habits.seen_as(content)
        ).hexdigest()

    async def _accepted(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        talk = asyncio.current_task()
        assert talk is not None
        self._talks.add(talk)
        try:
            await self._talk(reader, writer)
        except (_HangUp, asyncio.CancelledError):
            writer.transport.abort()
        except (OSError, asyncio.IncompleteReadError):
            pass  # the client went away
        except Exception as bug:  # noqa: BLE001  a test shall see it
            self.complaints.append(f"the stranger itself stumbled: {bug!r}")
        finally:
            self._talks.discard(talk)
            writer.close()
            with suppress(OSError):
                await writer.wait_closed()

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        served = 0
        while True:
            try:
                head = await read_head(reader)
                if head is None:
                    return
                if self.habits.hangs_up and served:
                    await read_body(reader, body_length(head))
                    raise _HangUp
                call = self._called(head)
                reply, closing = await self._hear(call, reader, writer), False
            except Malformed as broken:
                self.complaints.append(str(broken))
                reply, closing, call = error(400, 100), True, None
            if call is not None:
                call.answered = reply.status
            closing = closing or self.habits.http_1_0
            headers = [("Content-Type", reply.content_type), *reply.headers]
            if call is not None and call.account is not None:
                headers += self.habits.headers(call.account)
            said = response(reply.status, headers, reply.body, self._manner, closing=closing)
            for interim in self.habits.interim:
                await send(writer, interim, self._manner)
            if call is not None and Break.MID_ANSWER in call.acts:
                await send(writer, said[: len(said) * 2 // 3], self._manner)
                return
            await send(writer, said, self._manner)
            served += 1
            if closing or self.habits.closes:
                return

    def _called(self, head: Head) -> Call:
        edge = _EDGE.match(head.path)
        call = Call(head, edge[1] if edge else None)
        self.calls.append(call)
        if TOKEN in unquote_plus(head.target) or "access_token" in head.target:
            self.complaints.append(f"a token in a URL: {head.target}")
        if edge is None:
            self.complaints.append(f"no such path: {head.path}")
        return call

    async def _hear(
        self, call: Call, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> Reply:
        """Take the rest of a request in; answers what to say."""
        script = deque[Act]()
        if call.head.method == "POST":
            script = self.script
        elif call.head.path.endswith("/adimages"):
            script = self.errands
        act = script.popleft() if script else None
        call.acts.append(act)
        length = body_length(call.head)
        if act is Break.BEFORE_BODY:
            raise _HangUp
        if (call.head.one("expect") or "").lower() == "100-continue":
            await send(writer, b"HTTP/1.1 100 Continue\r\n\r\n", self._manner)
        if (length or 0) > (self.habits.largest or 2**40):
            call.answered = 413
            await send(writer, response(413, [], b"", self._manner, closing=True), self._manner)
            if not self.habits.rude:
                await read_body(reader, length)
            raise _HangUp
        if act is Break.MID_BODY:
            await reader.readexactly((length or 0) // 2)
            raise _HangUp
        body = await read_body(reader, length)
        if TOKEN.encode() in body:
            self.complaints.append("a token in a body")
        if act is Break.BEFORE_WORK:
            raise _HangUp
        if act is Break.SILENCE:
            await reader.read()
            raise _HangUp
        reply = self._answer(call, body)
        if reply.status == 200:
            await self.at_once.wait()
        return reply

    def _answer(self, call: Call, body: bytes) -> Reply:
        if call.head.one("authorization") != f"Bearer {TOKEN}":
            return error(400, 190)
        if call.head.method == "POST" and call.account is not None:
            call.post = read_post(call.account, call.head, body)
            call.acts.append(self.habits.refuses(call.post))
        replies = [act for act in call.acts if isinstance(act, Reply)]
        for reply in replies:
            if not reply.after_work:
                return reply
        usual = self._done(call, body)
        if Break.AFTER_WORK in call.acts:
            raise _HangUp
        return replies[0] if replies else usual

    def _done(self, call: Call, body: bytes) -> Reply:
        if call.post is not None:
            return self._uploaded(call.post)
        if body:
            raise Malformed(f"{call.head.method} with a body")
        on_images = call.head.path.endswith("/adimages")
        if call.head.method == "DELETE" and on_images and call.account is not None:
            return self.library.delete(call.account, read_deletion(call.head.query))
        if call.head.method != "GET":
            return error(400, 100)
        if call.account is None:
            return _json({"id": "99", "name": "Stranger", "unheard_of": [1, {"a": None}]})
        if on_images:
            return self.library.list(call.account, read_question(call.head.query), self.url)
        node = {"id": f"act_{call.account}", "account_status": 1, "name": "Konto Ä"}
        return _json(node)

    def _uploaded(self, post: Post) -> Reply:
        habits = self.habits
        if post.copy is not None:
            return self._copied(post)
        bad = [habits.is_bad(content) for _, content in post.images]
        failing = habits.bad_fails_all
        if any(bad) and (failing is not None or len(bad) == 1):
            return failing if isinstance(failing, Reply) else error(400, 100, 1487411)
        said: list[tuple[str, Entry | None]] = []
        for index, (name, content) in enumerate(post.images):
            if bad[index]:
                if habits.bad_entry is not None:
                    said.append((habits.key(index, name, ""), habits.bad_entry(name)))
                continue
            image_hash = self.hash_of(post.account, content)
            self.given.setdefault(post.account, {})[sha256(content)] = image_hash
            self.library.put(post.account, image_hash, name)
            if habits.left_out(index, len(post.images)):
                continue
            entry = full(post.account, name, image_hash, _size(content))
            said.append((habits.key(index, name, image_hash), habits.entry(entry)))
        if habits.shuffled:
            self._random.shuffle(said)
        return _json({"images": habits.around(dict(said)), **habits.beside})

    def _copied(self, post: Post) -> Reply:
        assert post.copy is not None
        original = self.library.find(post.copy.account, post.copy.hash)
        if original is None:
            return error(400, 100, 33)
        image_hash, name = self.habits.copied_as(original.hash), original.name
        self.library.put(post.account, image_hash, name)
        here = self.given.setdefault(post.account, {})
        for digest, known in self.given.get(post.copy.account, {}).items():
            if known == original.hash:
                here[digest] = image_hash
        entry = self.habits.entry(full(post.account, name, image_hash, (40, 30)))
        images: dict[str, Entry | None] = {self.habits.key(0, name, image_hash): entry}
        return _json({"images": self.habits.around(images), **self.habits.beside})


def _size(content: bytes) -> tuple[int, int]:
    return len(content) % 1000 + 1, 30


def _json(said: object) -> Reply:
    return Reply(200, json.dumps(said, ensure_ascii=False).encode())
