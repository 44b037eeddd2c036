"""The safeguard of one folder: what a scan proves about missing files, and when it is suspect."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import assert_never

import msgspec
import structlog

from syncd.config import FolderConfig
from syncd.folders.scanning.absence import Absence
from syncd.folders.scanning.verification import Mounts, Verification
from syncd.heartbeat import Heartbeat
from syncd.ledger import alerts, condemned, directories, files, folders, missed
from syncd.ledger.database import Ledger
from syncd.ledger.kept import KeepReason
from syncd.ledger.statements import all_of
from syncd.log import Log, elapsed
from syncd.model import Deletions, Moment, RootIdentity, Stat, printable
from syncd.rules.evidence import Conclusion, Evidence, RootMatch, trust_scan
from syncd.rules.root import SAMPLE, TreeMatch, compare_trees, is_same_root

log: Log = structlog.get_logger()

StatFiles = Callable[[Sequence[bytes]], Awaitable[Sequence[Stat | None]]]
"""Returns the present stat of each path, relative to the folder; None for one without a file."""


class ScanResult(msgspec.Struct, frozen=True, kw_only=True):
    """A scan that has ended."""

    number: int
    began: Moment
    root: RootMatch
    identity: RootIdentity  # at the beginning
    root_stable: bool  # at its end the root was still that directory
    seen: int  # files
    error_free: bool
    full: bool  # it covered the whole folder
    suspicions: int  # of the guard, at the beginning


class RootGuard:
    """The directory that the folder was when it was last trusted, compared with each scan's."""

    def __init__(
        self, folder_id: int, folder: FolderConfig, ledger: Ledger, heartbeat: Heartbeat
    ) -> None:
        """`heartbeat` is that of the folder's scans."""
        self._id = folder_id
        self._name = folder.name
        self._path = printable(folder.path)
        self._propagates = folder.deletions is Deletions.PROPAGATE
        self._patterns = "\n".join([*folder.include, *(f"!{p}" for p in folder.exclude)])
        self._ledger = ledger
        self._verification = Verification(folder_id, folder.path, ledger, heartbeat)
        self._proven: RootIdentity | None = None  # the trusted root, since the last mount
        self.suspicions = 0
        """How often the folder was found suspect: a scan that began before proves nothing."""
        self._has_kept = False  # names that are gone but were not deleted
        self._reported: str | None = None  # the reason in the log, until the folder is trusted
        self._spared = 0  # condemned images that were spared since then

    @property
    def _subject(self) -> str:
        return alerts.folder_subject(self._name)

    @property
    def may_be_trusted(self) -> bool:
        """Whether the operator may trust the folder as it is: it is suspect, or names were kept."""
        return self._reported is not None or self._has_kept

    def record_mount(self) -> None:
        """Note that another file system may be at the folder's path now."""
        self._proven = None

    async def suspect_mounts(self) -> None:
        """Record the folder as suspect until the next whole scan: a mount around it changed."""
        self.suspicions += 1
        before = await self._ledger.read(folders.trusted_state(self._id))
        if before.doubt is None:
            await self._record_suspect(before, _MOUNT)

    async def compare(self, found: RootIdentity | None, stat_files: StatFiles) -> RootMatch:
        """Compare the root at the beginning of a scan; record a different one as suspect."""
        before = await self._ledger.read(folders.trusted_state(self._id))
        if found is None:  # logged as folder.missing
            await self._record_suspect(before, folders.MISSING)
            return RootMatch.MISSING
        if found.unlinked:
            await self._record_suspect(before, _UNLINKED)
            await self._log_suspect(_UNLINKED, _REMOUNT)
            return RootMatch.MISSING
        if before.root is None:
            return RootMatch.FIRST
        match = await self._match(before.root, found, stat_files)
        if match in (RootMatch.COPY, RootMatch.DIFFERENT):
            await self._record_suspect(before, _DIFFERENT)
        return match

    async def conclude(self, scan: ScanResult) -> bool:
        """Apply what the scan proves about missing files; return whether any were removed.

        If it covered the whole folder, the folder is trusted as the scan found it.
        """
        mounts = await self._verification.mounts()
        removed = False
        if scan.suspicions == self.suspicions:
            evidence = await self._evidence(scan)
            if (conclusion := trust_scan(evidence)) is not Conclusion.NONE:
                removed = await self._apply(scan, evidence, conclusion, mounts)
        await self._ledger.write(
            all_of([missed.unmark(scan.number), directories.forget_renumbered(scan.number)])
        )
        return removed

    async def _apply(
        self, scan: ScanResult, evidence: Evidence, conclusion: Conclusion, mounts: Mounts
    ) -> bool:
        kept: Mapping[Absence, int] = {}
        if evidence.root is RootMatch.SAME and evidence.same_patterns:
            await self._ledger.write(directories.record_same(self._id, scan.number))
            await self._verification.accept_successors(scan.number)
            kept = await self._verification.drop_present(scan.number, mounts)
            now = await self._verification.root()
            if now != scan.identity or scan.suspicions != self.suspicions:
                return False
        await self._report_kept(kept, full=scan.full)
        match conclusion:
            case Conclusion.FORGET:
                forget = missed.forget(scan.number, _keep_reason(evidence))
                forgotten, images = await self._ledger.write(forget), 0
            case Conclusion.CONDEMN:
                # A full scan confirms what it condemns; other images wait for the next full scan.
                moment = scan.began if scan.full else self._ledger.now()
                gone = await self._ledger.write(condemned.condemn_missed(scan.number, moment))
                forgotten, images = gone.files, gone.condemned
            case Conclusion.NONE:
                return False
            case _:
                assert_never(conclusion)
        if forgotten:
            why = _why_missing(evidence)
            log.info("files.missing", folder=self._name, files=forgotten, condemned=images, why=why)
        if not kept:  # else the next scan would find the names in the same directories
            await self._ledger.write(directories.record_replaced(self._id, scan.number))
            if scan.full:
                await self._ledger.write(directories.record_mounts(self._id, mounts))
        if scan.full:
            await self._trust(scan)
        return forgotten > 0

    async def _report_kept(self, found: Mapping[Absence, int], *, full: bool) -> None:
        """Record names that are gone but were not deleted, until a whole scan finds none."""
        now = time.time()
        self._has_kept = bool(found) or (self._has_kept and not full)
        if found:
            why = ", ".join(sorted(_WHY_KEPT[absence] for absence in found))
            remedy = _KEPT.format(self._name)
            names = sum(found.values())
            begin = alerts.begin("files.kept", self._subject, why, now, remedy=remedy)
            if await self._ledger.write(begin):
                log.warning("files.kept", folder=self._name, names=names, why=why, remedy=remedy)
        elif full:
            end = alerts.end("files.kept", self._subject, now)
            if (duration := await self._ledger.write(end)) is not None:
                log.notice("files.settled", folder=self._name, duration=duration)

    async def _trust(self, scan: ScanResult) -> None:
        self._proven = scan.identity
        since = await self._ledger.write(
            folders.trust(
                *(self._id, scan.identity, self._patterns, scan.seen, scan.began),
                was_compared=scan.root is not RootMatch.FIRST,
            )
        )
        self._reported = None
        now = time.time()
        await self._ledger.write(alerts.end("folder.suspect", self._subject, now))
        if since is not None:
            log.notice(
                "folder.trusted", folder=self._name, path=self._path, duration=elapsed(since, now)
            )

    async def _match(
        self, before: RootIdentity, found: RootIdentity, stat_files: StatFiles
    ) -> RootMatch:
        if found == self._proven or is_same_root(before, found):
            self._proven = found
            return RootMatch.SAME
        self._proven = None
        known = await self._ledger.read(files.sample(self._id, SAMPLE))
        if not known:  # nothing can be lost
            return RootMatch.FIRST
        present = await stat_files([path for path, _ in known])
        stats = [stat for _, stat in known]
        match compare_trees(list(zip(stats, present, strict=True))):
            case TreeMatch.SAME:
                self._proven = found
                return RootMatch.SAME
            case TreeMatch.COPY:
                return RootMatch.COPY
            case TreeMatch.OTHER:
                return RootMatch.DIFFERENT

    async def _evidence(self, scan: ScanResult) -> Evidence:
        before = await self._ledger.read(folders.trusted_state(self._id))
        # Scans of single places have removed their missing files already: compare with the number
        # of files in the last full scan.
        emptied = scan.full and scan.seen == 0 and bool(before.files)
        same_patterns = before.patterns == self._patterns
        evidence = Evidence(
            root=scan.root,
            root_stable=scan.root_stable,
            error_free=scan.error_free,
            has_files=not emptied or scan.root is RootMatch.FIRST or not same_patterns,
            full=scan.full,
            trusted=before.doubt is None,
            same_patterns=same_patterns,
            propagates=self._propagates,
        )
        await self._report_unusual(before, evidence)
        return evidence

    async def _report_unusual(self, before: folders.TrustedState, evidence: Evidence) -> None:
        if not (evidence.full and evidence.error_free and evidence.root_stable):
            return
        if evidence.root is RootMatch.DIFFERENT:
            await self._log_suspect(_DIFFERENT, _REPLACED)  # recorded when the scan began
        elif not evidence.has_files:
            await self._record_suspect(before, _EMPTY)
            await self._log_suspect(_EMPTY, _REPLACED)

    async def _record_suspect(self, before: folders.TrustedState, why: str) -> None:
        self.suspicions += 1
        if before.doubt != why:
            self._spared += await self._ledger.write(folders.suspect(self._id, why, time.time()))

    async def _log_suspect(self, why: str, remedy: str) -> None:
        if self._reported == why:
            return
        self._reported = why
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


def _keep_reason(evidence: Evidence) -> KeepReason:
    if evidence.root is RootMatch.SAME and not evidence.same_patterns:
        return KeepReason.EXCLUDED
    return KeepReason.SUSPECT  # or KEEP, where the folder keeps its images


def _why_missing(evidence: Evidence) -> str:
    if evidence.root is not RootMatch.SAME:
        return "the present state of the folder was accepted"
    if not evidence.same_patterns:
        return "include or exclude has changed"
    gone = "deleted, renamed or moved"  # after a time without syncd, they look the same
    return gone if evidence.trusted else f"{gone} while the folder was suspect"


_WHY_KEPT = {
    Absence.PRESENT: "replaced by a link or a directory",
    Absence.LINK: "a directory was replaced by a link or a file",
    Absence.OTHER_DIRECTORY: "a directory was replaced by another one",
    Absence.MOUNT: "a disk was mounted or unmounted",
    Absence.UNREADABLE: "cannot be checked",
}
_KEPT = (
    "no image is deleted; put the files or the disk back; or, if the folder is right as it is now:"
    " `syncd deletions trust {0}`, then `syncd deletions release {0}` to delete the images"
)
_UNLINKED = "was deleted, but is still mounted here"
_DIFFERENT = "is a different directory than before"
_MOUNT = "has another mount at, above or below it"
_EMPTY = "is empty, but had files before"
_REMOUNT = "it was recreated outside: mount it again, or restart syncd"
_REPLACED = (
    "mount it, or put its files back; or, if its present state is right: `syncd deletions trust {}`"
)
