"""HTTP by hand: strict reading of requests, and responses in several framings."""

from __future__ import annotations

import asyncio
import gzip
import re
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import parse_qsl, unquote, urlsplit

TOKEN = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+\Z")
REASONS = {200: "OK", 302: "Found", 400: "Bad Request", 403: "Forbidden", 404: "Not Found"}


class Malformed(Exception):
    """A request that breaks a rule, which the text names."""


@dataclass(frozen=True)
class Head:
    """The head of a request."""

    method: str
    target: str
    headers: tuple[tuple[str, str], ...]  # names in lower case

    def all(self, name: str) -> list[str]:
        """Return every value of a header."""
        return [value for key, value in self.headers if key == name]

    def one(self, name: str) -> str | None:
        """Return the value of a header; raise Malformed if it occurs twice."""
        found = self.all(name)
        if len(found) > 1:
            raise Malformed(f"{name} occurs {len(found)} times")
        return found[0] if found else None

    @property
    def path(self) -> str:
        return unquote(urlsplit(self.target).path)

    @property
    def query(self) -> list[tuple[str, str]]:
        return parse_qsl(urlsplit(self.target).query, keep_blank_values=True)


async def read_head(stream: asyncio.StreamReader) -> Head | None:
    """Return the head of the next request; None when the client has closed the connection."""
    first = await stream.readline()
    if not first:
        return None
    line = _line(first)
    parts = line.split(b" ")
    if len(parts) != 3 or parts[2] != b"HTTP/1.1":
        raise Malformed(f"request line {line!r}")
    method, target = parts[0].decode("ascii"), parts[1].decode("ascii")
    if not target.startswith("/") or "#" in target:
        raise Malformed(f"target {target!r}")
    headers: list[tuple[str, str]] = []
    while line := _line(await stream.readline()):
        name, colon, value = line.partition(b":")
        if not colon or not TOKEN.match(name):
            raise Malformed(f"header line {line!r}")
        headers.append((name.decode("ascii").lower(), value.strip(b" \t").decode("latin-1")))
    head = Head(method, target, tuple(headers))
    if not head.one("host"):
        raise Malformed("no Host")
    return head


def body_length(head: Head) -> int | None:
    """Return the length of the body; None when it is chunked."""
    length, coding = head.one("content-length"), head.one("transfer-encoding")
    if coding is not None:
        if length is not None or coding.lower() != "chunked":
            raise Malformed(f"Transfer-Encoding {coding!r} with Content-Length {length!r}")
        return None
    if length is None:
        if head.method in {"POST", "PUT"}:
            raise Malformed(f"{head.method} without a length")
        return 0
    if not length.isascii() or not length.isdigit():
        raise Malformed(f"Content-Length {length!r}")
    return int(length)


async def read_body(stream: asyncio.StreamReader, length: int | None) -> bytes:
    """Return the whole body."""
    if length is not None:
        return await stream.readexactly(length)
    chunks: list[bytes] = []
    while True:
        size = int(_line(await stream.readline()).split(b";")[0], 16)
        chunk = await stream.readexactly(size)
        if _line(await stream.readline()):
            raise Malformed("a chunk is longer than its size")
        if not size:
            return b"".join(chunks)
        chunks.append(chunk)


def _line(raw: bytes) -> bytes:
    if not raw.endswith(b"\r\n"):
        raise Malformed(f"a line does not end in CRLF: {raw!r}")
    return raw[:-2]


@dataclass(frozen=True)
class Framing:
    """How a response is sent."""

    http_1_0: bool
    chunked: bool
    byte_by_byte: bool
    compressed: bool
    lower_case: bool


def response(
    status: int,
    headers: Sequence[tuple[str, str]],
    body: bytes,
    framing: Framing,
    *,
    closing: bool,
) -> bytes:
    """Return a whole response as bytes."""
    lines = list(headers)
    if framing.compressed:
        body = gzip.compress(body, mtime=0)
        lines.append(("Content-Encoding", "gzip"))
    if framing.http_1_0:
        pass  # without a length, a response ends with the connection
    elif framing.chunked:
        lines.append(("Transfer-Encoding", "chunked"))
        body = _chunks(body)
    else:
        lines.append(("Content-Length", str(len(body))))
    if closing:
        lines.append(("Connection", "close"))
    version = "1.0" if framing.http_1_0 else "1.1"
    head = f"HTTP/{version} {status} {REASONS.get(status, 'Whatever')}\r\n"
    for name, value in lines:
        head += f"{name.lower() if framing.lower_case else name}: {value}\r\n"
    return head.encode("latin-1") + b"\r\n" + body


def _chunks(body: bytes) -> bytes:
    pieces = [body[at : at + 37] for at in range(0, len(body), 37)]
    chunks = b"".join(b"%x;foreign=1\r\n%b\r\n" % (len(piece), piece) for piece in pieces)
    return chunks + b"0\r\n\r\n"


async def send(writer: asyncio.StreamWriter, content: bytes, framing: Framing) -> None:
    """Send a response, or a part of it."""
    if framing.byte_by_byte:
        for at in range(len(content)):
            writer.write(content[at : at + 1])
            await writer.drain()
            if at % 8 == 0:
                await asyncio.sleep(0)
    else:
        writer.write(content)
    await writer.drain()
