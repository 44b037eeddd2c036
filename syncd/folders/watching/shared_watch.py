"""The watch that all folders on local disks share: one inotify instance, and one thread.

A folder leaves it when its root is no longer the directory that is watched, and joins again when it
is built the next time. A folder that ended it never joins again, so that it disturbs the others
once. Each build is followed by a scan of every folder that it covers.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import ExitStack, closing, suppress
from functools import partial
from threading import Event

import msgspec

from syncd.folders.filesystem import root_identity
from syncd.folders.mounts import current_mounts
from syncd.folders.watching.sharing import shared
from syncd.folders.watching.timing import RetryDelay, Timing
from syncd.folders.watching.watch import (
    DELETED,
    SUSPICIOUS,
    Changes,
    WatchEnded,
    WatchLimitReached,
    build_shared,
    check_limit,
    is_inside,
)
from syncd.heartbeat import Heartbeat
from syncd.model import RootIdentity
from syncd.threads import ThreadPool, run_until_cancelled

_LONG = 3600.0
"""Seconds after which the watch returns without a change; a stop does not wait for it."""


class Covered(msgspec.Struct, frozen=True):
    """A watch that covers the folder was built; before it, events may have been missed."""


class Changed(msgspec.Struct, frozen=True):
    """Something happened at these paths, which are absolute."""

    paths: frozenset[bytes]
    incomplete: bool
    """Whether the watch may have lost events, of this folder or others."""


class Limited(msgspec.Struct, frozen=True):
    """The system grants no further watches: new directories are not watched."""

    advice: str


class Left(msgspec.Struct, frozen=True):
    """The shared watch does not cover the folder, or no longer."""

    for_good: bool


News = Covered | Changed | Limited | Left


class Member:
    """A folder in the shared watch, and the news that its watcher has not taken yet."""

    def __init__(
        self, root: bytes, real: bytes, identity: RootIdentity, heartbeat: Heartbeat
    ) -> None:
        """`real` is the root's real path; `heartbeat` is that of the folder's watcher."""
        self.root = root
        self.real = real
        self.identity = identity
        self.heartbeat = heartbeat
        self._news = asyncio.Queue[News]()
        self._first: asyncio.Future[News] = asyncio.get_running_loop().create_future()

    async def first(self) -> News:
        """Wait for the first news: the next build of the watch covers the folder or not."""
        return await asyncio.shield(self._first)

    async def next(self, limit: float | None) -> News | None:
        """Return the next news, from the first on; None after `limit` seconds without any."""
        try:
            async with asyncio.timeout(limit):
                return await self._news.get()
        except TimeoutError:
            return None

    def add(self, news: News) -> None:
        """Add news for the watcher."""
        if not self._first.done():
            self._first.set_result(news)
        self._news.put_nowait(news)

    def is_present(self) -> bool:
        """Return whether the root is still the same directory; this waits for its disk."""
        with self.heartbeat.operation():
            return root_identity(self.root) == self.identity


class SharedWatch:
    """The shared watch of `folders` folders: `run` it in a task."""

    def __init__(self, folders: int, timing: Timing) -> None:
        self._timing = timing
        self._undecided = folders
        self._all_decided = asyncio.Event()
        self._members: list[Member] = []
        """Those that the present watch covers or the next one will, in the order of their paths."""
        self._joining: list[Member] = []
        self._timer: asyncio.TimerHandle | None = None
        self._rebuild = asyncio.Event()
        self._delay = RetryDelay(timing)
        self._built_at = 0.0
        self._threads = ThreadPool("check")

    def decide(self, member: Member | None) -> None:
        """Let a folder take part in the first watch; None if it cannot. Called once for each."""
        self._undecided -= 1
        if member is not None:
            if self._all_decided.is_set():  # too late
                member.add(Left(for_good=False))
            else:
                self._joining.append(member)
        if not self._undecided:
            self._all_decided.set()

    def join(self, member: Member) -> None:
        """Let a folder join when the watch is built the next time."""
        self._joining.append(member)
        if self._timer is None:
            loop = asyncio.get_running_loop()
            self._timer = loop.call_later(self._timing.rebuild, self._rebuild.set)

    async def run(self) -> None:
        """Watch until cancelled; then the thread of the watch has ended, too."""
        try:
            await self._run()
        finally:
            self._threads.close()

    async def _run(self) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(self._timing.first_wait):
                await self._all_decided.wait()
        self._all_decided.set()
        while True:
            self._rebuild.clear()
            if self._timer is not None:
                self._timer.cancel()
                self._timer = None
            joining, self._joining = self._joining, []
            self._members = sorted([*self._members, *joining], key=lambda member: member.real)
            groups = await self._present_groups()
            if self._members:
                await self._watch(groups)
            else:
                await self._rebuild.wait()

    async def _present_groups(self) -> list[list[Member]]:
        """Let members leave that cannot share or do not respond; return the rest by device."""
        devices = await self._threads.submit(partial(_devices, [m.real for m in self._members]))
        groups = defaultdict[bytes, list[Member]](list)
        for member in self._members:
            if (device := devices.get(member.real)) is not None:
                groups[device].append(member)
        found: list[list[Member]] = []

        async def check(members: list[Member]) -> None:
            found.append(await self._threads.submit(partial(_present, members)))

        with suppress(TimeoutError):  # a disk hangs, and its folders leave
            async with asyncio.timeout(self._timing.first_wait), asyncio.TaskGroup() as checks:
                for members in groups.values():
                    checks.create_task(check(members))
        present = {member for members in found for member in members}
        self._leave([m for m in self._members if m not in present], for_good=False)
        return found

    async def _watch(self, groups: Iterable[Sequence[Member]]) -> None:
        """Use one watch until it ends, or until it is to be built again."""
        async with asyncio.TaskGroup() as tasks:
            serving = tasks.create_task(self._serve())
            due = tasks.create_task(self._rebuild.wait())
            checks = [tasks.create_task(self._check_roots(members)) for members in groups]
            checks.append(tasks.create_task(self._check_limit()))
            await asyncio.wait({serving, due}, return_when=asyncio.FIRST_COMPLETED)
            for task in (serving, due, *checks):
                task.cancel()

    async def _serve(self) -> None:
        """Build a watch and use it until it ends; then wait until it may be built again."""
        began, self._built_at = time.monotonic(), 0.0
        loop = asyncio.get_running_loop()
        poll = partial(self._poll, tuple(self._members), loop.call_soon_threadsafe)
        try:
            await run_until_cancelled(poll, "watch shared")
        except WatchLimitReached as limit:
            self._leave(beyond(limit.path, self._members), for_good=bool(limit.path))
        except WatchEnded as ended:
            culprits = [m for m in self._members if ended.path and is_inside(ended.path, m.real)]
            self._leave(culprits, for_good=True)
            if not ended.path:
                self._leave(self._members, for_good=False)
        ended_at = time.monotonic()
        lifetime = ended_at - self._built_at if self._built_at else 0.0
        await asyncio.sleep(self._delay.delay_after(ended_at - began - lifetime, lifetime))

    def _poll(self, members: Sequence[Member], report: Callable[..., object], stop: Event) -> None:
        """Build a watch and report what happens until stopped: the work of the thread."""
        roots = dict.fromkeys(member.real for member in members)
        with ExitStack() as building:
            operations = [building.enter_context(m.heartbeat.operation()) for m in members]

            def beat() -> None:
                for operation in operations:
                    operation.beat()

            watch, covered = build_shared(list(roots), beat)
        with closing(watch):
            report(self._begin, frozenset(covered))
            while not stop.is_set():
                if changes := watch.changes(_LONG, stop):
                    report(self._deliver, by_root(changes, roots), changes)

    def _begin(self, covered: frozenset[bytes]) -> None:
        self._built_at = time.monotonic()
        self._leave([m for m in self._members if m.real not in covered], for_good=True)
        for member in self._members:
            member.add(Covered())

    def _deliver(self, paths: Mapping[bytes, frozenset[bytes]], changes: Changes) -> None:
        incomplete = len(changes) >= SUSPICIOUS
        for member in self._members:
            if incomplete or member.real in paths:
                member.add(Changed(paths.get(member.real, frozenset()), incomplete))
        gone = [m for m in self._members if (DELETED, os.fsdecode(m.real)) in changes]
        self._leave(gone, for_good=False)

    async def _check_roots(self, members: Sequence[Member]) -> None:
        """Let members leave whose root is not the same directory: those of one device."""
        while True:
            await asyncio.sleep(self._timing.root_check)
            present = await self._threads.submit(partial(_present, members))
            self._leave([m for m in members if m not in present], for_good=False)
            members = present

    async def _check_limit(self) -> None:
        """Report when the limit is reached; build the watch again once it was raised.

        Directories created in between are not watched.
        """
        limited = False
        while True:
            await asyncio.sleep(self._timing.limit_check)
            if not self._members:
                continue
            try:
                await self._threads.submit(partial(_check_limit, self._members[0]))
            except WatchLimitReached as limit:
                limited = True
                for member in self._members:
                    member.add(Limited(str(limit)))
            except WatchEnded:
                continue  # the check of the roots will find it
            else:
                if limited:
                    self._rebuild.set()

    def _leave(self, members: Iterable[Member], *, for_good: bool) -> None:
        for member in list(members):
            if member in self._members:
                self._members.remove(member)
                member.add(Left(for_good))


def beyond(path: bytes, members: Sequence[Member]) -> Sequence[Member]:
    """Return the members for which a limit that was met at a path leaves no watches.

    They are the one that met it and those after it. If it is the first, there may be enough for the
    others; if the path is unknown, no member has any.
    """
    for index, member in enumerate(members):
        if is_inside(path, member.real):
            return members[index:] if index else members[:1]
    return members


def by_root(changes: Changes, roots: Mapping[bytes, None]) -> dict[bytes, frozenset[bytes]]:
    """Return the changed paths of each root: a change belongs to every root above it."""
    found = defaultdict[bytes, set[bytes]](set)
    for _, text in changes:
        path = place = os.fsencode(text)
        while place:
            if place in roots:
                found[place].add(path)
            place = place.rpartition(b"/")[0]
        if b"/" in roots:
            found[b"/"].add(path)
    return {root: frozenset(paths) for root, paths in found.items()}


def _devices(roots: Sequence[bytes]) -> dict[bytes, bytes]:
    return shared(roots, current_mounts())


def _present(members: Sequence[Member]) -> list[Member]:
    return [member for member in members if member.is_present()]


def _check_limit(member: Member) -> None:
    if member.is_present():  # its disk responds: the check holds the GIL
        check_limit(member.real)
