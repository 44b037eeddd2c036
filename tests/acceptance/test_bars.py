"""The bars of a backfill in a real terminal: they are redrawn in place, in any width."""

import shutil
import subprocess
import sys
from collections.abc import Iterator

import pytest
from support.pictures import picture
from support.rig import Rig, until

from syncd.sandbox.faults import Fault

pytestmark = pytest.mark.skipif(shutil.which("tmux") is None, reason="tmux is not installed")


class Terminal:
    """A terminal of tmux, in which a command runs."""

    def __init__(self, rig: Rig) -> None:
        self._socket = str(rig.path / "tmux")
        self._environ = rig.environ

    def tmux(self, *words: str) -> str:
        command = ["tmux", "-f", "/dev/null", "-S", self._socket, *words]
        return subprocess.run(
            command, env=self._environ, check=True, capture_output=True, text=True
        ).stdout

    def start(self, *words: str) -> None:
        command = [sys.executable, "-m", "syncd", *words]
        self.tmux("new-session", "-d", "-x", "120", "-y", "30", *command, ";", "set", "-g",
                  "remain-on-exit", "on", ";", "set", "-g", "window-size", "manual")  # fmt: skip

    def resize(self, columns: int) -> None:
        self.tmux("resize-window", "-x", str(columns), "-y", "30")

    def lines(self) -> list[str]:
        """Return all lines, with those that have left the screen."""
        shown = self.tmux("capture-pane", "-p", "-S", "-")
        return [line for line in shown.splitlines() if line.strip()]

    def end(self) -> None:
        self.tmux("kill-server")


@pytest.fixture
def terminal(rig: Rig) -> Iterator[Terminal]:
    terminal = Terminal(rig)
    yield terminal
    terminal.end()


async def test_a_resized_terminal_shows_each_bar_once(rig: Rig, terminal: Terminal) -> None:
    rig.accounts, rig.mirrors = {"main": "1", "a-second-account": "2"}, ("a-second-account",)
    rig.toml = '[pack]\nimages = 1\n[log]\nlevel = "error"\n'
    rig.workers = 1
    for number in range(40):
        rig.write(f"{number}.jpg", picture(number))
    rig.sandbox.faults.add(Fault("slow", seconds=0.3, on="upload"))
    terminal.start("backfill", "--config", str(rig.write_config()))
    await until(lambda: any("/s" in line for line in terminal.lines()))
    for columns in (60, 80, 120, 61):
        terminal.resize(columns)
        sent = len(rig.sandbox.library.images("1"))
        await until(lambda sent=sent: len(rig.sandbox.library.images("1")) > sent + 1)  # type: ignore[misc]  # a default
        starts = [line.split(maxsplit=1)[0] for line in terminal.lines()]
        assert starts == ["main", "a-second-account"], "\n".join(terminal.lines())
