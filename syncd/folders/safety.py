"""What a scan of one folder proves: whether what it missed is gone, and was deleted."""

from __future__ import annotations

import time
from typing import assert_never

import msgspec
import structlog

from syncd.config import FolderConfig
from syncd.ledger import alerts, condemned, files, folders
from syncd.ledger.database import Ledger
from syncd.log import Log, elapsed
from syncd.model import Deletions, HoldAbove, RootIdentity, printable
from syncd.rules.evidence import Conclusion, Evidence, RootMatch, is_too_many, trust_scan

log: Log = structlog.get_logger()


class Scan(msgspec.Struct, frozen=True):
    """A scan that has ended, and what it met; began in unix seconds."""

    number: int
    began: float
    root: RootMatch
    before: RootIdentity
    still: bool
    seen: int  # files
    unbroken: bool
    whole: bool


class RootGuard:
    """Remembers which directory the folder is, and doubts whatever looks like another."""

    def __init__(
        self, folder_id: int, folder: FolderConfig, ledger: Ledger, hold: HoldAbove
    ) -> None:
        self._id = folder_id
        self._name = folder.name
        self._path = printable(folder.path)
        self._propagates = folder.deletions is Deletions.PROPAGATE
        self._patterns = "\n".join([*folder.include, *(f"!{p}" for p in folder.exclude)])
        self._ledger = ledger
        self._hold = hold
        self._proven: Scan | None = None
        self._subject = alerts.folder_subject(folder.name)
        self._told: str | None = None  # the doubt that was said, until it is over
        self._spared = 0  # images that were condemned, and are not since that doubt

    @property
    def doubts(self) -> bool:
        """Something was said against the folder, and is not over."""
        return self._told is not None

    async def compare(self, found: RootIdentity | None) -> RootMatch:
        """Tell which directory a scan begins on, and doubt one that is not what it was."""
        before = await self._ledger.read(folders.trusted_state(self._id))
        if found is None:  # whoever waits for it says so
            await self._doubt(before, "not there")
            return RootMatch.MISSING
        if found.links == 0:
            await self._doubt(before, _GHOST)
            await self._tell(_GHOST, _REMOUNT)
            return RootMatch.MISSING
        if before.is_empty:
            return RootMatch.FIRST
        if before.is_root(found):
            return RootMatch.SAME
        await self._doubt(before, _ANOTHER)
        return RootMatch.DIFFERENT

    async def conclude(self, scan: Scan) -> bool:
        """Believe what the scan missed as far as it proves that; tell whether files went."""
        seen = await self._evidence(scan)
        conclusion = trust_scan(seen)
        if scan.whole and conclusion is not Conclusion.NONE:
            self._proven = scan
        match conclusion:
            case Conclusion.NONE:
                await self._ledger.write(files.unmark_missed(scan.number))
                return False
            case Conclusion.FORGET:
                forgotten, images = await self._ledger.write(files.forget_missed(scan.number)), 0
            case Conclusion.CONDEMN:
                # What a whole scan condemns is confirmed by it; the rest waits for the next one.
                at = scan.began if scan.whole else time.time()
                gone = await self._ledger.write(condemned.condemn_missed(scan.number, at))
                forgotten, images = gone.files, gone.condemned
            case _:
                assert_never(conclusion)
        if forgotten:
            why = _why_gone(seen)
            log.info("files.missing", folder=self._name, files=forgotten, condemned=images, why=why)
        return forgotten > 0

    async def confirm(self) -> None:
        """Take the folder for what the last whole scan saw, once all of that is recorded."""
        if self._proven is None:
            return
        scan, self._proven = self._proven, None
        since = await self._ledger.write(
            folders.trust(self._id, scan.before, self._patterns, scan.seen, scan.began)
        )
        self._told = None
        now = time.time()
        await self._ledger.write(alerts.end("folder.suspect", self._subject, now))
        if since is not None:
            log.notice(
                "folder.trusted", folder=self._name, path=self._path, duration=elapsed(since, now)
            )

    async def _evidence(self, scan: Scan) -> Evidence:
        before = await self._ledger.read(folders.trusted_state(self._id))
        # What events have named is forgotten already: the last whole scan is what counts.
        emptied = scan.whole and scan.seen == 0 and bool(before.files)
        same_patterns = before.patterns == self._patterns
        shows_files = not emptied or scan.root is RootMatch.FIRST or not same_patterns
        nearly_all = in_place = True
        if scan.whole and scan.root is RootMatch.DIFFERENT:
            missed, known = await self._ledger.read(files.count_missed(scan.number, self._id))
            nearly_all = not is_too_many(missed, known, self._hold) and missed < (before.files or 1)
        elif scan.root is RootMatch.SAME:
            displaced = files.has_missed_device(scan.number, self._id, scan.before.device)
            in_place = not await self._ledger.read(displaced)
        seen = Evidence(
            root=scan.root,
            root_stable=scan.still,
            error_free=scan.unbroken,
            has_files=shows_files,
            few_missing=nearly_all,
            full=scan.whole,
            trusted=before.doubt is None,
            same_patterns=same_patterns,
            same_mounts=in_place,
            propagates=self._propagates,
        )
        await self._doubt_what_is_odd(before, seen)
        return seen

    async def _doubt_what_is_odd(self, before: folders.TrustedState, seen: Evidence) -> None:
        if not (seen.full and seen.error_free and seen.root_stable):
            return
        if seen.root is RootMatch.DIFFERENT and not (seen.has_files and seen.few_missing):
            await self._tell(_ANOTHER, _REPLACED)  # and doubted since the scan began
        elif not seen.has_files:
            await self._doubt(before, _EMPTY)
            await self._tell(_EMPTY, _REPLACED)
        elif not seen.same_mounts and seen.same_patterns and seen.propagates:
            await self._doubt(before, _UNMOUNTED)
            await self._tell(_UNMOUNTED, _REPLACED)

    async def _doubt(self, before: folders.TrustedState, why: str) -> None:
        if before.doubt != why:
            self._proven = None  # by a scan before this
            self._spared += await self._ledger.write(folders.suspect(self._id, why, time.time()))

    async def _tell(self, why: str, remedy: str) -> None:
        if self._told == why:
            return
        self._told = why
        remedy = f"nothing is deleted; {remedy.format(self._name)}"
        await self._ledger.write(
            alerts.begin("folder.suspect", self._subject, why, time.time(), remedy=remedy)
        )
        log.error(
            "folder.suspect",
            folder=self._name,
            path=self._path,
            why=why,
            spared=self._spared,
            remedy=remedy,
        )
        self._spared = 0


def _why_gone(seen: Evidence) -> str:
    if seen.root is not RootMatch.SAME:
        return "the folder is taken as it is now"
    if not seen.same_patterns:
        return "include or exclude has changed"
    return "deleted" if seen.trusted else "deleted while the folder was in doubt"


_GHOST = "was deleted, and is only still mounted here"
_ANOTHER = "is another directory than before"
_EMPTY = "is empty, and was not"
_UNMOUNTED = "lacks a disk that was mounted below it"
_REMOUNT = "it was made again outside: mount it anew, or restart syncd"
_REPLACED = (
    "mount it, or put its files back; or, if it is to be as it is now: `syncd deletions approve {}`"
)
