"""Processes that run ahead of a walk and report the directories that have no differences.

All other directories are left to the walk: a worker that is lost costs time, and nothing else. The
workers of the first walk are forked when the process starts, if the ledger has many files.
"""

from __future__ import annotations

import select
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from syncd.folders.scanning.scan_worker import counts_of
from syncd.folders.scanning.worker_process import Worker, fork, start
from syncd.ledger.errors import LedgerError
from syncd.ledger.file import reading
from syncd.ledger.folders import most_files
from syncd.model import joined

WORKERS = 2
"""More than two gain little: they wait for the kernel, which has locks of its own."""

WORKERS_AFTER = 50_000
"""Files, nearly all of them known, after which it is worth starting workers: that takes some 50 ms
of a core for each, in which a walk without workers sees 15,000 files."""


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

    def __init__(self, folder: list[bytes]) -> None:
        """`folder` is its description for a worker."""
        self._idle = _take_early() or _started()
        self._working: dict[int, Worker] = {}
        self.has_answered = False
        """Whether a worker has answered yet; before that, all may still be starting."""
        for worker in self._idle:
            worker.send(folder)

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


_early: list[Worker] = []
"""Workers that no pool has taken yet; a global, because a process starts once."""


def fork_early(ledger: Path) -> None:
    """Fork the workers of the first pool if a folder had WORKERS_AFTER files when last trusted.

    Called before the process has threads. A ledger that cannot be read is reported later. A start
    with 100,000 unchanged files then needs 0.9 of the CPU time, because no worker imports modules.
    """
    with suppress(LedgerError, OSError):
        with reading(ledger) as db:
            is_large = most_files()(db) >= WORKERS_AFTER
        if is_large:
            _early.extend(fork() for _ in range(WORKERS))  # keeps those before an error


def _take_early() -> list[Worker]:
    found = [worker for worker in _early if worker.process.poll() is None]
    for worker in set(_early).difference(found):
        worker.end()
    _early.clear()
    return found


def _started() -> list[Worker]:
    workers: list[Worker] = []
    with suppress(OSError):  # no further process can be started, so there are fewer workers
        workers.extend(start() for _ in range(WORKERS))  # keeps those before an error
    return workers


def _readable(descriptors: dict[int, Worker], timeout: float) -> list[int]:
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
