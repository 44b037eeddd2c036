"""Child processes and what the kernel measures of them: wall time, CPU time, peak memory."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from statistics import median

ROOT = Path(__file__).parents[2]
DEADLINE = 600.0  # seconds; longer waits fail


class MeasurementError(Exception):
    """A row cannot be measured; the text gives the reason."""


@dataclass(frozen=True)
class Run:
    """One process from start to exit.

    Wall time and CPU time, with that of its children, in seconds; peak memory in MB; how often its
    threads waited (voluntary context switches).
    """

    wall: float
    cpu: float
    memory: float
    switches: float
    log: str = ""


def environ(more: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return an environment in which `bench` and `syncd` can be imported, without proxies."""
    kept = {k: v for k, v in os.environ.items() if not k.lower().endswith("_proxy")}
    kept.pop("PYTHONDONTWRITEBYTECODE", None)  # an installed syncd is compiled too
    paths = [str(ROOT), str(ROOT / "tests"), *kept.get("PYTHONPATH", "").split(os.pathsep)]
    return {**kept, "PYTHONPATH": os.pathsep.join(filter(None, paths)), **(more or {})}


def run(
    command: Sequence[str], log: Path, more: Mapping[str, str] | None = None, *, tree: bool = False
) -> Run:
    """Run a command to its end. Raises MeasurementError if it fails.

    With `tree`, the memory is that of the process and its children together; the kernel alone
    reports only that of the largest process.
    """
    with log.open("wb") as err, log.with_suffix(".out").open("wb") as out:
        began = time.monotonic()
        process = subprocess.Popen(command, cwd=ROOT, env=environ(more), stdout=out, stderr=err)
        sampler = _Memory(process.pid) if tree else None
        _, status, used = os.wait4(process.pid, 0)
        wall = time.monotonic() - began
    process.returncode = os.waitstatus_to_exitcode(status)
    output = _without_images(log)
    if process.returncode != 0:
        raise MeasurementError(
            f"{_name(command)} exited with {process.returncode}: {_last_lines(output)}"
        )
    memory = max(used.ru_maxrss / 1024, sampler.peak() if sampler else 0.0)
    return Run(wall, used.ru_utime + used.ru_stime, memory, used.ru_nvcsw, output)


def run_in_rounds(commands: Mapping[str, Callable[[], Run]], rounds: int) -> dict[str, Run]:
    """Run all commands once per round; return the medians and all logs of each command.

    Alternating the commands spreads disturbances by other processes over all of them.
    """
    runs: dict[str, list[Run]] = {name: [] for name in commands}
    for _ in range(rounds):
        for name, command in commands.items():
            runs[name].append(command())
    return {
        name: Run(
            median(r.wall for r in found),
            median(r.cpu for r in found),
            median(r.memory for r in found),
            median(r.switches for r in found),
            "\n".join(r.log for r in found),
        )
        for name, found in runs.items()
    }


@dataclass
class Child:
    """A background process, and the file that its stderr is written to."""

    process: subprocess.Popen[bytes]
    log: Path

    def has_logged(self, event: str, times: int = 1) -> bool:
        """Return whether the log contains the event at least `times` times."""
        return len(re.findall(re.escape(f"event={event} "), self.text() + " ")) >= times

    def text(self) -> str:
        return self.log.read_text("utf-8", "replace").replace("\n", " \n")

    def wait_until(self, condition: Callable[[], bool], timeout: float = DEADLINE) -> None:
        """Wait for a condition.

        Raises MeasurementError if the process exits, or after `timeout` seconds.
        """
        limit = time.monotonic() + timeout
        while not condition():
            if self.process.poll() is not None:
                lines = _last_lines(self.text())
                raise MeasurementError(f"it exited with {self.process.returncode}: {lines}")
            if time.monotonic() > limit:
                raise MeasurementError(f"it took more than {timeout:.0f} s")
            time.sleep(0.01)

    def stop(self) -> float:
        """Send SIGTERM; return the seconds until the process has exited."""
        began = time.monotonic()
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(DEADLINE)
        return time.monotonic() - began


@contextmanager
def running(
    command: Sequence[str], log: Path, more: Mapping[str, str] | None = None
) -> Iterator[Child]:
    """Run a command in the background; kill it at the end of the block."""
    with log.open("wb") as err:
        process = subprocess.Popen(
            command, cwd=ROOT, env=environ(more), stdout=subprocess.DEVNULL, stderr=err
        )
    try:
        yield Child(process, log)
    finally:
        process.kill()
        process.wait()


def _without_images(log: Path) -> str:
    """Return a log without the lines of single images, which can be millions.

    What the benchmark holds in memory is counted as the memory of the processes that it starts.
    """
    with log.open(encoding="utf-8", errors="replace") as lines:
        return "".join(line for line in lines if " event=image." not in line)


def _name(command: Sequence[str]) -> str:
    words = [word for word in command if word not in (sys.executable, "-m")]
    return " ".join(words[:2])


def _last_lines(output: str) -> str:
    lines = [line.strip(" |") for line in output.splitlines() if re.search("[a-z]{3}", line)]
    return " / ".join(lines[-3:])[-300:] or "it printed nothing"


def memory(pid: int) -> float:
    """Return the memory of a process and its children in MB; 0 after its exit.

    Pages that they share are counted once (the kernel's PSS).
    """
    return sum(map(_proportional_kb, _family(pid))) / 1024


class _Memory:
    """A thread that samples the memory of a process and its children."""

    def __init__(self, pid: int) -> None:
        self._pid = pid
        self._peak = 0.0
        self._thread = threading.Thread(target=self._sample, daemon=True)
        self._thread.start()

    def peak(self) -> float:
        self._thread.join()
        return self._peak

    def _sample(self) -> None:
        while (total := memory(self._pid)) > 0:
            self._peak = max(self._peak, total)
            time.sleep(0.1)


def _family(pid: int) -> list[int]:
    """Return a process and its children; a thread or a process may end meanwhile."""
    found = [pid]
    with suppress(OSError):
        for task in Path(f"/proc/{pid}/task").iterdir():
            with suppress(OSError):
                for child in (task / "children").read_text().split():
                    found += _family(int(child))
    return found


def _proportional_kb(pid: int) -> int:
    try:
        text = Path(f"/proc/{pid}/smaps_rollup").read_text()
    except OSError:  # it has exited
        return 0
    found = re.search(r"^Pss: +(\d+)", text, re.MULTILINE)
    return int(found[1]) if found else 0
