"""The log on a real terminal: it follows the width, and keeps everything elsewhere."""

import fcntl
import os
import struct
import termios
from collections.abc import Iterator
from typing import TextIO

import pytest
import structlog

from syncd.config import LogFormat
from syncd.log import Log
from syncd.logs.setup import configure_logs

log: Log = structlog.get_logger()

SHA256 = "8c0a5c1bb0e5a4b1f7c5b3a2d1e0f9a8b7c6d5e4f3a2b1c0d9e8f7a6b5c4d3e2"


class Terminal:
    """A pseudo-terminal, and what was written to it."""

    def __init__(self) -> None:
        self._reading, writing = os.openpty()
        self.stream: TextIO = os.fdopen(writing, "w")

    def resize(self, columns: int) -> None:
        size = struct.pack("HHHH", 24, columns, 0, 0)
        fcntl.ioctl(self.stream.fileno(), termios.TIOCSWINSZ, size)

    def read_until(self, end: str) -> list[str]:
        """Return the lines since the last call; the last one contains `end`."""
        content = b""
        while end not in content.decode(errors="replace") or not content.endswith(b"\n"):
            content += os.read(self._reading, 65_536)
        return content.decode().splitlines()

    def close(self) -> None:
        self.stream.close()
        os.close(self._reading)


@pytest.fixture
def terminal() -> Iterator[Terminal]:
    terminal = Terminal()
    yield terminal
    terminal.close()


def record() -> None:
    log.info("image.held", account="main", file="/srv/spring/poster.jpg", sha256=SHA256)


def test_a_record_is_wrapped_to_the_width_that_the_terminal_has_now(terminal: Terminal) -> None:
    configure_logs("info", LogFormat.AUTO, terminal.stream, {"NO_COLOR": "1"})
    for columns in (60, 120, 80):
        terminal.resize(columns)
        record()
        lines = terminal.read_until("sha256=")
        assert f"sha256={SHA256[:12]}…" in lines[-1]
        assert (len(lines) > 1) == (columns < 100)
        assert max(map(len, lines)) <= columns


def test_statistics_that_have_not_changed_are_not_written(terminal: Terminal) -> None:
    configure_logs("info", LogFormat.AUTO, terminal.stream, {"NO_COLOR": "1"})
    terminal.resize(120)
    for uptime, reading in ((60, 0), (120, 0), (180, 7)):
        log.info("stats.process", reading=reading, uptime=uptime)
    (line,) = terminal.read_until("uptime=180")
    assert "reading=7" in line


@pytest.mark.parametrize("form", [LogFormat.LOGFMT, LogFormat.JSON])
def test_a_form_for_programs_keeps_everything_on_a_terminal(
    terminal: Terminal, form: LogFormat
) -> None:
    configure_logs("info", form, terminal.stream, {})
    terminal.resize(60)
    record()
    (line,) = terminal.read_until("sha256")
    assert SHA256 in line
