"""A run of a program that the configuration names: without a shell, and for a limited time."""

from __future__ import annotations

import os
import selectors
import signal
import subprocess
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import IO, Literal

import msgspec

MAX_BYTES = 64 * 1024
"""More than a secret or a message of a program has."""


_STEP = 0.1
"""Seconds between two looks at whether a program is to be ended."""


class StoppedError(Exception):
    """The program was ended because its output is no longer needed."""


class Ended(msgspec.Struct, frozen=True):
    """The end of a program: its exit code, negative for a signal, and what it wrote."""

    code: int
    output: bytes

    @property
    def ending(self) -> str:
        """Return how it ended, for a message."""
        return f"exit code {self.code}" if self.code >= 0 else f"signal {-self.code}"


def run_program(
    words: Sequence[str],
    environ: Mapping[str, str],
    time_limit: float,
    *,
    stop: threading.Event | None = None,
    stdin: IO[bytes] | None = None,
    output: Literal["stdout", "stderr"] = "stdout",
) -> Ended:
    """Run a program and return what it wrote to one of its outputs; the other one is discarded.

    It is killed after `time_limit` seconds, when `stop` is set, or when its output is longer than
    MAX_BYTES, with the programs that it has started. Raises OSError if it cannot be started,
    TimeoutError, StoppedError, and OverflowError for an output that is too long.
    """
    time_left = _TimeLeft(time_limit, stop or threading.Event())
    process = subprocess.Popen(  # noqa: S603  the configuration names the program
        words,
        stdin=subprocess.DEVNULL if stdin is None else stdin,
        stdout=subprocess.PIPE if output == "stdout" else subprocess.DEVNULL,
        stderr=subprocess.PIPE if output == "stderr" else subprocess.DEVNULL,
        env=dict(environ),
        start_new_session=True,
    )
    with process:
        try:
            pipe = process.stdout or process.stderr
            assert pipe is not None  # noqa: S101  for mypy
            content = _read(pipe, time_left)
            while (code := process.poll()) is None:
                with suppress(subprocess.TimeoutExpired):
                    process.wait(time_left.step())
        finally:
            if process.returncode is None:
                os.killpg(process.pid, signal.SIGKILL)
    return Ended(code, content)


class _TimeLeft:
    """The time until a program is to be ended."""

    def __init__(self, limit: float, stop: threading.Event) -> None:
        self._deadline = time.monotonic() + limit
        self._stop = stop

    def step(self) -> float:
        """Return the seconds to wait for the program; raise TimeoutError or StoppedError."""
        if self._stop.is_set():
            raise StoppedError
        left = self._deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError
        return min(left, _STEP)


def _read(pipe: IO[bytes], time_left: _TimeLeft) -> bytes:
    """Read until the end of the output."""
    content = b""
    with selectors.DefaultSelector() as selector:
        selector.register(pipe, selectors.EVENT_READ)
        while True:
            if not selector.select(time_left.step()):
                continue
            piece = os.read(pipe.fileno(), MAX_BYTES)
            content += piece
            if not piece:
                return content
            if len(content) > MAX_BYTES:
                raise OverflowError
