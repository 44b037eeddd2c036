"""`syncd status --watch` draws the status repeatedly on a terminal, until Ctrl-C."""

import fcntl
import os
import pty
import re
import signal
import struct
import subprocess
import sys
import termios
from collections.abc import Iterator

import pytest
from support.pictures import picture
from support.process import syncd
from support.rig import Rig, until


class Terminal:
    """A process whose stdout is a terminal, and what it has written."""

    def __init__(self, rig: Rig, *words: str, columns: int = 100, **environ: str) -> None:
        self._master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
        os.set_blocking(self._master, False)
        command = [sys.executable, "-m", "syncd", *words, "--config", str(rig.write_config())]
        self.process = subprocess.Popen(
            command, stdout=slave, stderr=slave, env={**rig.environ, "TERM": "xterm", **environ}
        )
        os.close(slave)
        self._read = b""

    @property
    def shown(self) -> str:
        try:
            while some := os.read(self._master, 65536):
                self._read += some
        except OSError:  # nothing more now, or the process has ended
            pass
        return self._read.decode()

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        os.close(self._master)


@pytest.fixture
async def backfilled(rig: Rig) -> Rig:
    rig.write("a.jpg", picture(1))
    assert (await syncd(rig, "backfill", "--config", str(rig.write_config()))).code == 0
    return rig


@pytest.fixture
def watched(backfilled: Rig) -> Iterator[Terminal]:
    terminal = Terminal(backfilled, "status", "--watch")
    yield terminal
    terminal.close()


async def test_it_is_drawn_again_in_place_until_an_interrupt_that_ends_it_quietly(
    watched: Terminal,
) -> None:
    await until(lambda: watched.shown.count("\x1b[H") >= 2)
    first, second = watched.shown.split("\x1b[H")[1:3]
    assert "in sync" in first
    assert "folder spring: 1 file" in second
    watched.process.send_signal(signal.SIGINT)
    assert watched.process.wait(20) == 130
    assert watched.shown.endswith("\x1b[?25h\x1b[?1049l")
    assert "Traceback" not in watched.shown


async def test_without_a_terminal_it_is_an_error(backfilled: Rig) -> None:
    ended = await syncd(backfilled, "status", "--watch", "--config", str(backfilled.write_config()))
    assert (ended.code, ended.out) == (2, "")
    assert ended.err.startswith("syncd: --watch needs a terminal")


async def plain(rig: Rig, columns: int, **environ: str) -> str:
    terminal = Terminal(rig, "status", columns=columns, **environ)
    await until(lambda: bool(terminal.shown) and terminal.process.poll() is not None)
    shown = terminal.shown
    terminal.close()
    return shown


async def test_states_have_a_colour_on_a_terminal_and_not_with_no_color(backfilled: Rig) -> None:
    coloured = await plain(backfilled, 100)
    assert "\x1b[32min sync\x1b[0m" in coloured
    assert coloured.startswith("\x1b[31msyncd is not running")
    without = await plain(backfilled, 100, NO_COLOR="1")
    assert re.sub(r"\x1b\[[0-9]+m", "", coloured).split()[:4] == without.split()[:4]
    assert "\x1b" not in without
    assert "\x1b" not in await plain(backfilled, 100, TERM="dumb")


@pytest.mark.parametrize("columns", [60, 69, 70, 120])
async def test_each_line_fits_the_terminal_and_accounts_are_cards_on_a_narrow_one(
    backfilled: Rig, columns: int
) -> None:
    shown = await plain(backfilled, columns, NO_COLOR="1")
    lines = shown.replace(str(backfilled.path), "").splitlines()
    assert all(len(line) <= columns for line in lines), lines
    assert ("main: in sync" in shown) is (columns < 70)
    assert ("account  wanted" in shown) is (columns >= 70)
