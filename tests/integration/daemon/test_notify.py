"""What is told to a service manager, on a real AF_UNIX socket."""

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
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as heard:
        heard.bind(name)
        heard.setblocking(False)
        yield heard


@pytest.fixture(params=["a path", "an abstract name", "a path that is not ASCII"])
def manager(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[str, socket.socket]]:
    """What $NOTIFY_SOCKET says, and the socket there."""
    name = str(tmp_path / ("größe" if request.param.endswith("ASCII") else "notify"))
    if request.param == "an abstract name":
        with listening(f"\0{name}") as heard:
            yield f"@{name}", heard
    else:
        with listening(name) as heard:
            yield name, heard


def test_lines_come_as_one_message_in_utf_8(manager: tuple[str, socket.socket]) -> None:
    address, heard = manager
    notifier({"NOTIFY_SOCKET": address}).tell("READY=1", "STATUS=12 of 50 images — größer")
    assert heard.recv(4096).decode() == "READY=1\nSTATUS=12 of 50 images — größer"


@pytest.mark.parametrize("end", ["\n", "\r\n", "\u2028"])
def test_a_text_forges_no_line(manager: tuple[str, socket.socket], end: str) -> None:
    address, heard = manager
    notifier({"NOTIFY_SOCKET": address}).tell(f"STATUS=a{end}READY=1")
    assert heard.recv(4096) == b"STATUS=a READY=1"


def test_a_name_that_is_not_utf_8_is_escaped(manager: tuple[str, socket.socket]) -> None:
    address, heard = manager
    notifier({"NOTIFY_SOCKET": address}).tell("STATUS=\udcff")
    assert heard.recv(4096) == b"STATUS=\\udcff"


def test_a_reload_begins_with_the_time_of_the_monotonic_clock(
    manager: tuple[str, socket.socket],
) -> None:
    address, heard = manager
    before = time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000
    notifier({"NOTIFY_SOCKET": address}).reloading()
    reloading, at = heard.recv(4096).decode().split("\n")
    assert reloading == "RELOADING=1"
    name, usec = at.split("=")
    assert name == "MONOTONIC_USEC"
    assert before <= int(usec) <= time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000


def test_more_time_is_asked_for_in_microseconds(manager: tuple[str, socket.socket]) -> None:
    address, heard = manager
    notifier({"NOTIFY_SOCKET": address}).extend(1.5)
    assert heard.recv(4096) == b"EXTEND_TIMEOUT_USEC=1500000"


def test_a_manager_that_does_not_listen_blocks_nothing(manager: tuple[str, socket.socket]) -> None:
    address, heard = manager
    told = notifier({"NOTIFY_SOCKET": address})
    sent = int(Path("/proc/sys/net/unix/max_dgram_qlen").read_text()) + 10
    for number in range(sent):
        told.tell(f"STATUS={number}")
    assert heard.recv(4096) == b"STATUS=0"
    for _ in range(sent):
        with suppress(BlockingIOError):  # what did not fit is gone
            assert heard.recv(4096) != f"STATUS={sent - 1}".encode()


@pytest.mark.parametrize(
    "address", ["", "/nowhere/at/all", "@nobody-listens-here", "vsock:2:1234", "x", "@" + "x" * 200]
)
def test_where_nobody_listens_nothing_happens(address: str) -> None:
    notifier({"NOTIFY_SOCKET": address}).tell("READY=1")
    notifier({}).tell("READY=1")
    Notifier(None).reloading()


def test_no_descriptor_is_left_open(manager: tuple[str, socket.socket]) -> None:
    address, _ = manager
    before = len(os.listdir("/proc/self/fd"))
    for _ in range(20):
        notifier({"NOTIFY_SOCKET": address}).tell("READY=1")
        notifier({"NOTIFY_SOCKET": "/nowhere"}).tell("READY=1")
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
def test_the_watchdogs_time_is_for_this_process_alone(
    environ: dict[str, str], seconds: float | None
) -> None:
    assert notifier(environ).watchdog == seconds
