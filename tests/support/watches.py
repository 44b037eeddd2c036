"""A watcher of a folder, and what a scan of its targets would find."""

import asyncio
import os
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from functools import partial
from pathlib import Path

from msgspec.structs import replace
from support.scene import IMAGES

from syncd.folders.safe_open import Unreadable
from syncd.folders.scanning.walk import list_directory
from syncd.folders.watching.shared_watch import SharedWatch
from syncd.folders.watching.targets import EVERYWHERE, ScanTarget
from syncd.folders.watching.timing import Timing
from syncd.folders.watching.watch_state import Active, WatchState
from syncd.folders.watching.watcher import Watcher
from syncd.heartbeat import Heartbeat

FAST = Timing(quiet=0.2, root_check=0.05, limit_check=0.1, limit_retry=0.1, steady=1.0)
CALM = replace(FAST, limit_check=3600.0)  # without this check, which is an instance for a moment
DEADLINE = 10.0  # seconds until a condition must hold


Watched = Callable[..., "AbstractAsyncContextManager[Reports]"]


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
    shared: SharedWatch | None = None,
) -> Watcher:
    return Watcher(
        os.fsencode(root),
        IMAGES,
        on_targets,
        on_state,
        heartbeat=Heartbeat(),
        timing=timing or Timing(),
        shared=shared,
    )


@asynccontextmanager
async def all_watched(
    *roots: Path | bytes, timing: Timing = FAST, shared: bool = True
) -> AsyncIterator[list[Reports]]:
    """Watch folders; yield the reports of each once its watch is active or cannot be.

    They share one watch where they can, unless each is to have its own.
    """
    reports = [Reports(os.fsencode(root)) for root in roots]
    async with asyncio.TaskGroup() as tasks:
        watch = SharedWatch(len(roots), timing) if shared else None
        watchers = [watcher_of(r.root, r.add, r.states.append, timing, watch) for r in reports]
        runs = [watcher.run() for watcher in watchers] + ([watch.run()] if watch else [])
        running = [tasks.create_task(run) for run in runs]
        for one in reports:
            await until(partial(_is_known, one))
        yield reports
        for task in running:
            task.cancel()
    assert not [t for t in threading.enumerate() if t.name.startswith("watch ")]


def _is_known(reports: Reports) -> bool:
    return bool(reports.states) and (not reports.count(Active) or EVERYWHERE in reports.targets)


def put(path: Path | bytes) -> None:
    with open(path, "wb") as file:
        file.write(b"picture")


def instances() -> int:
    """Return how many inotify instances this process has."""
    links = map(os.path.realpath, Path("/proc/self/fd").iterdir())
    return sum(link.endswith("anon_inode:inotify") for link in links)
