"""The keeper of one folder: it looks where the watch points, and at everything now and then."""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from functools import partial

import structlog

from syncd.config import FolderConfig
from syncd.folders.folder_state import FolderState
from syncd.folders.intake.intake import Intake
from syncd.folders.patterns import Patterns
from syncd.folders.safety import RootGuard, Scan
from syncd.folders.scanning.looking import look_at_files
from syncd.folders.scanning.scan import Stretch, Walk
from syncd.folders.scanning.walk import Trouble, root_identity
from syncd.folders.watching.retry_delay import Timing
from syncd.folders.watching.targets import EVERYWHERE, ScanTarget, coalesced
from syncd.folders.watching.watch_state import RootMissing, WatchState, in_a_word
from syncd.folders.watching.watcher import Watcher
from syncd.heartbeat import Heartbeat, wait_unless_stalled
from syncd.ledger import files, folders
from syncd.ledger.database import Ledger
from syncd.ledger.files import Place
from syncd.ledger.statements import Write, all_of
from syncd.log import Log, moment
from syncd.model import FolderName, HoldAbove, RootIdentity, Stat, printable
from syncd.rules.evidence import RootMatch
from syncd.threads import run_in_thread, start_thread

log: Log = structlog.get_logger()

_scans = itertools.count(1)


@dataclass(slots=True)
class _Report:
    seen: int = 0
    found: int = 0
    troubles: int = 0
    trouble: str | None = None  # as the ledger has it
    scanned_at: float | None = None  # unix seconds; None: not without an error


class FolderMonitor:
    """Scans one folder, one scan at a time; what it finds goes to the intake."""

    def __init__(
        self,
        folder_id: int,
        folder: FolderConfig,
        ledger: Ledger,
        intake: Intake,
        rescan: float,
        hold: HoldAbove,
        *,
        changed: Callable[[], None],
        timing: Timing | None = None,
    ) -> None:
        """rescan is in seconds; `changed` is called after a scan that changed facts; timing is the
        watch's, where it is not the usual one."""
        self._id = folder_id
        self._name = folder.name
        self._root = folder.path
        self.patterns = Patterns(folder.include, folder.exclude)
        self._ledger = ledger
        self._intake = intake
        self._rescan = rescan
        self._timing = timing
        self._changed = changed
        self._trust = RootGuard(folder_id, folder, ledger, hold)
        self._scanned = asyncio.Event()
        self._looks: set[ScanTarget] = set()
        self._told_to_look = asyncio.Event()
        self._everything = asyncio.Event()
        self.watched = asyncio.Event()
        """The watch stands, or it has been said why it does not."""
        self._watch_states: asyncio.Queue[WatchState] = asyncio.Queue()
        self.watch = "starting"
        """How the watch stands, in a word: watched, missing, limited, hampered."""
        self.last_event_at: float | None = None
        """When the watch last pointed somewhere, in unix seconds."""
        self.scanner = Heartbeat()
        self.watcher = Heartbeat()
        self._telling = FolderState(folder.name, folder.path, ledger)
        self._scans_running = 0

    @property
    def name(self) -> FolderName:
        """The folder's, as the configuration has it."""
        return self._name

    @property
    def scanning(self) -> bool:
        """A scan is under way, and moves."""
        return self._scans_running > 0 and not self.scanner.is_stalled()

    async def watch_awaited(self) -> None:
        """Return once the watch stands, or it has been said why not, or its disk answers not."""
        await wait_unless_stalled(self.watched.is_set, self.watched.wait, self.watcher)

    def look(self, looks: Collection[ScanTarget]) -> None:
        """Look at these places soon."""
        if EVERYWHERE in looks:
            self._everything.set()
        elif looks:
            self._looks.update(looks)
            self._told_to_look.set()

    async def run(self) -> None:
        """Watch, and scan what the watch points at; everything once it stands, and on the period.

        The watch asks for everything as soon as it stands, so the first scan misses nothing that
        comes after it.
        """
        hear = self._watch_states.put_nowait
        watcher = Watcher(
            self._root, self.patterns, self._noticed, hear, self.watcher, self._timing
        )
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(watcher.run(), name=f"watch:{self._name}")
            tasks.create_task(self._hear_of_watch(), name=f"hear:{self._name}")
            tasks.create_task(self._scan_all_when_due(), name=f"scan:{self._name}")
            tasks.create_task(self._scan_where_told(), name=f"look:{self._name}")
            tasks.create_task(self._confirm_when_recorded(), name=f"confirm:{self._name}")

    def _noticed(self, looks: frozenset[ScanTarget]) -> None:
        if looks != {EVERYWHERE}:  # so it begins, also where nothing has happened
            self.last_event_at = time.time()
        self.look(looks)

    async def _scan_all_when_due(self) -> None:
        while True:
            await _set_within(self._everything, self._rescan)
            self._everything.clear()
            await self.scan_all()

    async def _scan_where_told(self) -> None:
        """What was just dropped does not wait for the end of a scan of everything."""
        while True:
            await self._told_to_look.wait()
            self._told_to_look.clear()
            looks, self._looks = coalesced(self._looks), set()
            with self.scanner.operation() as operation:
                look = partial(look_at_files, self._ledger.path, self._id, self._root, looks)
                found, elsewhere = await run_in_thread(partial(look, operation.beat))
            await self._take_fresh(found)
            if elsewhere:
                await self._scan(elsewhere, fresh=True)

    async def _confirm_when_recorded(self) -> None:
        """What a scan came upon may want what it missed elsewhere: a renamed file."""
        while True:
            await self._scanned.wait()
            self._scanned.clear()
            await self._intake.quiet_but_for_hanging(self._id)
            await self.confirm()

    def recheck(self) -> None:
        """A person may have seen to a doubt: look at everything again."""
        if self._trust.doubts:
            self.look([EVERYWHERE])

    async def confirm(self) -> None:
        """Take the folder for what the last whole scan saw; all of that is recorded."""
        await self._trust.confirm()

    async def scan_all(self) -> bool:
        """Scan the whole folder; tell whether that was done without an error."""
        began = time.monotonic()
        report = await self._scan(frozenset({EVERYWHERE}), fresh=False)
        if report is None:
            return False
        log.info(
            "scan.done",
            folder=self._name,
            files=report.seen,
            new_or_changed=report.found,
            troubles=report.troubles,
            trouble=report.trouble,
            scanned_at=moment(report.scanned_at),
            seconds=round(time.monotonic() - began, 3),
        )
        return report.troubles == 0

    async def _scan(self, looks: Collection[ScanTarget], *, fresh: bool) -> _Report | None:
        self._scans_running += 1
        try:
            began = time.time()
            before = await self._identity()
            root = await self._trust.compare(before)
            if before is None:
                await self._telling.missing()
                return None
            if root is RootMatch.MISSING:
                return None
            await self._telling.there()
            number = next(_scans)
            report, troubles = await self._walk(looks, number, fresh=fresh)
            still = before.is_still(await self._identity())
            whole = EVERYWHERE in looks
            scan = Scan(
                number,
                began,
                root,
                before,
                still,
                report.seen,
                not troubles,
                whole,
            )
            await self._end(scan, troubles, report)
        finally:
            self._scans_running -= 1
        return report

    async def _walk(
        self, looks: Collection[ScanTarget], number: int, *, fresh: bool
    ) -> tuple[_Report, list[Trouble]]:
        report, troubles = _Report(), list[Trouble]()
        walk = Walk(self._ledger.path, self._id, self._root, self.patterns, looks)
        try:
            while (stretch := await self._stretch(walk)) is not None:
                if stretch.missed:
                    await self._ledger.write(_missed_by(number, stretch))
                if fresh:
                    await self._take_fresh(stretch.found)
                else:
                    await self._intake.offer(self._root, stretch.found)
                report.seen += stretch.seen
                report.found += len(stretch.found)
                report.troubles += len(stretch.troubles)
                troubles += stretch.troubles[: _TOLD_AT_MOST - len(troubles)]
        finally:  # not waited for: a cancelled stretch may still be on its thread
            start_thread(walk.close)
        return report, troubles

    async def _identity(self) -> RootIdentity | None:
        with self.scanner.operation():
            return await run_in_thread(partial(root_identity, self._root))

    async def _stretch(self, walk: Walk) -> Stretch | None:
        """Walk on for a moment; while scouts are silent, for as long as that lasts."""
        with self.scanner.operation() as operation:
            while (
                stretch := await run_in_thread(partial(walk.stretch, operation.beat))
            ) is not None:
                if stretch.progress:
                    break
            return stretch

    async def _take_fresh(self, found: Sequence[tuple[Place, Stat]]) -> None:
        if not await self._intake.offer_fresh(self._root, found):
            self._everything.set()

    async def _end(self, scan: Scan, troubles: list[Trouble], report: _Report) -> None:
        if not scan.still:
            log.info("folder.swapped", folder=self._name, path=printable(self._root))
            self.look([EVERYWHERE])
        if await self._trust.conclude(scan):
            self._changed()
        await self._telling.unreadable(troubles)
        if scan.whole:
            if scan.still and report.troubles == len(troubles):  # else a told one may be left out
                await self._telling.readable(but=troubles)
            await self._ledger.write(self._state(troubles, report))
            self._scanned.set()

    def _state(self, troubles: list[Trouble], report: _Report) -> Write[None]:
        if not troubles:
            report.scanned_at = time.time()
            return folders.record_scanned(self._id, report.scanned_at)
        first = troubles[0]
        more = f", and {len(troubles) - 1} more" if len(troubles) > 1 else ""
        report.trouble = f"cannot read {self._telling.path_of(first)}: {first.reason}{more}"
        return folders.record_trouble(self._id, report.trouble)

    async def _hear_of_watch(self) -> None:
        while True:
            state = await self._watch_states.get()
            self.watch = in_a_word(state)
            if isinstance(state, RootMissing):
                self._everything.set()  # the ledger hears of it now, not at the next rescan
            await self._telling.watch_is(state)
            self.watched.set()


async def _set_within(event: asyncio.Event, seconds: float) -> None:
    try:
        async with asyncio.timeout(seconds):
            await event.wait()
    except TimeoutError:
        return


_TOLD_AT_MOST = 100


def _missed_by(number: int, stretch: Stretch) -> Write[list[None]]:
    return all_of(
        [files.mark_missed(number, m.directory_id, m.files, m.directories) for m in stretch.missed]
    )
