"""The watch of a folder that shares none, on a thread of its own.

watchfiles reports where something happened, never what, and misses some files in new directories.
So syncd scans once more where an event may be missing: everything when a watch begins, and new
directories once it is quiet.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from contextlib import closing, suppress

from syncd.folders.filesystem import root_identity, why_missing
from syncd.folders.patterns import Patterns
from syncd.folders.watching.targets import EVERYWHERE, ScanTarget, coalesced, targets_of
from syncd.folders.watching.timing import QuietRescan, RetryDelay, Timing
from syncd.folders.watching.watch import (
    SUSPICIOUS,
    Changes,
    Watch,
    WatchEnded,
    WatchLimitReached,
    build,
    check_limit,
)
from syncd.folders.watching.watch_state import (
    Active,
    Degraded,
    LimitReached,
    RootMissing,
    WatchState,
)
from syncd.heartbeat import Heartbeat
from syncd.model import RootIdentity

OnTargets = Callable[[frozenset[ScanTarget]], object]
OnState = Callable[[WatchState], object]


class OwnWatch:
    """The watch of one folder alone: `run` it on a thread, which also calls its callbacks."""

    def __init__(
        self,
        root: bytes,
        patterns: Patterns,
        on_targets: OnTargets,
        on_state: OnState,
        *,
        heartbeat: Heartbeat,
        timing: Timing,
    ) -> None:
        self._root = root
        self._patterns = patterns
        self._on_targets = on_targets
        self._on_state = on_state
        self._heartbeat = heartbeat
        self._timing = timing
        self._delay = RetryDelay(timing)
        self._state: WatchState | None = None

    def run(self, stop: threading.Event) -> None:
        """Watch until stopped; build another watch whenever one ends."""
        while not stop.is_set():
            delay = self._watch_once(stop)
            stop.wait(delay)

    def _watch_once(self, stop: threading.Event) -> float:
        """Use one watch until it ends; return the delay in seconds before the next one."""
        identity = self._identity()
        if identity is None:
            self._set_state(RootMissing(why_missing(self._root)))
            return self._timing.root_check
        began = time.monotonic()
        built = None
        reason = None
        try:
            with closing(self._build()) as watch:
                built = time.monotonic()
                self._follow(watch, identity, stop)
        except WatchLimitReached as limit:
            self._continue_without_watch(str(limit))
            return self._timing.limit_retry
        except WatchEnded as ended:
            reason = str(ended)
        lifetime = time.monotonic() - built if built else 0.0
        delay = self._delay.delay_after(time.monotonic() - began - lifetime, lifetime)
        if reason and delay >= self._timing.degraded and not isinstance(self._state, Degraded):
            self._set_state(Degraded(reason))
        return delay

    def _follow(self, watch: Watch, identity: RootIdentity, stop: threading.Event) -> None:
        """Report scan targets until stopped, or until the watch no longer covers the folder."""
        built = root_checked = limit_checked = time.monotonic()
        rescan = QuietRescan(self._timing.max_quiet_wait)
        if not isinstance(self._state, Degraded):
            self._set_state(Active(identity.device, identity.inode))
        self._on_targets(frozenset({EVERYWHERE}))
        while not stop.is_set():
            changes = watch.changes(self._timing.quiet, stop)
            if watch.is_ended_by(changes):
                return
            now = time.monotonic()
            self._report(watch, changes, rescan, now)
            if now - root_checked >= self._timing.root_check:
                root_checked = now
                if self._identity() != identity:
                    return
            if now - limit_checked >= self._timing.limit_check:
                limit_checked = now
                if self._check_limit(watch):
                    return
            if isinstance(self._state, Degraded) and now - built >= self._timing.steady:
                self._set_state(Active(identity.device, identity.inode))

    def _identity(self) -> RootIdentity | None:
        with self._heartbeat.operation():
            return root_identity(self._root)

    def _build(self) -> Watch:
        with self._heartbeat.operation():
            _await_disk(self._root)
            return build(os.path.realpath(self._root))

    def _report(self, watch: Watch, changes: Changes, rescan: QuietRescan, now: float) -> None:
        with self._heartbeat.operation():
            targets = targets_of(watch.root, watch.paths(changes), self._patterns)
        rescan.add(targets, now)
        if len(changes) >= SUSPICIOUS:
            rescan.add([EVERYWHERE], now)
        if targets := coalesced(targets | rescan.take_due(now, quiet=not changes)):
            self._on_targets(targets)

    def _check_limit(self, watch: Watch) -> bool:
        """Record whether the limit is reached; return whether the watch has to be built again.

        It has to be after the limit was raised: directories created before that are not watched.
        """
        try:
            with self._heartbeat.operation():
                _await_disk(self._root)
                check_limit(watch.root)
        except WatchLimitReached as limit:
            self._set_state(LimitReached(str(limit)))
            return False
        except WatchEnded:
            return False  # the check of the root will find it
        return isinstance(self._state, LimitReached)

    def _continue_without_watch(self, advice: str) -> None:
        if not isinstance(self._state, LimitReached):
            self._on_targets(frozenset({EVERYWHERE}))
        self._set_state(LimitReached(advice))

    def _set_state(self, state: WatchState) -> None:
        if state != self._state:
            self._state = state
            self._on_state(state)


def _await_disk(root: bytes) -> None:
    """Block until the disk responds to a request that no cache answers.

    A watch is built with the GIL held: if the disk hung then, the whole process would stop.
    """
    with suppress(OSError):  # building the watch meets the same error
        os.statvfs(root)
