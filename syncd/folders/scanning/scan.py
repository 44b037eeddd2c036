"""A walk through a folder, compared with the ledger one short stretch at a time."""

from __future__ import annotations

import os
import stat
import time
from collections import Counter
from collections.abc import Callable, Collection, Generator, Iterable, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock

from syncd.folders import skipped
from syncd.folders.safe_open import Way, stat_of
from syncd.folders.scanning.diff import Comparison, Missed, Part
from syncd.folders.scanning.scan_pool import WORKERS_AFTER, ScanPool
from syncd.folders.scanning.scan_worker import description
from syncd.folders.scanning.walk import FolderTree, Trouble
from syncd.folders.watching.targets import EVERYWHERE, ScanTarget, coalesced
from syncd.ledger import files, folders
from syncd.ledger.directories import Renumbered
from syncd.ledger.file import connect_reader
from syncd.ledger.files import Place
from syncd.ledger.reader import address_of
from syncd.model import Stat

STRETCH = 0.05  # seconds of walking, after which the event loop is given a turn
MAX_FOUND = 2000  # new or changed files, after which a stretch ends

SAMPLE = 2000
"""Files, nearly all of them known, after which workers are started for a folder that had
WORKERS_AFTER files in its last trusted scan: a start with 100,000 unchanged files then takes 0.8
to 0.9 of the time on two busy cores."""

DIRECTORIES = 16  # that a worker is given at a time: some 10 ms of work

_WAITING = Part()
"""The result of a walk that waits for its workers."""

_POOL = Lock()  # one walk at a time: ten folders would have the memory of twenty processes


@dataclass(slots=True)
class Stretch:
    """The differences that a stretch of the walk found."""

    found: list[tuple[Place, Stat]] = field(default_factory=list)
    with_other_numbers: list[tuple[Place, Stat]] = field(default_factory=list)  # else unchanged
    missed: list[Missed] = field(default_factory=list)
    renumbered: list[Renumbered] = field(default_factory=list)
    troubles: list[Trouble] = field(default_factory=list)
    skipped: Counter[str] = field(default_factory=Counter)  # files not taken, by reason
    seen: int = 0  # files, whether new or known
    progress: bool = False  # it did more than wait for workers

    def add(self, part: Part) -> None:
        """Add the differences of a part of a directory."""
        self.progress = self.progress or part is not _WAITING
        self.seen += part.seen
        self.found += part.found
        self.with_other_numbers += part.with_other_numbers
        self.troubles += part.troubles
        skipped.add(self.skipped, part.skipped)
        if part.missed is not None:
            self.missed.append(part.missed)
        if part.renumbered is not None:
            self.renumbered.append(part.renumbered)


class Walk:
    """A walk through the targets; its stretches are short, so that it can be closed at any time.

    Memory: the directories that are still to be listed, the names of one, and one stretch.
    """

    def __init__(
        self,
        ledger: Path,
        tree: FolderTree,
        targets: Iterable[ScanTarget],
        *,
        workers_after: int = WORKERS_AFTER,
    ) -> None:
        self._ledger = ledger
        self._tree = tree
        self._ahead = sorted(targets, key=lambda target: target.path, reverse=True)
        self._parts = self._walk()
        self._turn = Lock()
        self._workers_after = workers_after
        self._seen = self._found = 0

    def stretch(self, progress: Callable[[], None] = lambda: None) -> Stretch | None:
        """Walk on for a moment; return None at the end. Blocks: run it in a thread.

        `progress` is called after each part of a directory.
        """
        with self._turn:
            until = time.monotonic() + STRETCH
            stretch = None
            for part in self._parts:
                stretch = stretch or Stretch()
                stretch.add(part)
                if part is not _WAITING:
                    progress()
                if len(stretch.found) >= MAX_FOUND or time.monotonic() >= until:
                    break
            return stretch

    def close(self) -> None:
        """End the walk. Blocks until the present stretch has ended: run it in a thread."""
        with self._turn:
            self._parts.close()

    def _walk(self) -> Generator[Part]:
        with closing(connect_reader(self._ledger)) as db, Way(self._tree.root) as way:
            comparison = Comparison(db, self._tree.folder_id, way, self._tree.patterns)
            known = folders.trusted_state(self._tree.folder_id)(db).files or 0
            if EVERYWHERE in self._ahead and known >= self._workers_after:
                self._workers_after = min(SAMPLE, self._workers_after)
            while self._ahead:
                if self._is_worth_workers() and _POOL.acquire(blocking=False):
                    try:
                        yield from self._walk_with_workers(comparison)
                    finally:
                        _POOL.release()
                else:
                    yield from self._compare(comparison, self._ahead.pop())

    def _is_worth_workers(self) -> bool:
        return self._seen >= self._workers_after and self._found * 10 <= self._seen

    def _walk_with_workers(self, comparison: Comparison) -> Generator[Part]:
        with ScanPool(description(address_of(self._ledger), self._tree)) as pool:
            while self._ahead or pool.is_working:
                while pool.has_idle and (paths := self._next_for_worker()):
                    pool.submit(paths)
                is_starting = self._ahead and not pool.has_answered
                results = pool.results(0.0 if is_starting else STRETCH)
                for path, unchanged in results:
                    if unchanged is None:
                        yield from self._compare(comparison, ScanTarget(path, deep=True))
                    else:
                        self._deepen(unchanged.below)
                        yield Part(seen=unchanged.images, skipped=unchanged.skipped)
                if not results and self._ahead:
                    yield from self._compare(comparison, self._ahead.pop())
                else:
                    yield _WAITING  # so that a stretch ends while the workers are slow

    def _compare(self, comparison: Comparison, target: ScanTarget) -> Generator[Part]:
        if not self._tree.patterns.enters(target.path):
            return
        for part in comparison.parts(target.path):
            self._seen += part.seen
            self._found += len(part.found)
            if target.deep:
                self._deepen(part.below)
            yield part

    def _deepen(self, below: Sequence[bytes]) -> None:
        self._ahead += [ScanTarget(path, deep=True) for path in reversed(below)]

    def _next_for_worker(self) -> list[bytes]:
        """Take the next directories of deep targets, but leave some for the other workers."""
        limit = min(DIRECTORIES, 1 + len(self._ahead) // 4)
        paths: list[bytes] = []
        while self._ahead and self._ahead[-1].deep and len(paths) < limit:
            path = self._ahead.pop().path
            if self._tree.patterns.enters(path):
                paths.append(path)
        return paths


def check_files(
    ledger: Path,
    tree: FolderTree,
    targets: Collection[ScanTarget],
    progress: Callable[[], None] = lambda: None,
) -> tuple[list[tuple[Place, Stat]], frozenset[ScanTarget]]:
    """Return the targeted files that are new or changed, and the directories left to scan.

    If a target is not a plain file (or no longer), its directory is left to scan. `progress` is
    called before each file. Blocks: run it in a thread.
    """
    found: list[tuple[Place, Stat]] = []
    left = {target for target in targets if not target.file}
    if len(left) < len(targets):
        with closing(connect_reader(ledger)) as db, Way(tree.root) as way:
            for target in targets:
                if not target.file:
                    continue
                progress()
                now = _stat(way, target)
                place = Place(tree.folder_id, target.path, target.file)
                if now is None:
                    left.add(ScanTarget(target.path, deep=False))
                elif files.known_stat(place)(db) != now:
                    found.append((place, now))
    return found, coalesced(left)


def stat_files(
    root: bytes, paths: Iterable[bytes], progress: Callable[[], None] = lambda: None
) -> list[Stat | None]:
    """Return the stat of each path below the root; None for one that has no file.

    `progress` is called before each file. Blocks: run it in a thread.
    """
    found: list[Stat | None] = []
    for path in paths:
        progress()
        try:
            found.append(stat_of(os.stat(os.path.join(root, path))))
        except OSError:
            found.append(None)
    return found


def _stat(way: Way, target: ScanTarget) -> Stat | None:
    try:
        descriptor = way.open(target.path)
        try:
            found = os.lstat(target.file, dir_fd=descriptor)
        finally:
            os.close(descriptor)
    except OSError:
        return None
    return stat_of(found) if stat.S_ISREG(found.st_mode) else None
