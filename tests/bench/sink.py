"""A server that accepts uploads at the lowest cost that Python allows: `python -m bench.sink`.

A plain asyncio protocol that reads a body into one buffer, finds the names of its files, and
responds with a hash for each. GET /count returns what has arrived, GET /arrivals the time at which
each name with the prefix of `--arrivals` arrived. Every call of an account in `--fail ACCOUNT=CODE`
fails with that error.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import re
import ssl
import sys
import time

_NAME = re.compile(rb'; filename="([^"]*)"')
_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_ACCOUNT = re.compile(rb"/act_(\d+)")
_HEAD_ROOM = 64 * 1024
_THROTTLED = 80004
_REGAIN = 1  # minutes until a throttled account may be called again


class Counts:
    """The requests since the start; `bytes` includes the HTTP headers."""

    def __init__(self) -> None:
        self.posts = 0
        self.images = 0
        self.bytes = 0
        self.prefix: bytes | None = None  # of the names in `arrivals`
        self.arrivals: dict[str, float] = {}
        self.errors: dict[bytes, int] = {}  # of accounts, by the digits of their ids

    def as_json(self) -> bytes:
        return json.dumps(
            {"posts": self.posts, "images": self.images, "bytes": self.bytes}
        ).encode()


class Sink(asyncio.BufferedProtocol):
    """One connection, with requests that have a Content-Length and are not pipelined."""

    def __init__(self, counts: Counts, delay: float) -> None:
        self._counts = counts
        self._delay = delay
        self._buffer = bytearray(_HEAD_ROOM)
        self._filled = 0
        self._head = 0
        self._length = 0
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def get_buffer(self, _: int) -> memoryview:
        return memoryview(self._buffer)[self._filled :]

    def buffer_updated(self, count: int) -> None:
        self._filled += count
        if not self._length and not self._read_head():
            return
        if self._filled >= self._length:
            self._counts.bytes += self._length
            self._respond()
            self._filled = self._length = 0

    def _read_head(self) -> bool:
        end = self._buffer.find(b"\r\n\r\n", 0, self._filled)
        if end < 0:
            return False
        found = _LENGTH.search(self._buffer, 0, end)
        self._head = end + 4
        self._length = self._head + (int(found[1]) if found else 0)
        if self._length > len(self._buffer):
            larger = bytearray(self._length)
            larger[: self._filled] = self._buffer[: self._filled]
            self._buffer = larger
        return True

    def _respond(self) -> None:
        if self._counts.errors and self._fail():
            return
        if self._buffer.startswith(b"POST"):
            names = {
                bytes(found[1]) for found in _NAME.finditer(self._buffer, self._head, self._length)
            }
            body = self._accept(names)
            if self._delay:
                asyncio.get_running_loop().call_later(self._delay, self._send, body)
                return
        elif self._buffer.startswith(b"GET /arrivals"):
            body = json.dumps(self._counts.arrivals).encode()
        else:
            body = self._counts.as_json()
        self._send(body)

    def _fail(self) -> bool:
        """Send the error of the account in the path; return whether it has one."""
        found = _ACCOUNT.search(self._buffer, 0, self._buffer.index(b"\r\n"))
        code = self._counts.errors.get(found[1]) if found else None
        if found is None or code is None:
            return False
        use = {"type": "ads_management", "call_count": 100, "total_cputime": 0, "total_time": 0}
        use |= {"estimated_time_to_regain_access": _REGAIN}
        header = b""
        if code == _THROTTLED:
            usage = json.dumps({found[1].decode(): [use]}).encode()
            header = b"X-Business-Use-Case-Usage: %b\r\n" % usage
        error = {"message": "bench", "type": "OAuthException", "code": code}
        self._send(json.dumps({"error": error}).encode(), b"400 Bad Request", header)
        return True

    def _accept(self, names: set[bytes]) -> bytes:
        counts = self._counts
        counts.posts += 1
        if counts.prefix is not None:
            now = time.monotonic()
            counts.arrivals.update(
                (name.decode(), now) for name in names if name.startswith(counts.prefix)
            )
        entries = []
        for name in names:
            counts.images += 1
            entries.append(b'"%b":{"hash":"%032x","name":"%b"}' % (name, counts.images, name))
        return b'{"images":{' + b",".join(entries) + b"}}"

    def _send(self, body: bytes, status: bytes = b"200 OK", header: bytes = b"") -> None:
        assert self._transport is not None
        self._transport.write(
            b"HTTP/1.1 %b\r\nContent-Type: application/json\r\n%bContent-Length: %d\r\n\r\n%b"
            % (status, header, len(body), body)
        )


async def serve(counts: Counts, delay: float, certificate: str | None) -> None:
    """Serve until killed, and print the port first."""
    context = None
    if certificate is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
    server = await asyncio.get_running_loop().create_server(
        lambda: Sink(counts, delay), "127.0.0.1", 0, ssl=context, backlog=512
    )
    sys.stdout.write(f"{server.sockets[0].getsockname()[1]}\n")
    sys.stdout.flush()
    await server.serve_forever()


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--delay", type=float, default=0.0)
    parser.add_argument("--arrivals", metavar="PREFIX")
    parser.add_argument("--certificate")
    parser.add_argument("--fail", action="append", default=[], metavar="ACCOUNT=CODE")
    options = parser.parse_args()
    counts = Counts()
    counts.prefix = None if options.arrivals is None else options.arrivals.encode()
    for account, _, code in (text.partition("=") for text in options.fail):
        counts.errors[account.encode()] = int(code)
    asyncio.run(serve(counts, options.delay, options.certificate))


if __name__ == "__main__":
    main()
