"""The scans of one folder, from the check of its root to the conclusion about missing files.

A scan that has ended is concluded once the files that it found are recorded.
"""

from __future__ import annotations

import asyncio
import itertools
import time
from collections import Counter
from collections.abc import Callable, Collection, Sequence
from contextlib import suppress
from functools import partial

import msgspec
import structlog

from syncd.folders import skipped
from syncd.folders.filesystem import root_identity, why_missing
from syncd.folders.folder_state import FolderState
from syncd.folders.intake.intake import Intake
from syncd.folders.mounts import current_mounts_around
from syncd.folders.safety import RootGuard, ScanResult
from syncd.folders.scanning.scan import Stretch, Walk, check_files, stat_files
from syncd.folders.scanning.walk import FolderTree, Trouble
from syncd.folders.watching.targets import EVERYWHERE, ScanTarget, coalesced
from syncd.heartbeat import Heartbeat
from syncd.ledger import directories, files, folders, missed
from syncd.ledger.database import Ledger
from syncd.ledger.files import Place
from syncd.ledger.statements import Write, all_of
from syncd.log import Log, moment
from syncd.model import RootIdentity, Stat, printable
from syncd.rules.evidence import RootMatch
from syncd.threads import run_in_thread, start_thread

log: Log = structlog.get_logger()

MAX_TROUBLES = 100
"""Unreadable paths of one scan that are recorded one by one."""

_numbers = itertools.count(1)


class Report(msgspec.Struct, kw_only=True):
    """The figures of one scan."""

    seen: int = 0
    found: int = 0
    troubles: int = 0
    skipped: Counter[str] = msgspec.field(default_factory=Counter)  # files, by reason
    trouble: str | None = None  # as the ledger has it
    scanned_at: float | None = None  # unix seconds; None after an error


class ScanRequests:
    """The targets that are to be scanned soon."""

    def __init__(self) -> None:
        self._targets: set[ScanTarget] = set()
        self._added = asyncio.Event()
        self._everything = asyncio.Event()

    def add(self, targets: Collection[ScanTarget]) -> None:
        """Request a scan of these targets; EVERYWHERE includes all others."""
        if EVERYWHERE in targets:
            self._everything.set()
        elif targets:
            self._targets.update(targets)
            self._added.set()

    async def take(self) -> frozenset[ScanTarget]:
        """Wait for targets other than EVERYWHERE, and take them all."""
        await self._added.wait()
        self._added.clear()
        targets, self._targets = coalesced(self._targets), set()
        return targets

    async def wait_for_everything(self, limit: float) -> None:
        """Wait until everything is requested, or for `limit` seconds."""
        with suppress(TimeoutError):
            async with asyncio.timeout(limit):
                await self._everything.wait()

    def take_everything(self) -> None:
        """Take the request of everything: a later one needs another scan."""
        self._everything.clear()


class FolderScanner:
    """The scanner of one folder, which hands new and changed files to the intake."""

    def __init__(
        self,
        tree: FolderTree,
        ledger: Ledger,
        intake: Intake,
        guard: RootGuard,
        state: FolderState,
        *,
        heartbeat: Heartbeat,
        changed: Callable[[], None],
    ) -> None:
        """`changed` is called after a scan that removed files from the ledger."""
        self._tree = tree
        self._ledger = ledger
        self._intake = intake
        self._guard = guard
        self._state = state
        self._changed = changed
        self._running = 0
        self._unconcluded: list[ScanResult] = []
        self.requests = ScanRequests()
        self.heartbeat = heartbeat
        self.ended = asyncio.Event()
        """Set when a scan has ended that is to be concluded."""

    @property
    def is_scanning(self) -> bool:
        """Whether a scan runs that has not stalled."""
        return self._running > 0 and not self.heartbeat.is_stalled()

    async def scan_all(self) -> bool:
        """Scan the whole folder; return whether it met no error."""
        began = time.monotonic()
        report = await self.scan(frozenset({EVERYWHERE}), fresh=False)
        if report is None:
            return False
        log.info(
            "scan.done",
            folder=self._tree.name,
            files=report.seen,
            new_or_changed=report.found,
            skipped=skipped.summary(report.skipped),
            troubles=report.troubles,
            trouble=report.trouble,
            scanned_at=moment(report.scanned_at),
            seconds=round(time.monotonic() - began, 3),
        )
        return report.troubles == 0

    async def scan_requested(self, targets: Collection[ScanTarget]) -> None:
        """Scan what the watch has named: files one by one, and directories."""
        check = partial(check_files, self._ledger.path, self._tree, targets)
        with self.heartbeat.operation() as operation:
            found, left = await run_in_thread(partial(check, operation.beat))
        await self._offer_fresh(found)
        if left:
            await self.scan(left, fresh=True)

    async def scan(self, targets: Collection[ScanTarget], *, fresh: bool) -> Report | None:
        """Scan the targets; return None if the folder is not there.

        The files of a fresh scan have just been dropped, and go before those of other scans.
        """
        self._running += 1
        try:
            began = self._ledger.now()
            identity = await self._identity()
            root = await self._guard.compare(identity, self._stat_files)
            if identity is None:
                await self._state.record_missing(await self._why_missing())
                return None
            if root is RootMatch.MISSING:
                return None
            await self._state.record_present()
            number, suspicions = next(_numbers), self._guard.suspicions
            report, troubles = await self._walk(targets, number, fresh=fresh)
            result = ScanResult(
                number=number,
                began=began,
                root=root,
                identity=identity,
                root_stable=await self._identity() == identity,
                seen=report.seen,
                error_free=not troubles,
                full=EVERYWHERE in targets,
                suspicions=suspicions,
            )
            await self._end(result, troubles, report)
        finally:
            self._running -= 1
        return report

    async def _walk(
        self, targets: Collection[ScanTarget], number: int, *, fresh: bool
    ) -> tuple[Report, list[Trouble]]:
        report, troubles = Report(), list[Trouble]()
        walk = Walk(self._ledger.path, self._tree, targets)
        try:
            while (stretch := await self._stretch(walk)) is not None:
                if stretch.missed or stretch.renumbered:
                    await self._ledger.write(_mark(self._tree.folder_id, number, stretch))
                if stretch.with_other_numbers:
                    await self._ledger.write(files.renumber(stretch.with_other_numbers))
                if fresh:
                    await self._offer_fresh(stretch.found)
                else:
                    await self._intake.offer(self._tree.root, stretch.found)
                report.seen += stretch.seen
                report.found += len(stretch.found)
                skipped.add(report.skipped, stretch.skipped)
                report.troubles += len(stretch.troubles)
                troubles += stretch.troubles[: MAX_TROUBLES - len(troubles)]
        finally:  # not waited for: a cancelled stretch may still be on its thread
            start_thread(walk.close)
        return report, troubles

    async def _stretch(self, walk: Walk) -> Stretch | None:
        """Walk on for a moment, or until the workers of the walk respond."""
        with self.heartbeat.operation() as operation:
            while True:
                stretch = await run_in_thread(partial(walk.stretch, operation.beat))
                if stretch is None or stretch.progress:
                    return stretch

    async def _identity(self) -> RootIdentity | None:
        with self.heartbeat.operation():
            return await run_in_thread(partial(root_identity, self._tree.root))

    async def _why_missing(self) -> str:
        with self.heartbeat.operation():
            return await run_in_thread(partial(why_missing, self._tree.root))

    async def mounts(self) -> list[bytes]:
        """Return the mounts at, above and below the folder; raise OSError without /proc.

        This waits for a disk that hangs, which its watcher or a scan reports.
        """
        return await run_in_thread(partial(current_mounts_around, self._tree.root))

    async def _stat_files(self, paths: Sequence[bytes]) -> list[Stat | None]:
        with self.heartbeat.operation() as operation:
            return await run_in_thread(partial(stat_files, self._tree.root, paths, operation.beat))

    async def _offer_fresh(self, found: Sequence[tuple[Place, Stat]]) -> None:
        if not await self._intake.offer_fresh(self._tree.root, found):
            self.requests.add([EVERYWHERE])

    async def conclude(self) -> None:
        """Apply what the ended scans prove; the files that they found are recorded."""
        results, self._unconcluded = self._unconcluded, []
        for result in results:
            if await self._guard.conclude(result):
                self._changed()

    async def _end(self, result: ScanResult, troubles: list[Trouble], report: Report) -> None:
        if not result.root_stable:
            log.info("folder.swapped", folder=self._tree.name, path=printable(self._tree.root))
            self.requests.add([EVERYWHERE])
        await self._state.record_unreadable(troubles)
        if result.full:
            if result.root_stable and report.troubles == len(troubles):  # none was left out
                await self._state.record_readable(still=troubles)
            counts = folders.record_skipped(self._tree.folder_id, skipped.summary(report.skipped))
            await self._ledger.write(all_of([self._outcome(troubles, report), counts]))
        self._unconcluded.append(result)
        self.ended.set()

    def _outcome(self, troubles: list[Trouble], report: Report) -> Write[None]:
        if not troubles:
            report.scanned_at = time.time()
            return folders.record_scanned(self._tree.folder_id, report.scanned_at)
        first = troubles[0]
        more = f", and {len(troubles) - 1} more" if len(troubles) > 1 else ""
        report.trouble = f"cannot read {self._state.path_of(first)}: {first.reason}{more}"
        return folders.record_trouble(self._tree.folder_id, report.trouble)


def _mark(folder_id: int, number: int, stretch: Stretch) -> Write[list[None]]:
    return all_of(
        [missed.mark(number, m.directory_id, m.files, m.directories) for m in stretch.missed]
        + [directories.note_renumbered(folder_id, number, stretch.renumbered)]
    )
