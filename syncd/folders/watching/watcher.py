"""The watcher of one folder, which names scan targets whatever happens to the folder.

A folder on a local disk is covered by the watch that such folders share. It has a watch of its own
while its root is missing or has just returned, and for good if it would end the shared one.
"""

from __future__ import annotations

import asyncio
import os
import time
from functools import partial
from typing import assert_never

from syncd.folders.filesystem import root_identity
from syncd.folders.mounts import current_mounts
from syncd.folders.patterns import Patterns
from syncd.folders.watching.own_watch import OnState, OnTargets, OwnWatch
from syncd.folders.watching.shared_watch import (
    Changed,
    Covered,
    Left,
    Limited,
    Member,
    SharedWatch,
)
from syncd.folders.watching.sharing import is_local
from syncd.folders.watching.targets import EVERYWHERE, ScanTarget, coalesced, targets_of
from syncd.folders.watching.timing import QuietRescan, Timing
from syncd.folders.watching.watch import relative_to
from syncd.folders.watching.watch_state import Active, LimitReached, WatchState
from syncd.heartbeat import Heartbeat
from syncd.model import RootIdentity, printable
from syncd.threads import run_in_thread, run_until_cancelled


class Watcher:
    """The watcher of one folder: `run` it in a task; its callbacks are called on the loop."""

    def __init__(
        self,
        root: bytes,
        patterns: Patterns,
        on_targets: OnTargets,
        on_state: OnState,
        *,
        heartbeat: Heartbeat,
        timing: Timing,
        shared: SharedWatch | None = None,
    ) -> None:
        """`heartbeat` shows whether the disk responds to the watcher.

        `shared` counts on this folder; without it the folder has a watch of its own.
        """
        self._root = root
        self._path = os.path.abspath(root)  # links are not resolved
        self._patterns = patterns
        self._on_targets = on_targets
        self._on_state = on_state
        self._heartbeat = heartbeat
        self._timing = timing
        self._shared = shared
        self._may_share = shared is not None
        self._is_sound = asyncio.Event()
        """Set when the folder's own watch has begun."""
        self._state: WatchState | None = None

    async def run(self) -> None:
        """Watch until cancelled; then the thread of an own watch has ended, too. Called once."""
        if self._shared is None:
            await self._watch_alone()
            return
        member = await self._member()
        self._shared.decide(member)
        while True:
            if member is None or not await self._is_admitted(member):
                member = await self._watch_alone_until_admitted(self._shared)
            await self._follow(member)
            member = None

    async def _member(self) -> Member | None:
        """Return the folder as a member of the shared watch; None if it cannot share now."""
        if not is_local(self._path, current_mounts()):
            return None  # its disk is not asked: it may hang
        with self._heartbeat.operation():
            found = await run_in_thread(partial(_find, self._root))
        return None if found is None else Member(self._root, *found, self._heartbeat)

    async def _is_admitted(self, member: Member) -> bool:
        """Wait for the next build of the shared watch; return whether it covers the folder."""
        match await member.first():
            case Left(for_good):
                self._may_share = not for_good
                return False
            case _:
                return True

    async def _watch_alone(self) -> None:
        loop = asyncio.get_running_loop()
        watch = OwnWatch(
            self._root,
            self._patterns,
            lambda targets: loop.call_soon_threadsafe(self._on_targets, targets),
            lambda state: loop.call_soon_threadsafe(self._on_own_state, state),
            heartbeat=self._heartbeat,
            timing=self._timing,
        )
        await run_until_cancelled(watch.run, f"watch {printable(self._root)}")

    async def _watch_alone_until_admitted(self, shared: SharedWatch) -> Member:
        async with asyncio.TaskGroup() as tasks:
            alone = tasks.create_task(self._watch_alone())
            admitted = None
            while admitted is None:
                await self._is_sound.wait()
                self._is_sound.clear()
                if self._may_share and (member := await self._member()) is not None:
                    shared.join(member)
                    admitted = member if await self._is_admitted(member) else None
            alone.cancel()
        return admitted

    async def _follow(self, member: Member) -> None:
        """Report scan targets until the folder has left the shared watch."""
        rescan = QuietRescan(self._timing.max_quiet_wait)
        while True:
            news = await member.next(self._timing.quiet if rescan.is_pending else None)
            match news:
                case Covered():
                    self._set_state(Active(member.identity.device, member.identity.inode))
                    self._on_targets(frozenset({EVERYWHERE}))
                case Limited(advice):
                    self._set_state(LimitReached(advice))
                case Left(for_good):
                    self._may_share = not for_good
                    return
                case Changed() | None:
                    await self._report(member, news, rescan)
                case _:
                    assert_never(news)

    async def _report(self, member: Member, changed: Changed | None, rescan: QuietRescan) -> None:
        now = time.monotonic()
        targets = frozenset[ScanTarget]()
        if changed is not None:
            paths = relative_to(member.real, changed.paths)
            with self._heartbeat.operation():
                targets = await run_in_thread(
                    partial(targets_of, member.real, paths, self._patterns)
                )
            rescan.add(targets, now)
            if changed.incomplete:
                rescan.add([EVERYWHERE], now)
        if targets := coalesced(targets | rescan.take_due(now, quiet=changed is None)):
            self._on_targets(targets)

    def _on_own_state(self, state: WatchState) -> None:
        if isinstance(state, Active):
            self._is_sound.set()
        self._set_state(state)

    def _set_state(self, state: WatchState) -> None:
        if state != self._state:
            self._state = state
            self._on_state(state)


def _find(root: bytes) -> tuple[bytes, RootIdentity] | None:
    """Return the real path of the root, and which directory it is; None if it is not there."""
    identity = root_identity(root)
    return None if identity is None else (os.path.realpath(root), identity)
