"""Processes that run ahead of a walk and report the directories that have no differences.

All other directories are left to the walk: a worker that is lost costs time, and nothing else.
"""

from __future__ import annotations

import os
import select
import subprocess
import sys
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import IO, cast

from syncd.folders.safe_open import joined
from syncd.folders.scanning.scan_worker import counts_of, receive, send

WORKERS = 2
"""More than two gain little: they wait for the kernel, which has locks of its own."""

_ENVIRONMENT = ("LANG", "LC_", "LD_", "PYTHON")
"""Prefixes of the environment variables that a worker needs; another may hold a token."""

_CODE = "from syncd.folders.scanning.scan_worker import main; main()"
_EXIT_TIMEOUT = 1.0  # seconds in which a killed process ends, unless its disk hangs


@dataclass(frozen=True, slots=True)
class Unchanged:
    """A directory without differences."""

    images: int
    below: tuple[bytes, ...]  # paths of the sub-directories to enter
    skipped: Counter[str] = field(default_factory=Counter)  # by reason


class ScanPool:
    """A few workers, each with at most one list of directories at a time.

    Leaving the context ends them.
    """

    def __init__(self, arguments: Sequence[str]) -> None:
        self._idle: list[_Worker] = []
        self._working: dict[int, _Worker] = {}
        self.has_answered = False
        """Whether a worker has answered yet; before that, all may still be starting."""
        with suppress(OSError):  # no further process can be started, so there are fewer workers
            for _ in range(WORKERS):
                self._idle.append(_Worker(arguments))

    def __enter__(self) -> ScanPool:
        return self

    def __exit__(self, *_: object) -> None:
        for worker in (*self._idle, *self._working.values()):
            worker.end()

    @property
    def has_idle(self) -> bool:
        """Whether a worker has nothing to do."""
        return bool(self._idle)

    @property
    def is_working(self) -> bool:
        """Whether a worker has not answered yet."""
        return bool(self._working)

    def submit(self, paths: list[bytes]) -> None:
        """Give an idle worker a list of directories."""
        worker = self._idle.pop()
        worker.send(paths)
        self._working[worker.descriptor] = worker

    def results(self, timeout: float) -> list[tuple[bytes, Unchanged | None]]:
        """Return the results of the next `timeout` seconds; None for a directory to be walked."""
        results: list[tuple[bytes, Unchanged | None]] = []
        for descriptor in _readable(self._working, timeout):
            worker = self._working.pop(descriptor)
            records = worker.receive()
            if records is None:
                worker.end()
                results += [(path, None) for path in worker.paths]
                continue
            self._idle.append(worker)
            self.has_answered = True
            results += [
                (path, _unchanged(path, record))
                for path, record in zip(worker.paths, records, strict=True)
            ]
        return results


class _Worker:
    def __init__(self, arguments: Sequence[str]) -> None:
        """Raise OSError if no further process can be started."""
        self.paths: list[bytes] = []
        kept = {name: value for name, value in os.environ.items() if name.startswith(_ENVIRONMENT)}
        paths = os.pathsep.join(map(os.path.abspath, sys.path))
        self.process = subprocess.Popen(  # noqa: S603  no shell, and our own code
            [sys.executable, "-S", "-P", "-c", _CODE, *arguments],
            env={**kept, "PYTHONPATH": paths},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,  # the walk meets the same errors, and reports them
        )
        self._input = cast("IO[bytes]", self.process.stdin)
        self._output = cast("IO[bytes]", self.process.stdout)
        self.descriptor = self._output.fileno()

    def send(self, paths: list[bytes]) -> None:
        self.paths = paths
        with suppress(OSError):  # the process has ended, and will not answer
            send(self._input, paths)

    def receive(self) -> list[bytes] | None:
        """Return a record for each path; None if the process has ended."""
        return receive(self._output)

    def end(self) -> None:
        self.process.kill()
        with suppress(OSError):  # the process has not read all of it
            self._input.close()
        self._output.close()
        with suppress(subprocess.TimeoutExpired):
            self.process.wait(_EXIT_TIMEOUT)


def _readable(descriptors: dict[int, _Worker], timeout: float) -> list[int]:
    if not descriptors:
        return []
    poll = select.poll()
    for descriptor in descriptors:
        poll.register(descriptor, select.POLLIN)
    return [descriptor for descriptor, _ in poll.poll(timeout * 1000)]


def _unchanged(path: bytes, record: bytes) -> Unchanged | None:
    if not record:
        return None
    images, left_out, *names = record.split(b"/")
    below = tuple(joined(path, name) for name in names)
    return Unchanged(int(images), below, counts_of(left_out))
