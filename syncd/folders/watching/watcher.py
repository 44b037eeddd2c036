"""Keeps watch on a folder, and tells places to look at; whatever happens to the folder.

watchfiles tells where to look, never what happened, and not everywhere (design.md). So where
something may have been missed is looked at again: everything once a watch stands, and once more
what arrived, when it has become quiet.
"""

from __future__ import annotations

import asyncio
import os
import threading
import time
from collections.abc import Callable
from contextlib import closing, suppress

from syncd.folders.patterns import Patterns
from syncd.folders.safe_open import sentence
from syncd.folders.scanning.walk import root_identity
from syncd.folders.watching.again import QuietRescan
from syncd.folders.watching.retry_delay import Patience, Timing
from syncd.folders.watching.targets import EVERYWHERE, ScanTarget, coalesced, targets_of
from syncd.folders.watching.watch import (
    Changes,
    Watch,
    WatchEnded,
    WatchLimitReached,
    ask_for_one_more,
    build,
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
"""So many paths at once may be what is left of an overflow, of which notify says nothing: the queue
holds 16,384 events (fs.inotify.max_queued_events), and a file written makes four or more of them.
"""

ENDING = 5.0  # seconds: more than any step takes but a stat on a file server that hangs


class Watcher:
    """The watcher of one folder: `run` it in a task; the callbacks are called on its loop."""

    def __init__(
        self,
        root: bytes,
        patterns: Patterns,
        on_looks: Callable[[frozenset[ScanTarget]], None],
        on_state: Callable[[WatchState], None],
        pulse: Heartbeat | None = None,
        timing: Timing | None = None,
    ) -> None:
        """pulse shows whether the disk answers the watcher's questions."""
        self._root = root
        self._patterns = patterns
        self._on_looks = on_looks
        self._on_state = on_state
        self._pulse = pulse or Heartbeat()
        self._timing = timing or Timing()

    async def run(self) -> None:
        """Watch until cancelled. The watching thread has ended when this has."""
        loop = asyncio.get_running_loop()
        ended: asyncio.Future[None] = loop.create_future()
        sentry = _Sentry(
            self._root,
            self._patterns,
            lambda looks: loop.call_soon_threadsafe(self._on_looks, looks),
            lambda state: loop.call_soon_threadsafe(self._on_state, state),
            self._pulse,
            self._timing,
        )

        def stand() -> None:
            try:
                sentry.stand()
            except BaseException as bug:  # noqa: BLE001 -- goes on to the task, which crashes
                loop.call_soon_threadsafe(ended.set_exception, bug)
            else:
                loop.call_soon_threadsafe(ended.set_result, None)

        name = f"watch {printable(self._root)}"
        thread = threading.Thread(target=stand, name=name, daemon=True)
        thread.start()
        try:
            await asyncio.shield(ended)
        finally:
            sentry.stop.set()
            await asyncio.wait([ended], timeout=ENDING)
            if ended.done():
                thread.join()


class _Sentry:
    """What stands on the thread: builds a watch, and another whenever one is no good any more."""

    def __init__(
        self,
        root: bytes,
        patterns: Patterns,
        tell_looks: Callable[[frozenset[ScanTarget]], object],
        tell_state: Callable[[WatchState], object],
        pulse: Heartbeat,
        timing: Timing,
    ) -> None:
        self.stop = threading.Event()
        self._root = root
        self._patterns = patterns
        self._tell_looks = tell_looks
        self._tell_state = tell_state
        self._pulse = pulse
        self._timing = timing
        self._patience = Patience(timing)
        self._state: WatchState | None = None

    def stand(self) -> None:
        """Watch until asked to stop."""
        while not self.stop.is_set():
            pause = self._stand_once()
            self.stop.wait(pause)

    def _stand_once(self) -> float:
        """Keep one watch as long as it is good; return how long to wait before the next."""
        identity = self._identity()
        if identity is None:
            self._say(RootMissing(_why_missing(self._root)))
            return self._timing.root_check
        began = time.monotonic()
        built = None
        reason = None
        try:
            with closing(self._build()) as watch:
                built = time.monotonic()
                self._keep(watch, identity)
        except WatchLimitReached as limited:
            self._live_without(str(limited))
            return self._timing.limit_retry
        except WatchEnded as ended:
            reason = str(ended)
        stood = time.monotonic() - built if built else 0.0
        pause = self._patience.pause_after(time.monotonic() - began - stood, stood)
        if reason and pause >= self._timing.hampered and not isinstance(self._state, Degraded):
            self._say(Degraded(reason))
        return pause

    def _keep(self, watch: Watch, identity: RootIdentity) -> None:
        """Tell where to look, until asked to stop or until the watch is no good any more."""
        built = root_checked = limit_checked = time.monotonic()
        again = QuietRescan(self._timing.unquiet)
        if not isinstance(self._state, Degraded):
            self._say(Active(identity.device, identity.inode))
        self._tell_looks(frozenset({EVERYWHERE}))
        while not self.stop.is_set():
            changes = watch.changes(self._timing.quiet, self.stop)
            if watch.is_ended_by(changes):
                return
            now = time.monotonic()
            self._tell(watch, changes, again, now)
            if now - root_checked >= self._timing.root_check:
                root_checked = now
                if _is_another(self._identity(), identity):
                    return
            if now - limit_checked >= self._timing.limit_check:
                limit_checked = now
                if self._has_gaps(watch):
                    return
            if isinstance(self._state, Degraded) and now - built >= self._timing.steady:
                self._say(Active(identity.device, identity.inode))

    def _identity(self) -> RootIdentity | None:
        with self._pulse.operation():
            return root_identity(self._root)

    def _build(self) -> Watch:
        with self._pulse.operation():
            _await_disk(self._root)
            return build(os.path.realpath(self._root))

    def _tell(self, watch: Watch, changes: Changes, again: QuietRescan, now: float) -> None:
        with self._pulse.operation():
            looks = targets_of(watch.root, watch.paths(changes), self._patterns)
        again.remember(looks, now)
        if len(changes) >= SUSPICIOUS:
            again.remember([EVERYWHERE], now)
        if told := coalesced(looks | again.due(now, quiet=not changes)):
            self._tell_looks(told)

    def _has_gaps(self, watch: Watch) -> bool:
        """Whether a limit was reached and is no more: what came meanwhile is not watched."""
        try:
            with self._pulse.operation():
                _await_disk(self._root)
                ask_for_one_more(watch.root)
        except WatchLimitReached as limited:
            self._say(LimitReached(str(limited)))
            return False
        except WatchEnded:
            return False  # the check of the root will tell
        return isinstance(self._state, LimitReached)

    def _live_without(self, advice: str) -> None:
        if not isinstance(self._state, LimitReached):
            self._tell_looks(frozenset({EVERYWHERE}))
        self._say(LimitReached(advice))

    def _say(self, state: WatchState) -> None:
        if state != self._state:
            self._state = state
            self._tell_state(state)


def _await_disk(root: bytes) -> None:
    """Return once the disk answers what no cache does: a watch is built with the GIL held, and one
    that hung in it would stop the whole process."""
    with suppress(OSError):  # what is wrong with it the building tells
        os.statvfs(root)


def _is_another(found: RootIdentity | None, kept: RootIdentity) -> bool:
    # Not its links: each sub-directory that is made is one more of them.
    return found is None or (found.device, found.inode) != (kept.device, kept.inode)


def _why_missing(root: bytes) -> str:
    try:
        os.stat(root)
    except OSError as error:
        return sentence(error)
    return "no directory stands there"
