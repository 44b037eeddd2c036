"""The monitor of one folder: its watch, and the scans that the watch and the clock ask for."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Collection
from contextlib import suppress

import msgspec

from syncd.config import FolderConfig
from syncd.folders.folder_state import FolderState
from syncd.folders.intake.intake import Intake
from syncd.folders.mounts import MountWatch
from syncd.folders.patterns import Patterns
from syncd.folders.safety import RootGuard
from syncd.folders.scanning.scanner import FolderScanner, ScanRequests
from syncd.folders.scanning.turns import ScanTurns
from syncd.folders.scanning.walk import FolderTree
from syncd.folders.watching.shared_watch import SharedWatch
from syncd.folders.watching.targets import EVERYWHERE, ScanTarget
from syncd.folders.watching.timing import Timing
from syncd.folders.watching.watch_state import RootMissing, WatchState, label
from syncd.folders.watching.watcher import Watcher
from syncd.heartbeat import Heartbeat, wait_unless_stalled
from syncd.ledger.database import Ledger
from syncd.model import FolderName


class MonitorSettings(msgspec.Struct, frozen=True, kw_only=True):
    """How a folder is monitored, and what it shares with the others."""

    rescan: float
    """Seconds between two scans of everything."""
    timing: Timing = msgspec.field(default_factory=Timing)
    mounts: MountWatch = msgspec.field(default_factory=MountWatch)
    turns: ScanTurns = msgspec.field(default_factory=ScanTurns)
    shared: SharedWatch | None = None
    """None: the folder has a watch of its own."""


class FolderMonitor:
    """One folder under watch, with scans of what the watch names, and of everything on a timer."""

    def __init__(
        self,
        folder_id: int,
        folder: FolderConfig,
        ledger: Ledger,
        intake: Intake,
        settings: MonitorSettings,
        *,
        changed: Callable[[], None],
    ) -> None:
        """`changed` is called after a scan that removed files from the ledger."""
        self.tree = FolderTree(
            folder_id=folder_id,
            name=folder.name,
            root=folder.path,
            patterns=Patterns(folder.include, folder.exclude),
        )
        self._intake = intake
        self._settings = settings
        heartbeat = Heartbeat()
        self._guard = RootGuard(folder_id, folder, ledger, heartbeat)
        state = FolderState(folder.name, folder.path, ledger)
        self.scanner = FolderScanner(
            self.tree,
            ledger,
            intake,
            guard=self._guard,
            state=state,
            heartbeat=heartbeat,
            changed=changed,
        )
        self.watch = WatchMonitor(state, self.scanner.requests)

    @property
    def name(self) -> FolderName:
        """The folder's name in the configuration."""
        return self.tree.name

    def request_scan(self, targets: Collection[ScanTarget]) -> None:
        """Ask for a scan of these targets, which begins soon."""
        self.scanner.requests.add(targets)

    async def scan_all(self) -> bool:
        """Scan the whole folder once it has a turn; return whether that met no error."""
        async with self._settings.turns.turn(self.scanner.heartbeat):
            self.scanner.requests.take_everything()
            return await self.scanner.scan_all()

    def recheck(self) -> None:
        """Scan the folder again if the operator may have trusted it."""
        if self._guard.may_be_trusted:
            self.scanner.requests.add([EVERYWHERE])

    async def conclude(self) -> None:
        """Apply what the ended scans prove, now that the files that they found are recorded."""
        await self.scanner.conclude()

    async def run(self) -> None:
        """Watch and scan until cancelled.

        A new watch asks for a scan of everything, so that no file is missed between the two.
        """
        watcher = Watcher(
            self.tree.root,
            self.tree.patterns,
            self.watch.record_event,
            self.watch.record_state,
            heartbeat=self.watch.heartbeat,
            timing=self._settings.timing,
            shared=self._settings.shared,
        )
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(watcher.run(), name=f"watch:{self.name}")
            tasks.create_task(self.watch.run(), name=f"watch state:{self.name}")
            tasks.create_task(self._scan_all_when_due(), name=f"scan:{self.name}")
            tasks.create_task(self._scan_requested(), name=f"requests:{self.name}")
            tasks.create_task(self._watch_mounts(), name=f"mounts:{self.name}")
            tasks.create_task(self._conclude_when_recorded(), name=f"conclude:{self.name}")

    async def _scan_all_when_due(self) -> None:
        while True:
            await self.scanner.requests.wait_for_everything(self._settings.rescan)
            await self.scan_all()

    async def _scan_requested(self) -> None:
        """Scan requested targets, which do not wait for the end of a scan of everything."""
        while True:
            await self.scanner.scan_requested(await self.scanner.requests.take())

    async def _watch_mounts(self) -> None:
        """Pause deletions whenever a mount at, above or below the folder changes."""
        with suppress(OSError), self._settings.mounts.changes() as changed:  # else scans notice it
            known = await self.scanner.mounts()
            while True:
                await changed.wait()
                changed.clear()
                self._guard.record_mount()
                if (now := await self.scanner.mounts()) != known:
                    known = now
                    await self._guard.suspect_mounts()
                    self.scanner.requests.add([EVERYWHERE])

    async def _conclude_when_recorded(self) -> None:
        """Conclude scans, once the files that they found are recorded.

        A file that is missing in one place may have been renamed to another.
        """
        while True:
            await self.scanner.ended.wait()
            self.scanner.ended.clear()
            await self._intake.record_found(self.tree.folder_id)
            await self.conclude()


class WatchMonitor:
    """The state of a folder's watch, recorded in the ledger and shown in the statistics."""

    def __init__(self, state: FolderState, requests: ScanRequests) -> None:
        self._folder_state = state
        self._requests = requests
        self._states: asyncio.Queue[WatchState] = asyncio.Queue()
        self._known = asyncio.Event()
        self.heartbeat = Heartbeat()
        self.label = "starting"
        """The state in one word: starting, watched, missing, limited or degraded."""
        self.last_event_at: float | None = None
        """Unix seconds of the last event; None before the first one."""

    async def wait_for_state(self) -> None:
        """Return once the watch is active, or the reason why not is logged, or its disk stalls."""
        await wait_unless_stalled(self._known.is_set, self._known.wait, self.heartbeat)

    @property
    def is_pending(self) -> bool:
        """Whether `wait_for_state` would wait."""
        return not (self._known.is_set() or self.heartbeat.is_stalled())

    def record_event(self, targets: frozenset[ScanTarget]) -> None:
        """Request scans of the targets, which the watch has named."""
        if targets != {EVERYWHERE}:  # with which each watch begins, without an event
            self.last_event_at = time.time()
        self._requests.add(targets)

    def record_state(self, state: WatchState) -> None:
        """Note the watch's new state, which `run` records."""
        self._states.put_nowait(state)

    async def run(self) -> None:
        """Record each state until cancelled."""
        while True:
            state = await self._states.get()
            self.label = label(state)
            if isinstance(state, RootMissing):
                self._requests.add([EVERYWHERE])  # which records it in the ledger at once
            await self._folder_state.record_watch(state)
            self._known.set()
