"""A minimal HTTP server on a bare socket, for responses that no HTTP library would send."""

import asyncio
import socket
import ssl
import subprocess
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

Behaviour = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@dataclass
class Request:
    """A request as it was received."""

    line: str
    headers: list[tuple[str, str]]
    body: bytes

    def header(self, name: str) -> list[str]:
        return [value for key, value in self.headers if key.lower() == name.lower()]


@dataclass
class Server:
    """A server that sends `response` to every request, or does what `behaviour` does."""

    behaviour: Behaviour | None = None
    response: bytes = b""
    requests: list[Request] = field(default_factory=list)
    url: str = ""

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            if self.behaviour is not None:
                await self.behaviour(reader, writer)
            else:
                self.requests.append(await read_request(reader))
                writer.write(self.response)
                await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()


@asynccontextmanager
async def serving(tls: ssl.SSLContext | None = None) -> AsyncIterator[Server]:
    """Run a server on a free port of 127.0.0.1."""
    server = Server()
    listening = await asyncio.start_server(server, "127.0.0.1", 0, limit=2**16, ssl=tls)
    port = listening.sockets[0].getsockname()[1]
    server.url = f"{'http' if tls is None else 'https'}://127.0.0.1:{port}"
    try:
        yield server
    finally:
        listening.close()


async def read_head(reader: asyncio.StreamReader) -> Request:
    line, *lines = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    pairs = [text.partition(": ") for text in lines if text]
    return Request(line, [(key, value) for key, _, value in pairs], b"")


async def read_request(reader: asyncio.StreamReader) -> Request:
    request = await read_head(reader)
    for length in request.header("Content-Length"):
        request.body = await reader.readexactly(int(length))
    return request


def http(body: bytes, status: str = "200 OK", *headers: str) -> bytes:
    """Return a whole response, after which the connection closes."""
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", "Connection: close", *headers]
    return "\r\n".join([*lines, "", ""]).encode() + body


def reset_after(count: int) -> Behaviour:
    """Return the behaviour of a server that resets the connection after `count` bytes."""

    async def reset(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if count:
            await reader.readexactly(count)
        own = writer.get_extra_info("socket")
        own.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\x00\x00\x00\x00\x00\x00\x00")
        writer.transport.abort()

    return reset


async def never_respond(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
    await read_request(reader)
    await reader.read()  # until the client closes: nothing would hold an event and its task


def closed_port() -> int:
    """Return a port of 127.0.0.1 that nothing listens on."""
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port: int = closed.getsockname()[1]
        return port


def self_signed(path: Path) -> ssl.SSLContext:
    """Return the TLS of a server with a new certificate, which is written to `certificate.pem`."""
    key, certificate = path / "key.pem", path / "certificate.pem"
    new = ["-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1"]
    subject = ["-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"]
    subprocess.run(
        ["openssl", "req", *new, *subject, "-keyout", key, "-out", certificate],
        check=True,
        capture_output=True,
    )
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate, key)
    return context
