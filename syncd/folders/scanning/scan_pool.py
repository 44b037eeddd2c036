"""Processes that go ahead of a walk, and tell which directories need no look.

What they do not tell is for the walk to look at: a scout that is lost costs time, and nothing else.
"""

from __future__ import annotations

import os
import select
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import IO, cast

from syncd.folders.safe_open import joined
from syncd.folders.scanning.frames import receive, send

SCOUTS = 2
"""More than two gain little: what they wait for is the kernel, which has locks of its own."""

_KEPT = ("LANG", "LC_", "LD_", "PYTHON")
"""What the environment's variables that a scout needs begin with; a token may stand in another."""

_CODE = "from syncd.folders.scanning.scan_worker import main; main()"
_ENDING = 1.0  # seconds in which a killed process has ended, but for a disk that hangs


@dataclass(frozen=True, slots=True)
class Unchanged:
    """A directory that is as the ledger has it: how many images, the directories below."""

    images: int
    below: tuple[bytes, ...]


class ScanPool:
    """A few scouts; each has one list of directories at a time. Leaving the context ends them."""

    def __init__(self, arguments: Sequence[str]) -> None:
        self._idle: list[_Scout] = []
        self._working: dict[int, _Scout] = {}
        self.proven = False  # one has answered; before, they may still be starting
        with suppress(OSError):  # no more processes are to be had, so there are no more scouts
            for _ in range(SCOUTS):
                self._idle.append(_Scout(arguments))

    def __enter__(self) -> ScanPool:
        return self

    def __exit__(self, *_: object) -> None:
        for scout in (*self._idle, *self._working.values()):
            scout.end()

    @property
    def idle(self) -> bool:
        """One of them has nothing to do."""
        return bool(self._idle)

    @property
    def working(self) -> bool:
        """One of them has not answered yet."""
        return bool(self._working)

    def give(self, paths: list[bytes]) -> None:
        """Have an idle one look at these directories."""
        scout = self._idle.pop()
        scout.ask(paths)
        self._working[scout.descriptor] = scout

    def answers(self, within: float) -> list[tuple[bytes, Unchanged | None]]:
        """Return what comes within so many seconds; None for a directory to be looked at."""
        answers: list[tuple[bytes, Unchanged | None]] = []
        for descriptor in _readable(self._working, within):
            scout = self._working.pop(descriptor)
            records = scout.answer()
            if records is None:
                scout.end()
                answers += [(path, None) for path in scout.paths]
                continue
            self._idle.append(scout)
            self.proven = True
            answers += [
                (path, _unchanged(path, record))
                for path, record in zip(scout.paths, records, strict=True)
            ]
        return answers


class _Scout:
    def __init__(self, arguments: Sequence[str]) -> None:
        """Raise OSError when there can be no further process."""
        self.paths: list[bytes] = []
        kept = {name: value for name, value in os.environ.items() if name.startswith(_KEPT)}
        paths = os.pathsep.join(map(os.path.abspath, sys.path))
        self.process = subprocess.Popen(  # noqa: S603  no shell, and our own code
            [sys.executable, "-S", "-P", "-c", _CODE, *arguments],
            env={**kept, "PYTHONPATH": paths},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,  # what it cannot do, the walk meets itself, and tells
        )
        self._input = cast("IO[bytes]", self.process.stdin)
        self._output = cast("IO[bytes]", self.process.stdout)
        self.descriptor = self._output.fileno()

    def ask(self, paths: list[bytes]) -> None:
        self.paths = paths
        with suppress(OSError):  # it has ended: there will be no answer
            send(self._input, paths)

    def answer(self) -> list[bytes] | None:
        """Return a record for each path; None when it has ended."""
        return receive(self._output)

    def end(self) -> None:
        self.process.kill()
        with suppress(OSError):  # what it has not read
            self._input.close()
        self._output.close()
        with suppress(subprocess.TimeoutExpired):
            self.process.wait(_ENDING)


def _readable(descriptors: dict[int, _Scout], within: float) -> list[int]:
    if not descriptors:
        return []
    poll = select.poll()
    for descriptor in descriptors:
        poll.register(descriptor, select.POLLIN)
    return [descriptor for descriptor, _ in poll.poll(within * 1000)]


def _unchanged(path: bytes, record: bytes) -> Unchanged | None:
    if not record:
        return None
    images, *names = record.split(b"/")
    return Unchanged(int(images), tuple(joined(path, name) for name in names))
