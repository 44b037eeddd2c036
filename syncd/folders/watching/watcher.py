"""The watcher of one folder, which names scan targets whatever happens to the folder.

watchfiles reports where something happened, never what, and misses some files in new directories.
So syncd scans once more where an event may be missing: everything when a watch begins, and new
directories once it is quiet.
"""

from __future__ import annotations

import asyncio
import os
import threading
import time
from collections.abc import Callable, Iterable
from contextlib import closing, suppress

import msgspec

from syncd.folders.filesystem import root_identity
from syncd.folders.patterns import Patterns
from syncd.folders.safe_open import sentence
from syncd.folders.watching.targets import EVERYWHERE, ScanTarget, coalesced, targets_of
from syncd.folders.watching.watch import (
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
from syncd.model import RootIdentity, printable

SUSPICIOUS = 2000
"""Paths at once that may be the rest of an overflow, which notify does not report: the queue holds
16,384 events (fs.inotify.max_queued_events), and a file that is written causes four or more."""

EXIT_TIMEOUT = 5.0
"""Seconds: more than any operation takes, except a stat on a file server that hangs."""

OnTargets = Callable[[frozenset[ScanTarget]], object]
OnState = Callable[[WatchState], object]

BUILD_SHARE = 20
"""Building a watch holds the GIL for 16 us per directory: so it takes at most 1/20 of the time."""


class Timing(msgspec.Struct, frozen=True, kw_only=True):
    """Times in seconds; tests use shorter ones."""

    quiet: float = 1.0  # without an event, after which new directories are scanned again
    max_quiet_wait: float = 30.0  # they are scanned after this time in any case
    root_check: float = 1.0
    limit_check: float = 60.0
    limit_retry: float = 300.0
    first_delay: float = 0.1
    max_delay: float = 60.0
    degraded: float = 2.0  # a delay from which on the watch counts as degraded
    steady: float = 30.0  # a watch that lasted this long is sound again


class RetryDelay:
    """The delay before the next watch is built."""

    def __init__(self, timing: Timing) -> None:
        self._timing = timing
        self._delay = 0.0

    def delay_after(self, build_time: float, lifetime: float) -> float:
        """Return the delay in seconds after a watch that was built and then lasted this long."""
        if lifetime >= self._timing.steady or not self._delay:
            self._delay = self._timing.first_delay
        else:
            self._delay = min(self._delay * 2, self._timing.max_delay)
        return max(self._delay, build_time * BUILD_SHARE)


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
    ) -> None:
        """`heartbeat` shows whether the disk responds to the watcher. Needs a running loop."""
        self._loop = loop = asyncio.get_running_loop()
        self._name = f"watch {printable(root)}"
        self._watching = _WatchThread(
            root,
            patterns,
            lambda targets: loop.call_soon_threadsafe(on_targets, targets),
            lambda state: loop.call_soon_threadsafe(on_state, state),
            heartbeat=heartbeat,
            timing=timing,
        )

    async def run(self) -> None:
        """Watch until cancelled; then the thread of the watch has ended, too. Called once."""
        loop, watching = self._loop, self._watching
        ended: asyncio.Future[None] = loop.create_future()

        def run() -> None:
            try:
                watching.run()
            except BaseException as bug:  # noqa: BLE001  raised by the task, which crashes
                loop.call_soon_threadsafe(ended.set_exception, bug)
            else:
                loop.call_soon_threadsafe(ended.set_result, None)

        thread = threading.Thread(target=run, name=self._name, daemon=True)
        thread.start()
        try:
            await asyncio.shield(ended)
        finally:
            watching.stop.set()
            await asyncio.wait([ended], timeout=EXIT_TIMEOUT)
            if ended.done():
                thread.join()


class QuietRescan:
    """Deep targets to be scanned again once it is quiet, or after they have waited long enough.

    Files that are created in a new directory before it is watched cause no event, and the first
    scan may have come before them, too.
    """

    def __init__(self, max_wait: float) -> None:
        """`max_wait` is in seconds, as are all times here."""
        self._max_wait = max_wait
        self._targets: frozenset[ScanTarget] = frozenset()
        self._since = 0.0

    def add(self, targets: Iterable[ScanTarget], now: float) -> None:
        """Add those of the targets that are deep."""
        deep = [target for target in targets if target.deep]
        if deep:
            if not self._targets:
                self._since = now
            self._targets = coalesced([*self._targets, *deep])

    def take_due(self, now: float, *, quiet: bool) -> frozenset[ScanTarget]:
        """Return the targets if they are due now, each once."""
        if not quiet and now - self._since < self._max_wait:
            return frozenset()
        targets, self._targets = self._targets, frozenset()
        return targets


class _WatchThread:
    """The work of the thread: builds a watch, and another one whenever it ends."""

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
        self.stop = threading.Event()
        self._root = root
        self._patterns = patterns
        self._on_targets = on_targets
        self._on_state = on_state
        self._heartbeat = heartbeat
        self._timing = timing
        self._delay = RetryDelay(timing)
        self._state: WatchState | None = None

    def run(self) -> None:
        """Watch until stopped."""
        while not self.stop.is_set():
            delay = self._watch_once()
            self.stop.wait(delay)

    def _watch_once(self) -> float:
        """Use one watch until it ends; return the delay in seconds before the next one."""
        identity = self._identity()
        if identity is None:
            self._set_state(RootMissing(_why_missing(self._root)))
            return self._timing.root_check
        began = time.monotonic()
        built = None
        reason = None
        try:
            with closing(self._build()) as watch:
                built = time.monotonic()
                self._follow(watch, identity)
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

    def _follow(self, watch: Watch, identity: RootIdentity) -> None:
        """Report scan targets until stopped, or until the watch no longer covers the folder."""
        built = root_checked = limit_checked = time.monotonic()
        rescan = QuietRescan(self._timing.max_quiet_wait)
        if not isinstance(self._state, Degraded):
            self._set_state(Active(identity.device, identity.inode))
        self._on_targets(frozenset({EVERYWHERE}))
        while not self.stop.is_set():
            changes = watch.changes(self._timing.quiet, self.stop)
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


def _why_missing(root: bytes) -> str:
    try:
        os.stat(root)
    except OSError as error:
        return sentence(error)
    return "it is not a directory"
