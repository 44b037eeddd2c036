"""A scan: what is in a folder now, compared with the ledger, a stretch at a time."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterable, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock

from syncd.folders.patterns import Patterns
from syncd.folders.safe_open import Way
from syncd.folders.scanning.diff import Comparison, Missed, Part
from syncd.folders.scanning.scan_pool import ScanPool
from syncd.folders.scanning.scan_worker import arguments
from syncd.folders.scanning.walk import Trouble
from syncd.folders.watching.targets import ScanTarget
from syncd.ledger.database import connect_reader
from syncd.ledger.files import Place
from syncd.ledger.reader import address_of
from syncd.model import Stat

STRETCH = 0.05  # seconds of walking between two looks at the event loop
MOST_FOUND = 2000  # files new or changed after which a stretch ends

SCOUTS_AFTER = 50_000
"""Files that were seen, nearly all of them known, before it is worth starting scouts: that takes
some 80 ms of a core for each, in which a walk alone sees 20,000 files."""

DIRECTORIES = 16  # that a scout is given at a time: some 10 ms of work

_WAITING = Part()
"""What a walk comes to while it waits for its scouts."""

_SCOUTING = Lock()  # one walk at a time: ten folders would have the memory of twenty processes


@dataclass(slots=True)
class Stretch:
    """What a stretch of the walk came upon."""

    found: list[tuple[Place, Stat]] = field(default_factory=list)
    missed: list[Missed] = field(default_factory=list)
    troubles: list[Trouble] = field(default_factory=list)
    seen: int = 0  # files, whether new or known
    progress: bool = False  # it was more than waiting for scouts

    def add(self, part: Part) -> None:
        """Take what a part came to."""
        self.progress = self.progress or part is not _WAITING
        self.seen += part.seen
        self.found += part.found
        self.troubles += part.troubles
        if part.missed is not None:
            self.missed.append(part.missed)


class Walk:
    """Walks the places to look at; every stretch is short, so that the walk can end at any time.

    Memory: the directories that are still to be listed, the names of one, and one stretch.
    """

    def __init__(
        self,
        ledger: Path,
        folder_id: int,
        root: bytes,
        patterns: Patterns,
        looks: Iterable[ScanTarget],
        *,
        scouts_after: int = SCOUTS_AFTER,
    ) -> None:
        self._ledger = ledger
        self._folder_id = folder_id
        self._root = root
        self._patterns = patterns
        self._ahead = sorted(looks, key=lambda look: look.path, reverse=True)
        self._parts = self._walk()
        self._turn = Lock()
        self._scouts_after = scouts_after
        self._seen = self._found = 0

    def stretch(self, progress: Callable[[], None] = lambda: None) -> Stretch | None:
        """Walk on for a moment; None when there is nothing more. Blocks: run it in a thread.

        `progress` is called at each part that was walked.
        """
        with self._turn:
            until = time.monotonic() + STRETCH
            stretch = None
            for part in self._parts:
                stretch = stretch or Stretch()
                stretch.add(part)
                if part is not _WAITING:
                    progress()
                if len(stretch.found) >= MOST_FOUND or time.monotonic() >= until:
                    break
            return stretch

    def close(self) -> None:
        """Walk no further. Blocks while a stretch is walked: run it in a thread."""
        with self._turn:
            self._parts.close()

    def _walk(self) -> Generator[Part]:
        with closing(connect_reader(self._ledger)) as db, Way(self._root) as way:
            comparison = Comparison(db, self._folder_id, way, self._patterns)
            while self._ahead:
                if self._is_worth_scouts() and _SCOUTING.acquire(blocking=False):
                    try:
                        yield from self._walk_behind_scouts(comparison)
                    finally:
                        _SCOUTING.release()
                else:
                    yield from self._look(comparison, self._ahead.pop())

    def _is_worth_scouts(self) -> bool:
        return self._seen >= self._scouts_after and self._found * 10 <= self._seen

    def _walk_behind_scouts(self, comparison: Comparison) -> Generator[Part]:
        ledger = address_of(self._ledger)
        with ScanPool(arguments(ledger, self._folder_id, self._root, self._patterns)) as scouts:
            while self._ahead or scouts.working:
                while scouts.idle and (paths := self._next_for_scouts()):
                    scouts.give(paths)
                start_up = self._ahead and not scouts.proven
                answers = scouts.answers(0.0 if start_up else STRETCH)
                for path, answer in answers:
                    if answer is None:
                        yield from self._look(comparison, ScanTarget(path, deep=True))
                    else:
                        self._deepen(answer.below)
                        yield Part(seen=answer.images)
                if not answers and self._ahead:
                    yield from self._look(comparison, self._ahead.pop())
                else:
                    yield _WAITING  # so that a stretch ends while they are slow

    def _look(self, comparison: Comparison, look: ScanTarget) -> Generator[Part]:
        if not self._patterns.enters(look.path):
            return
        for part in comparison.parts(look.path):
            self._seen += part.seen
            self._found += len(part.found)
            if look.deep:
                self._deepen(part.below)
            yield part

    def _deepen(self, below: Sequence[bytes]) -> None:
        self._ahead += [ScanTarget(path, deep=True) for path in reversed(below)]

    def _next_for_scouts(self) -> list[bytes]:
        """Take directories that are walked with all below them, and leave some for other scouts."""
        most = min(DIRECTORIES, 1 + len(self._ahead) // 4)
        paths: list[bytes] = []
        while self._ahead and self._ahead[-1].deep and len(paths) < most:
            path = self._ahead.pop().path
            if self._patterns.enters(path):
                paths.append(path)
        return paths
