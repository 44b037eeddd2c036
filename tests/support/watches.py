"""A watcher of a folder, and what a scan of its targets would find."""

import asyncio
import os
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from support.scene import IMAGES

from syncd.folders.safe_open import Unreadable
from syncd.folders.scanning.walk import list_directory
from syncd.folders.watching.targets import EVERYWHERE, ScanTarget
from syncd.folders.watching.watch_state import Active, WatchState
from syncd.folders.watching.watcher import Timing, Watcher
from syncd.heartbeat import Heartbeat

FAST = Timing(quiet=0.2, root_check=0.05, limit_check=0.1, limit_retry=0.1, steady=1.0)
DEADLINE = 10.0  # seconds until a condition must hold


class Reports:
    """The reports of a watcher, and the files that a scan of its targets finds."""

    def __init__(self, root: bytes) -> None:
        self.root = root
        self.states: list[WatchState] = []
        self.targets: list[ScanTarget] = []
        self.files: set[bytes] = set()

    def add(self, targets: frozenset[ScanTarget]) -> None:
        self.targets += targets
        for target in targets:
            if target.file:
                self.files.add(os.path.join(target.path, target.file))
            else:
                self._list(target.path, target.deep)

    def _list(self, path: bytes, deep: bool) -> None:
        try:
            listing = list_directory(self.root, path, IMAGES)
        except Unreadable:
            return
        prefix = path + b"/" if path else b""
        self.files |= {prefix + name for name in listing.files}
        for name in listing.directories if deep else ():
            self._list(prefix + name, deep)

    def clear(self) -> None:
        self.states.clear()
        self.targets.clear()
        self.files.clear()

    def count(self, kind: type[WatchState]) -> int:
        return sum(isinstance(state, kind) for state in self.states)


async def until(condition: Callable[[], bool], within: float = DEADLINE) -> None:
    async with asyncio.timeout(within):
        while not condition():  # noqa: ASYNC110 -- no condition here has an event of its own
            await asyncio.sleep(0.005)


def watcher_of(
    root: Path | bytes,
    on_targets: Callable[[frozenset[ScanTarget]], None],
    on_state: Callable[[WatchState], None],
    timing: Timing | None = None,
) -> Watcher:
    return Watcher(
        os.fsencode(root),
        IMAGES,
        on_targets,
        on_state,
        heartbeat=Heartbeat(),
        timing=timing or Timing(),
    )


@asynccontextmanager
async def watched(root: Path | bytes, timing: Timing = FAST) -> AsyncIterator[Reports]:
    """Watch a folder; yield the reports once the watch is active or cannot be."""
    reports = Reports(os.fsencode(root))
    watcher = watcher_of(root, reports.add, reports.states.append, timing)
    task = asyncio.create_task(watcher.run())
    try:
        await until(lambda: bool(reports.states) or task.done())
        if reports.count(Active):
            await until(lambda: EVERYWHERE in reports.targets)
        yield reports
    finally:
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    assert not [t for t in threading.enumerate() if t.name.startswith("watch ")]


def put(path: Path | bytes) -> None:
    with open(path, "wb") as file:
        file.write(b"picture")
