"""Child processes, measured as the system measures them: wall time, CPU, peak memory."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

ROOT = Path(__file__).parents[2]
DEADLINE = 600.0  # seconds after which nothing is waited for any more


class Failed(Exception):
    """Something could not be measured; the text says why."""


@dataclass(frozen=True)
class Run:
    """One process from start to exit: seconds, CPU seconds of it and its children, peak MB."""

    wall: float
    cpu: float
    memory: float
    log: str = ""


def environ(more: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return an environment in which `bench` and `syncd` are found, and no proxy is."""
    kept = {k: v for k, v in os.environ.items() if not k.lower().endswith("_proxy")}
    kept.pop("PYTHONDONTWRITEBYTECODE", None)  # what is installed is compiled, once
    paths = [str(ROOT), str(ROOT / "tests"), *kept.get("PYTHONPATH", "").split(os.pathsep)]
    return {**kept, "PYTHONPATH": os.pathsep.join(filter(None, paths)), **(more or {})}


def run(
    command: Sequence[str], log: Path, more: Mapping[str, str] | None = None, *, tree: bool = False
) -> Run:
    """Run a command to its end; raises Failed when it does not end well.

    `tree` watches the memory of its children too: the system tells only of the largest process.
    """
    with log.open("wb") as err, log.with_suffix(".out").open("wb") as out:
        began = time.monotonic()
        process = subprocess.Popen(command, cwd=ROOT, env=environ(more), stdout=out, stderr=err)
        watched = _Memory(process.pid) if tree else None
        _, status, used = os.wait4(process.pid, 0)
        wall = time.monotonic() - began
    process.returncode = os.waitstatus_to_exitcode(status)
    said = log.read_text("utf-8", "replace")
    if process.returncode != 0:
        raise Failed(f"{_named(command)} exited with {process.returncode}: {_last_words(said)}")
    memory = max(used.ru_maxrss / 1024, watched.peak() if watched else 0.0)
    return Run(wall, used.ru_utime + used.ru_stime, memory, said)


def paired(ways: Mapping[str, Callable[[], Run]], rounds: int) -> dict[str, Run]:
    """Run every way in turn, round after round; answers each way's medians, and all logs."""
    runs: dict[str, list[Run]] = {name: [] for name in ways}
    for _ in range(rounds):
        for name, way in ways.items():
            runs[name].append(way())
    return {
        name: Run(
            median(r.wall for r in found),
            median(r.cpu for r in found),
            median(r.memory for r in found),
            "\n".join(r.log for r in found),
        )
        for name, found in runs.items()
    }


@dataclass
class Child:
    """A process that runs beside the bench; its stderr grows in a file."""

    process: subprocess.Popen[bytes]
    log: Path
    _listened: int = field(default=0, init=False)

    def said(self, event: str, times: int = 1) -> bool:
        """Tell whether its log has had an event so many times."""
        return len(re.findall(re.escape(f"event={event} "), self.text() + " ")) >= times

    def text(self) -> str:
        return self.log.read_text("utf-8", "replace").replace("\n", " \n")

    def until(self, condition: Callable[[], bool], within: float = DEADLINE) -> None:
        """Wait for a condition; raises Failed when the process ends before, or after so long."""
        limit = time.monotonic() + within
        while not condition():
            if self.process.poll() is not None:
                words = _last_words(self.text())
                raise Failed(f"it ended with {self.process.returncode}: {words}")
            if time.monotonic() > limit:
                raise Failed(f"it took more than {within:.0f} s")
            time.sleep(0.01)

    def stop(self) -> float:
        """Send SIGTERM; answers the seconds until it has ended."""
        began = time.monotonic()
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(DEADLINE)
        return time.monotonic() - began


@contextmanager
def beside(
    command: Sequence[str], log: Path, more: Mapping[str, str] | None = None
) -> Iterator[Child]:
    """Run a command while the block lasts; it is killed if it still runs then."""
    with log.open("wb") as err:
        process = subprocess.Popen(
            command, cwd=ROOT, env=environ(more), stdout=subprocess.DEVNULL, stderr=err
        )
    try:
        yield Child(process, log)
    finally:
        process.kill()
        process.wait()


def _named(command: Sequence[str]) -> str:
    words = [word for word in command if word not in (sys.executable, "-m")]
    return " ".join(words[:2])


def _last_words(said: str) -> str:
    lines = [line.strip(" |") for line in said.splitlines() if re.search("[a-z]{3}", line)]
    return " / ".join(lines[-3:])[-300:] or "nothing was said"


class _Memory:
    """Samples what a process and its children take together, shared pages counted once."""

    def __init__(self, pid: int) -> None:
        self._pid = pid
        self._peak = 0.0
        self._thread = threading.Thread(target=self._sample, daemon=True)
        self._thread.start()

    def peak(self) -> float:
        self._thread.join()
        return self._peak

    def _sample(self) -> None:
        try:
            while True:
                total = sum(map(_proportional_kb, _family(self._pid)))
                if not total:
                    return
                self._peak = max(self._peak, total / 1024)
                time.sleep(0.1)
        except OSError:
            return  # it has ended


def _family(pid: int) -> list[int]:
    found = [pid]
    for task in Path(f"/proc/{pid}/task").iterdir():
        for child in (task / "children").read_text().split():
            found += _family(int(child))
    return found


def _proportional_kb(pid: int) -> int:
    text = Path(f"/proc/{pid}/smaps_rollup").read_text()
    found = re.search(r"^Pss: +(\d+)", text, re.MULTILINE)
    return int(found[1]) if found else 0
