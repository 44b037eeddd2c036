"""The facts about [metrics]: an address in use, by syncd or another program, and a directory."""

import asyncio
import os
import socket
from pathlib import Path

import pytest
from support.tcp import free_port

from syncd.check.metrics import metrics_facts
from syncd.config import MetricsConfig
from syncd.config.listen import Listen, SocketPath, TcpAddress
from syncd.monitoring.page import Page
from syncd.monitoring.pages import serving


async def page(_accept: str) -> Page:
    return Page(200, b"{}", "application/json")


async def problem(listen: Listen) -> str:
    """Return why an address cannot be used, in a thread as `syncd check` does it."""
    found = await asyncio.to_thread(metrics_facts, MetricsConfig(listen=listen))
    assert found is not None
    return found.address


@pytest.fixture(params=["tcp", "unix"])
def listen(request: pytest.FixtureRequest, tmp_path: Path) -> Listen:
    if request.param == "tcp":
        return TcpAddress("127.0.0.1", free_port())
    return SocketPath(str(tmp_path / "socket"))


async def test_a_free_address_has_no_problem_and_is_not_taken(
    listen: Listen, tmp_path: Path
) -> None:
    assert await problem(listen) == ""
    assert os.listdir(tmp_path) == []


async def test_an_address_at_which_syncd_responds_has_no_problem(listen: Listen) -> None:
    async with serving(listen, {"/healthz": page}):
        assert await problem(listen) == ""


async def test_an_address_of_another_program_is_in_use(tmp_path: Path) -> None:
    def respond(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.0 200 OK\r\nServer: nginx\r\n\r\nsyncd")
        writer.close()

    path = tmp_path / "socket"
    tcp = await asyncio.start_server(respond, "127.0.0.1", 0)
    unix = await asyncio.start_unix_server(respond, path)
    async with tcp, unix:
        port = tcp.sockets[0].getsockname()[1]
        assert await problem(TcpAddress("127.0.0.1", port)) == "address already in use"
        assert await problem(SocketPath(str(path))) == "another program uses it"


async def test_a_socket_that_a_killed_process_left_is_not_a_problem(tmp_path: Path) -> None:
    path = tmp_path / "socket"
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(str(path))
    assert await problem(SocketPath(str(path))) == ""


async def test_a_path_that_cannot_be_a_socket_is_reported(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("content")
    assert await problem(SocketPath(str(file))) == (
        "something that is not a socket is at this path"
    )
    missing = tmp_path / "missing"
    assert await problem(SocketPath(str(missing / "socket"))) == f"there is no {missing}"


async def test_an_address_of_another_machine_cannot_be_used() -> None:
    assert await problem(TcpAddress("192.0.2.1", 9464)) == "cannot assign requested address"


def test_a_directory_of_the_file_that_does_not_exist_is_reported(tmp_path: Path) -> None:
    found = metrics_facts(MetricsConfig(textfile=tmp_path / "missing" / "syncd.prom"))
    assert found is not None
    assert found.no_directory
    found = metrics_facts(MetricsConfig(textfile=tmp_path / "syncd.prom"))
    assert found is not None
    assert (found.no_directory, found.closed, found.has_library) == (False, False, True)


def test_nothing_is_looked_for_without_metrics() -> None:
    assert metrics_facts(MetricsConfig()) is None
