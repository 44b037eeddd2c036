"""A name server and a TLS server on loopback, between syncd and a sandbox, which fail."""

import asyncio
import os
import socket
import ssl
import struct
import subprocess
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from support.mounts import Mounts

HOST = "graph.example.com"
_ADDRESS = f"127.0.1.{1 + os.getpid() % 250}"  # not that of a name server of the machine
_A = 1  # type of a question for an address of IPv4


class NameServer:
    """Responds with 127.0.0.1 for every name, or not at all."""

    def __init__(self, server: socket.socket) -> None:
        self._socket = server
        self.responds = True
        self.asked = 0

    def serve(self) -> None:
        """Respond until the socket is shut down."""
        while True:
            question, client = self._socket.recvfrom(4096)
            if not question:
                return
            self.asked += 1
            if self.responds:
                self._socket.sendto(_answer(question), client)


def _answer(question: bytes) -> bytes:
    end = question.index(b"\0", 12) + 5
    (kind,) = struct.unpack_from("!H", question, end - 4)
    found = struct.pack("!HHHIH4s", 0xC00C, _A, 1, 0, 4, bytes((127, 0, 0, 1)))
    count = 1 if kind == _A else 0
    head = question[:2] + struct.pack("!HHHHH", 0x8180, 1, count, 0, 0)
    return head + question[12:end] + found * count


@contextmanager
def name_server(path: Path, mounts: Mounts) -> Iterator[NameServer]:
    """Run a name server, and let the processes inside the mounts use it alone.

    A look-up without a response takes 150 seconds.
    """
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        try:
            server.bind((_ADDRESS, 53))
        except OSError as error:
            pytest.skip(f"NOT TESTED: a name server needs port 53: {error}")
        file = path / "resolv.conf"
        file.write_text(f"nameserver {_ADDRESS}\noptions timeout:30 attempts:5\n")
        mounts.mount("--bind", file, "/etc/resolv.conf")
        names = NameServer(server)
        serving = threading.Thread(target=names.serve, name="name server", daemon=True)
        serving.start()
        try:
            yield names
        finally:
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as last:
                last.sendto(b"", (_ADDRESS, 53))
            serving.join(5)


@dataclass
class Front:
    """A TLS server that passes connections on to `target`, or handles them as `fault` says."""

    context: ssl.SSLContext
    target: str
    port: int = 0
    fault: str = ""
    """`hang`, `drip` or `reset`; empty: none."""
    open: set[asyncio.StreamWriter] = field(default_factory=set)

    def begin(self, fault: str) -> None:
        """Handle new connections as `fault` says, and close the others."""
        self.fault = fault
        for writer in self.open:
            writer.transport.abort()

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.open.add(writer)
        with suppress(ConnectionError, TimeoutError):
            match self.fault:
                case "hang":
                    await reader.read()
                case "drip":
                    await self._drip(reader, writer)
                case "reset":
                    await reader.readuntil(b"\r\n\r\n")
                    writer.transport.abort()
                case _:
                    await self._pass_on(reader, writer)
        self.open.remove(writer)
        writer.close()

    async def _drip(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
        while True:
            writer.write(b" ")
            await writer.drain()
            await asyncio.sleep(0.1)

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        target = urlsplit(self.target)
        from_target, to_target = await asyncio.open_connection(target.hostname, target.port)

        async def copy(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
            while chunk := await source.read(2**16):
                sink.write(chunk)
                await sink.drain()
            sink.close()

        await asyncio.gather(copy(reader, to_target), copy(from_target, writer))


@asynccontextmanager
async def front(context: ssl.SSLContext, target: str) -> AsyncIterator[Front]:
    """Run such a server on a free port."""
    server = Front(context, target)
    listening = await asyncio.start_server(server, "127.0.0.1", 0, ssl=context)
    server.port = listening.sockets[0].getsockname()[1]
    try:
        yield server
    finally:
        listening.close()


def certificate(path: Path, first: str, last: str) -> tuple[Path, Path]:
    """Write a certificate of HOST that is valid from `first` to `last`; return it and its key.

    Both are dates such as 20400101000000Z.
    """
    path.mkdir()
    key, request, found = path / "key.pem", path / "request.pem", path / "certificate.pem"
    settings = path / "ca.cnf"
    settings.write_text(
        f"[ca]\ndefault_ca = d\n[d]\ndatabase = {path}/index\nnew_certs_dir = {path}\n"
        "rand_serial = yes\ndefault_md = sha256\npolicy = p\nx509_extensions = e\n"
        f"[p]\ncommonName = supplied\n[e]\nsubjectAltName = DNS:{HOST}\n"
    )
    (path / "index").touch()
    new = ("-newkey", "rsa:2048", "-nodes", "-subj", f"/CN={path.name}", "-keyout", key)
    signed = ("-keyfile", key, "-in", request, "-out", found, "-notext")
    dates = ("-startdate", first, "-enddate", last)
    for words in (
        ("req", "-new", *new, "-out", request),
        ("ca", "-batch", "-selfsign", "-config", settings, *signed, *dates),
    ):
        subprocess.run(("openssl", *words), check=True, capture_output=True)
    return found, key
