"""The process of a scan worker, as the walk sees it: a fork of this process, or a new one.

A fork is ready at once, but only a process without threads can fork safely.
"""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
from contextlib import suppress
from typing import IO, Protocol, cast

from syncd.folders.scanning.scan_worker import receive, send, serve

_ENVIRONMENT = ("LANG", "LC_", "LD_", "PYTHON")
"""Prefixes of the environment variables that a worker needs; another may hold a token."""

_CODE = "from syncd.folders.scanning.scan_worker import main; main()"
_EXIT_TIMEOUT = 1.0  # seconds in which a killed process ends, unless its disk hangs


class Worker:
    """A worker, which has at most one list of directories at a time."""

    def __init__(self, process: _Process, lists: IO[bytes], records: IO[bytes]) -> None:
        self.paths: list[bytes] = []
        """The list that it works on."""
        self.process = process
        self._input = lists
        self._output = records
        self.descriptor = records.fileno()

    def send(self, paths: list[bytes]) -> None:
        """Send a list; a process that has ended does not get it."""
        self.paths = paths
        with suppress(OSError):  # the process has ended, and will not answer
            send(self._input, paths)

    def receive(self) -> list[bytes] | None:
        """Return a record for each path; None if the process has ended."""
        return receive(self._output)

    def end(self) -> None:
        """End the process, and wait for it unless its disk hangs."""
        self.process.kill()
        with suppress(OSError):  # the process has not read all of it
            self._input.close()
        self._output.close()
        with suppress(subprocess.TimeoutExpired):
            self.process.wait(_EXIT_TIMEOUT)


class _Process(Protocol):
    def poll(self) -> int | None: ...
    def kill(self) -> None: ...
    def wait(self, timeout: float) -> int: ...


class _Forked:
    """A forked process, with the methods of Popen."""

    def __init__(self, pid: int) -> None:
        self._pid = pid
        self._status: int | None = None

    def poll(self) -> int | None:
        if self._status is None:
            ended, status = os.waitpid(self._pid, os.WNOHANG)
            self._status = status if ended else None
        return self._status

    def kill(self) -> None:
        if self.poll() is None:
            os.kill(self._pid, signal.SIGKILL)

    def wait(self, timeout: float) -> int:
        if self.poll() is None:
            descriptor = os.pidfd_open(self._pid)
            try:
                select.select([descriptor], [], [], timeout)
            finally:
                os.close(descriptor)
        if (status := self.poll()) is None:
            raise subprocess.TimeoutExpired("scan worker", timeout)
        return status


def fork() -> Worker:
    """Fork a worker; raise OSError if no further process can be started.

    Its copy of the memory contains the tokens of this process, as those of a new one does not.
    """
    lists, to_worker = os.pipe()
    from_worker, records = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            _become_worker(lists, records)
        finally:
            os._exit(0)  # runs and writes nothing of the parent
    os.close(lists)
    os.close(records)
    return Worker(_Forked(pid), os.fdopen(to_worker, "wb"), os.fdopen(from_worker, "rb"))


def _become_worker(lists: int, records: int) -> None:
    """Serve in a forked process, without the parent's descriptors."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent ends, and with it the input
    os.dup2(lists, 0)
    os.dup2(records, 1)
    os.closerange(3, os.sysconf("SC_OPEN_MAX"))
    serve(os.fdopen(0, "rb"), os.fdopen(1, "wb"))


def start() -> Worker:
    """Start a worker; raise OSError if no further process can be started."""
    kept = {name: value for name, value in os.environ.items() if name.startswith(_ENVIRONMENT)}
    paths = os.pathsep.join(map(os.path.abspath, sys.path))
    process = subprocess.Popen(  # noqa: S603  no shell, and our own code
        [sys.executable, "-S", "-P", "-c", _CODE],
        env={**kept, "PYTHONPATH": paths},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,  # the walk meets the same errors, and reports them
    )
    return Worker(process, cast("IO[bytes]", process.stdin), cast("IO[bytes]", process.stdout))
