"""Notifications to a service manager, on a real AF_UNIX socket."""

import os
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from syncd.daemon.notify import Notifier, notifier


@contextmanager
def listening(name: str) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as receiver:
        receiver.bind(name)
        receiver.setblocking(False)
        yield receiver


@pytest.fixture(params=["a path", "an abstract name", "a path that is not ASCII"])
def manager(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[str, socket.socket]]:
    """The value of $NOTIFY_SOCKET, and the socket at that address."""
    name = str(tmp_path / ("größe" if request.param.endswith("ASCII") else "notify"))
    if request.param == "an abstract name":
        with listening(f"\0{name}") as receiver:
            yield f"@{name}", receiver
    else:
        with listening(name) as receiver:
            yield name, receiver


def test_lines_are_sent_as_one_message_in_utf_8(manager: tuple[str, socket.socket]) -> None:
    address, receiver = manager
    notifier({"NOTIFY_SOCKET": address}).send("READY=1", "STATUS=12 of 50 images — größer")
    assert receiver.recv(4096).decode() == "READY=1\nSTATUS=12 of 50 images — größer"


@pytest.mark.parametrize("end", ["\n", "\r\n", "\u2028"])
def test_a_line_break_in_a_value_becomes_a_space(
    manager: tuple[str, socket.socket], end: str
) -> None:
    address, receiver = manager
    notifier({"NOTIFY_SOCKET": address}).send(f"STATUS=a{end}READY=1")
    assert receiver.recv(4096) == b"STATUS=a READY=1"


def test_what_is_not_printable_is_escaped(manager: tuple[str, socket.socket]) -> None:
    address, receiver = manager
    notifier({"NOTIFY_SOCKET": address}).send("STATUS=\udcff\x1b[2J")
    assert receiver.recv(4096) == b"STATUS=\\xff\\x1b[2J"


def test_a_reload_is_sent_with_the_time_of_the_monotonic_clock(
    manager: tuple[str, socket.socket],
) -> None:
    address, receiver = manager
    before = time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000
    notifier({"NOTIFY_SOCKET": address}).send_reloading()
    reloading, at = receiver.recv(4096).decode().split("\n")
    assert reloading == "RELOADING=1"
    name, usec = at.split("=")
    assert name == "MONOTONIC_USEC"
    assert before <= int(usec) <= time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000


def test_more_time_is_requested_in_microseconds(manager: tuple[str, socket.socket]) -> None:
    address, receiver = manager
    notifier({"NOTIFY_SOCKET": address}).extend_timeout(1.5)
    assert receiver.recv(4096) == b"EXTEND_TIMEOUT_USEC=1500000"


def test_a_manager_that_does_not_receive_blocks_nothing(manager: tuple[str, socket.socket]) -> None:
    address, receiver = manager
    sender = notifier({"NOTIFY_SOCKET": address})
    sent = int(Path("/proc/sys/net/unix/max_dgram_qlen").read_text()) + 10
    for number in range(sent):
        sender.send(f"STATUS={number}")
    assert receiver.recv(4096) == b"STATUS=0"
    for _ in range(sent):
        with suppress(BlockingIOError):  # what did not fit is lost
            assert receiver.recv(4096) != f"STATUS={sent - 1}".encode()


@pytest.mark.parametrize(
    "address", ["", "/nowhere/at/all", "@no-socket-here", "vsock:2:1234", "x", "@" + "x" * 200]
)
def test_sending_to_no_socket_does_nothing(address: str) -> None:
    notifier({"NOTIFY_SOCKET": address}).send("READY=1")
    notifier({}).send("READY=1")
    Notifier(None).send_reloading()


def test_no_descriptor_is_leaked(manager: tuple[str, socket.socket]) -> None:
    address, _ = manager
    before = len(os.listdir("/proc/self/fd"))
    for _ in range(20):
        notifier({"NOTIFY_SOCKET": address}).send("READY=1")
        notifier({"NOTIFY_SOCKET": "/nowhere"}).send("READY=1")
    assert len(os.listdir("/proc/self/fd")) == before


@pytest.mark.parametrize(
    ("environ", "seconds"),
    [
        ({}, None),
        ({"WATCHDOG_USEC": "30000000"}, 30.0),
        ({"WATCHDOG_USEC": "30000000", "WATCHDOG_PID": str(os.getpid())}, 30.0),
        ({"WATCHDOG_USEC": "30000000", "WATCHDOG_PID": "1"}, None),
        ({"WATCHDOG_USEC": "0"}, None),
        ({"WATCHDOG_USEC": "soon"}, None),
    ],
)
def test_the_watchdogs_time_is_ignored_when_it_is_for_another_process(
    environ: dict[str, str], seconds: float | None
) -> None:
    assert notifier(environ).watchdog == seconds
