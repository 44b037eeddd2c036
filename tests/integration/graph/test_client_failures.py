"""Calls that fail over real sockets: each is one error, sent once, in the operator's words."""

import asyncio
import re
import socket
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from support.graph_calls import (
    ACCOUNT,
    CALLS,
    PLAIN,
    PROVED,
    STALL_TIMEOUT,
    SUCCESS,
    Call,
    every_call,
    failure,
)  # fmt: skip
from support.http_server import (
    Behaviour,
    Request,
    Server,
    closed_port,
    http,
    never_respond,
    read_head,
    read_request,
    reset_after,
    self_signed,
    serving,
)  # fmt: skip

from syncd.graph.body import Part
from syncd.graph.client import GraphClient, connect
from syncd.rules.errors import Verdict, judge

pytestmark = pytest.mark.usefixtures("secrets_are_not_logged")

RESPONSES: dict[str, bytes] = {
    "nothing": b"",
    "half a head": b"HTTP/1.1 200 OK\r\nContent-",
    "garbage": b"\x00\xff\r\n\r\n" * 9,
    "another protocol": b"SSH-2.0-OpenSSH_9.2\r\n",
    "half a body": http(SUCCESS)[:-9],
    "half a JSON": http(SUCCESS[:-9]),
    "half a chunk": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nff\r\n{",
    "a bad chunk": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n{",
    "a bad gzip": http(b"no gzip", "200 OK", "Content-Encoding: gzip"),
    "a page": http(b"<!DOCTYPE html><p>hello"),
    "latin-1": http("<p>hé".encode("latin-1")),
    "no body": http(b"", "204 No Content"),
    "bad gateway": http(b"<h1>Bad Gateway</h1>", "502 Bad Gateway"),
    "an error with no body": http(b"", "500 Internal Server Error"),
    "code 2": http(b'{"error":{"code":2,"message":"x"}}', "503 Service Unavailable"),
    "a header without end": b"HTTP/1.1 200 OK\r\nX: " + b"x" * 600_000,
    "a redirect": http(b"", "302 Found", "Location: /elsewhere"),
    "a redirect to another server": http(
        b"", "307 Temporary Redirect", "Location: http://127.0.0.1:1/"
    ),
}


@every_call
@pytest.mark.parametrize("response", RESPONSES)
async def test_a_call_is_sent_once_and_worth_a_retry_after_an_unusable_response(
    server: Server, client: GraphClient, response: str, name: str
) -> None:
    server.response = RESPONSES[response]
    error = await failure(CALLS[name](client))
    assert judge(error.api_error) is Verdict.RETRY
    assert "\n" not in str(error)
    assert len(server.requests) == 1  # the server may have done the work: the caller decides


CLOSED = "the connection to {host} was closed before the response was complete"
INVALID = "the response of {host} is not valid HTTP"
UNREADABLE = "HTTP 200: the response is truncated or not JSON"
MESSAGES: dict[str, str] = {
    "nothing": CLOSED,
    "half a head": CLOSED,
    "garbage": INVALID,
    "another protocol": INVALID,
    "half a body": CLOSED,
    "half a JSON": UNREADABLE,
    "half a chunk": CLOSED,
    "a bad chunk": INVALID,
    "a bad gzip": INVALID,
    "a page": UNREADABLE,
    "a header without end": INVALID,
    "bad gateway": "HTTP 502: <h1>Bad Gateway</h1>",
    "code 2": "2: x",
}


@pytest.mark.parametrize("response", MESSAGES)
async def test_the_message_names_the_host_and_how_the_response_failed(
    server: Server, client: GraphClient, response: str
) -> None:
    server.response = RESPONSES[response]
    error = await failure(CALLS["images"](client))
    assert str(error) == MESSAGES[response].format(host=server.url.removeprefix("http://"))


BEHAVIOURS: dict[str, tuple[Behaviour, str]] = {
    "reset at once": (reset_after(0), CLOSED),
    "reset while the request is read": (reset_after(100), CLOSED),
    "no response": (never_respond, "{host} did not respond within 0.4 s"),
}


@pytest.mark.parametrize("behaviour", BEHAVIOURS)
async def test_the_message_names_the_host_and_how_the_connection_ended(
    server: Server, client: GraphClient, behaviour: str
) -> None:
    server.behaviour, message = BEHAVIOURS[behaviour]
    error = await failure(CALLS["upload"](client))
    assert error.api_error.message == message.format(host=server.url.removeprefix("http://"))


async def test_the_message_names_a_refused_connection() -> None:
    host = f"127.0.0.1:{closed_port()}"
    error = await failure_at(f"http://{host}")
    assert error == f"cannot reach {host}: connection refused"


async def test_the_message_names_a_name_that_cannot_be_resolved() -> None:
    error = await failure_at("https://nowhere.invalid")
    assert error == "cannot reach nowhere.invalid: its name cannot be resolved"


async def test_the_message_names_a_host_that_accepts_no_connection() -> None:
    async with full_backlog() as host:
        error = await failure_at(f"http://{host}")
    assert error == f"cannot reach {host}: it did not respond within 0.4 s"


async def test_the_message_names_what_is_wrong_with_a_certificate(tmp_path: Path) -> None:
    async with serving(self_signed(tmp_path)) as server:
        error = await failure_at(server.url)
    host = server.url.removeprefix("https://")
    assert error == f"the TLS certificate of {host} is not valid: self-signed certificate"


async def test_the_message_names_a_server_without_tls(server: Server) -> None:
    async def greet(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 mail.invalid ESMTP\r\n")

    server.behaviour = greet
    host = server.url.removeprefix("http://")
    error = await failure_at(f"https://{host}")
    assert re.fullmatch(rf"cannot reach {host}: TLS failed \([a-z ]+\)", error), error


async def test_the_message_names_a_proxy_that_cannot_be_reached(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("https_proxy", f"http://127.0.0.1:{closed_port()}")
    error = await failure_at("https://graph.invalid")
    assert error == "cannot reach the proxy 127.0.0.1: connection refused"


async def test_the_message_names_a_proxy_that_rejects_the_connection(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("https_proxy", server.url)
    server.response = http(b"", "407 Proxy Authentication Required")
    error = await failure_at("https://graph.invalid")
    assert error == "the proxy did not connect to graph.invalid: HTTP 407"


async def failure_at(url: str) -> str:
    async with connect(url, "v25.0", STALL_TIMEOUT) as client:
        error = await failure(client.me(PROVED))
    assert judge(error.api_error) is Verdict.RETRY
    return str(error)


@asynccontextmanager
async def full_backlog() -> AsyncIterator[str]:
    """Yield the host of a listener with no room for another connection."""
    with socket.create_server(("127.0.0.1", 0), backlog=0) as listener:
        address = listener.getsockname()
        waiting = []
        for _ in range(4):
            taken = socket.socket()
            taken.setblocking(False)
            taken.connect_ex(address)
            waiting.append(taken)
        yield f"127.0.0.1:{address[1]}"
        for taken in waiting:
            taken.close()


@every_call
async def test_a_refused_connection_is_worth_a_retry(name: str) -> None:
    async with connect(f"http://127.0.0.1:{closed_port()}", "v25.0", STALL_TIMEOUT) as client:
        error = await failure(CALLS[name](client))
    assert judge(error.api_error) is Verdict.RETRY


@every_call
async def test_a_name_that_cannot_be_resolved_is_worth_a_retry(name: str) -> None:
    async with connect("http://nowhere.invalid", "v25.0", STALL_TIMEOUT) as client:
        assert judge((await failure(CALLS[name](client))).api_error) is Verdict.RETRY


@every_call
@pytest.mark.parametrize("how", ["reset", "closed"])
async def test_a_call_on_a_kept_connection_that_breaks_is_not_repeated(
    server: Server, client: GraphClient, name: str, how: str
) -> None:
    received: list[Request] = []

    async def respond_once(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        received.append(await read_request(reader))
        writer.write(http(SUCCESS).replace(b"Connection: close\r\n", b""))
        received.append(await read_request(reader))
        if how == "reset":
            await reset_after(0)(reader, writer)

    server.behaviour = respond_once
    await CALLS[name](client)
    error = await failure(CALLS[name](client))
    assert judge(error.api_error) is Verdict.RETRY
    assert len(received) == 2


@every_call
@pytest.mark.parametrize("count", [0, 100])
async def test_a_reset_is_worth_a_retry(
    server: Server, client: GraphClient, name: str, count: int
) -> None:
    server.behaviour = reset_after(count)
    assert judge((await failure(CALLS[name](client))).api_error) is Verdict.RETRY


@pytest.mark.parametrize("name", ["me", "upload"])
async def test_a_response_that_never_comes_is_worth_a_retry(
    server: Server, client: GraphClient, name: str
) -> None:
    server.behaviour = never_respond
    assert judge((await failure(CALLS[name](client))).api_error) is Verdict.RETRY


@asynccontextmanager
async def unread() -> AsyncIterator[str]:
    """Yield the URL of a server that accepts connections, reads nothing and buffers little."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"


LARGE_PART = Part("a", "image/png", bytes(30_000_000))
LARGE: dict[str, Call] = {
    "upload": lambda c: c.upload(ACCOUNT, PLAIN, [LARGE_PART]),
    "upload_bytes": lambda c: c.upload_bytes(ACCOUNT, PLAIN, LARGE_PART),
}


@pytest.mark.parametrize("name", LARGE)
async def test_a_body_that_the_server_does_not_read_ends_in_a_timeout(name: str) -> None:
    async with unread() as url, connect(url, "v25.0", STALL_TIMEOUT) as client:
        error = await failure(LARGE[name](client))
    assert judge(error.api_error) is Verdict.RETRY
    assert "did not respond within 0.4 s" in str(error)


async def slowly(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    head = await read_head(reader)
    left = int(head.header("Content-Length")[0])
    while left:
        left -= len(await reader.read(2**16))
        await asyncio.sleep(0.003)
    writer.write(http(SUCCESS))


async def test_a_body_may_be_sent_for_longer_than_the_timeout(
    server: Server, client: GraphClient
) -> None:
    server.behaviour = slowly
    began = asyncio.get_running_loop().time()
    uploaded = await client.upload(ACCOUNT, PLAIN, [Part("a", "image/png", bytes(24_000_000))])
    assert uploaded.entries
    assert asyncio.get_running_loop().time() - began > 2 * STALL_TIMEOUT


@every_call
@pytest.mark.parametrize("part", ["head", "body"])
async def test_a_response_that_arrives_byte_by_byte_ends_in_a_timeout(
    server: Server, client: GraphClient, part: str, name: str
) -> None:
    async def dribble(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        head = b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\nX: "
        writer.write(head + (b"" if part == "head" else b"\r\n\r\n"))
        while True:
            writer.write(b" ")
            await writer.drain()
            await asyncio.sleep(STALL_TIMEOUT / 10)

    server.behaviour = dribble
    began = time.monotonic()
    error = await failure(CALLS[name](client))
    assert judge(error.api_error) is Verdict.RETRY
    assert "did not respond within 0.4 s" in str(error)
    if name == "delete":
        assert time.monotonic() - began < client.outcome_timeout


async def test_a_call_counts_as_stalled_only_after_the_longest_time_that_it_can_take(
    server: Server, client: GraphClient
) -> None:
    came, go = asyncio.Event(), asyncio.Event()

    async def wait(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
        await read_head(reader)
        came.set()
        await go.wait()

    server.behaviour = wait
    image = [Part("a", "image/png", bytes(2**20))]  # four chunks, each with its own timeout
    call = asyncio.create_task(failure(client.upload(ACCOUNT, PLAIN, image)))
    await came.wait()
    now, heartbeat = time.monotonic(), client.heartbeats[ACCOUNT]
    assert heartbeat.idle_for(now + 6 * STALL_TIMEOUT) == 0.0
    assert heartbeat.idle_for(now + 10 * STALL_TIMEOUT) > 0.0
    go.set()
    await call
    assert heartbeat.idle_for(now + 10 * STALL_TIMEOUT) == 0.0


async def test_status_413_is_understood_when_the_body_was_not_read(
    server: Server, client: GraphClient
) -> None:
    async def reject(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_head(reader)
        writer.write(http(b"<h1>too large</h1>", "413 Request Entity Too Large"))
        await writer.drain()
        while await reader.read(2**16):  # as a polite server does before it closes
            pass

    server.behaviour = reject
    error = await failure(client.upload(ACCOUNT, PLAIN, [Part("a", "image/png", bytes(3_000_000))]))
    assert judge(error.api_error) is Verdict.TOO_LARGE
