"""The server of the pages: its addresses, and what it does with one that is in use."""

import asyncio
import os
import socket
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import aiohttp
import pytest
from structlog.testing import capture_logs
from structlog.typing import EventDict
from support.page_client import fetch
from support.rig import DEADLINE, until
from support.tcp import free_port

from syncd.config.listen import Listen, SocketPath, TcpAddress
from syncd.logs.hooks import capture_libraries
from syncd.monitoring.page import Page, Pages
from syncd.monitoring.pages import MAX_CONNECTIONS, keep_serving, serving


async def page(accept: str) -> Page:
    return Page(503, f"for {accept}".encode(), "text/x-a; charset=utf-8")


PAGES: Pages = {"/a": page}


@asynccontextmanager
async def kept(listen: Listen) -> AsyncIterator[list[EventDict]]:
    """Keep serving in the block; yield the events that are logged."""
    with capture_logs() as logs:
        task = asyncio.create_task(keep_serving(listen, PAGES, retry=0.01))
        try:
            yield logs
        finally:
            task.cancel()
            await asyncio.wait([task])


def events(logs: list[EventDict]) -> list[str]:
    return [log["event"] for log in logs]


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
async def test_a_page_is_served_over_tcp(host: str) -> None:
    address = TcpAddress(host, free_port(host))
    async with serving(address, PAGES):
        found = await fetch(address, "/a", accept="text/plain")
    assert (found.status, found.text) == (503, "for text/plain")
    assert found.headers["Content-Type"] == "text/x-a; charset=utf-8"
    assert found.headers["Server"] == "syncd"
    assert found.headers["Cache-Control"] == "no-store"


async def test_only_get_and_head_of_the_pages_are_served(tmp_path: Path) -> None:
    path = tmp_path / "socket"
    async with serving(SocketPath(str(path)), PAGES):
        head = await fetch(path, "/a", "HEAD")
        assert (head.status, head.text) == (503, "")
        assert (await fetch(path, "/b")).status == 404
        assert (await fetch(path, "/a", "POST")).status == 405
        assert (await fetch(path, "/a/")).headers["Server"] == "syncd"


NO_REQUESTS = {
    "the version": b"GET /a HTTP/9.9\r\n\r\n",
    "the length": b"GET /a HTTP/1.1\r\nHost: a\r\nContent-Length: b\r\n\r\n",
    "the size of a header": b"GET /a HTTP/1.1\r\nHost: " + b"a" * 20_000 + b"\r\n\r\n",
    "TLS": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(range(200)),
}


@pytest.mark.parametrize("wrong", NO_REQUESTS)
async def test_bytes_that_are_not_a_request_have_status_400_and_are_not_logged(
    tmp_path: Path, wrong: str
) -> None:
    path = tmp_path / "socket"
    capture_libraries()
    with capture_logs() as logs:
        async with serving(SocketPath(str(path)), PAGES):
            reader, writer = await asyncio.open_unix_connection(path)
            writer.write(NO_REQUESTS[wrong])
            assert b" 400 " in await reader.readline()
            writer.close()
    assert logs == []


async def opened(stack: AsyncExitStack, path: Path, sent: bytes) -> asyncio.StreamReader:
    """Open a connection that stays open, and send something."""
    reader, writer = await asyncio.open_unix_connection(path)
    stack.callback(writer.close)
    writer.write(sent)
    return reader


@pytest.mark.parametrize("sent", [b"", b"GET /a HTTP/1.1\r\nHost:"], ids=["nothing", "a part"])
async def test_connections_without_a_request_keep_no_request_out(
    tmp_path: Path, sent: bytes
) -> None:
    path = tmp_path / "socket"
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(serving(SocketPath(str(path)), PAGES))
        first, *others = [await opened(stack, path, sent) for _ in range(MAX_CONNECTIONS)]
        for _ in range(3):
            assert (await fetch(path, "/a")).status == 503
        async with asyncio.timeout(DEADLINE):
            assert await first.read() == b""  # it was closed for the first of them
        assert not others[-1].at_eof()


async def test_a_connection_is_refused_if_all_others_have_requests_in_progress(
    tmp_path: Path,
) -> None:
    path, going_on, done = tmp_path / "socket", 0, asyncio.Event()

    async def slow(_accept: str) -> Page:
        nonlocal going_on
        going_on += 1
        await done.wait()
        return Page(200, b"done", "text/plain")

    async with AsyncExitStack() as stack:
        await stack.enter_async_context(serving(SocketPath(str(path)), {"/slow": slow, **PAGES}))
        request = b"GET /slow HTTP/1.1\r\nHost: a\r\n\r\n"
        waiting = [await opened(stack, path, request) for _ in range(MAX_CONNECTIONS)]
        await until(lambda: going_on == MAX_CONNECTIONS)
        with pytest.raises((aiohttp.ClientError, OSError)):
            await fetch(path, "/a")
        done.set()
        async with asyncio.timeout(DEADLINE):
            assert [await one.readline() for one in waiting] == [b"HTTP/1.1 200 OK\r\n"] * 50


@pytest.mark.parametrize(
    "sent", [b"", b"GET /a HTTP/1.1\r\n", b"GET /a HTTP/1.1\r\nHost: a\r\n\r\n"]
)
async def test_a_connection_without_a_request_is_closed(tmp_path: Path, sent: bytes) -> None:
    path = tmp_path / "socket"
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(serving(SocketPath(str(path)), PAGES, idle=0.05))
        reader = await opened(stack, path, sent)
        async with asyncio.timeout(DEADLINE):
            received = await reader.read()
        assert received.startswith(b"HTTP/1.1 503" if sent.endswith(b"\r\n\r\n") else b"")


async def test_a_unix_socket_is_for_user_and_group_and_is_removed_at_the_end(
    tmp_path: Path,
) -> None:
    path = tmp_path / "socket"
    async with serving(SocketPath(str(path)), PAGES):
        assert path.stat().st_mode & 0o777 == 0o660
        assert (await fetch(path, "/a")).status == 503
    assert not path.exists()


async def test_a_socket_that_a_killed_process_left_is_replaced(tmp_path: Path) -> None:
    path = tmp_path / "socket"
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(str(path))
    assert path.is_socket()
    async with serving(SocketPath(str(path)), PAGES):
        assert (await fetch(path, "/a")).status == 503


async def test_the_socket_of_a_process_that_started_later_is_not_removed(tmp_path: Path) -> None:
    path = tmp_path / "socket"
    async with serving(SocketPath(str(path)), PAGES):
        path.unlink()
        with socket.socket(socket.AF_UNIX) as other:
            other.bind(str(path))
            other.listen()
    assert path.is_socket()


@pytest.mark.parametrize("is_full", [False, True])
async def test_the_socket_of_a_running_process_is_not_replaced(
    tmp_path: Path, is_full: bool
) -> None:
    path = tmp_path / "socket"
    with socket.socket(socket.AF_UNIX) as other, socket.socket(socket.AF_UNIX) as client:
        other.bind(str(path))
        other.listen(0)
        if is_full:
            client.connect(str(path))
        before = os.lstat(path).st_ino
        with pytest.raises(OSError, match="Address already in use"):
            async with serving(SocketPath(str(path)), PAGES):
                pass
        assert os.lstat(path).st_ino == before


async def test_a_missing_directory_of_the_socket_is_to_be_created(tmp_path: Path) -> None:
    async with kept(SocketPath(str(tmp_path / "missing" / "socket"))) as logs:
        await until(lambda: len(logs) == 1)
        assert logs[0]["why"] == "no such file or directory"
        assert logs[0]["remedy"].startswith("create its directory, or write another path")
        (tmp_path / "missing").mkdir()
        await until(lambda: len(logs) == 2)
        assert events(logs) == ["metrics.unavailable", "metrics.available"]


async def test_a_file_at_the_path_of_the_socket_is_never_replaced(tmp_path: Path) -> None:
    path = tmp_path / "socket"
    path.write_text("content")
    async with kept(SocketPath(str(path))) as logs:
        await until(lambda: len(logs) == 1)
        assert logs[0]["event"] == "metrics.unavailable"
        assert logs[0]["why"] == "something that is not a socket is at this path"
    assert path.read_text() == "content"


async def test_an_address_is_tried_again_and_its_trouble_is_logged_once(tmp_path: Path) -> None:
    path, attempts = tmp_path / "socket", 0

    def count(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal attempts
        attempts += 1
        writer.close()

    other = await asyncio.start_unix_server(count, path)
    async with kept(SocketPath(str(path))) as logs:
        await until(lambda: attempts >= 3)
        assert events(logs) == ["metrics.unavailable"]
        other.close()
        await until(lambda: len(logs) == 2)
        assert events(logs) == ["metrics.unavailable", "metrics.available"]


async def test_an_address_in_use_is_served_when_it_is_free() -> None:
    address = TcpAddress("127.0.0.1", free_port())
    with socket.socket() as other:
        other.bind((address.host, address.port))
        other.listen()
        async with kept(address) as logs:
            await until(lambda: len(logs) == 1)
            (failed,) = logs
            assert failed["log_level"] == "warning"
            assert failed["what"] == str(address)
            assert failed["why"] == "address already in use"
            assert "metrics.listen" in failed["remedy"]
            other.close()
            await until(lambda: len(logs) == 2)
            assert events(logs) == ["metrics.unavailable", "metrics.available"]
            assert logs[1]["duration"] >= 0
            assert (await fetch(address, "/a")).status == 503
    with pytest.raises(aiohttp.ClientError):
        await fetch(address, "/a")
