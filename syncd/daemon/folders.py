"""The disk side of the daemon: the intake, and a monitor for each configured folder."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable, Sequence
from functools import partial

import msgspec
import structlog

from syncd.config import Config
from syncd.config.account_change import changed_accounts
from syncd.config.shard import taken_over
from syncd.folders.intake.cache import ContentCache
from syncd.folders.intake.intake import Intake
from syncd.folders.intake.read import load
from syncd.folders.intake.record import Recorder
from syncd.folders.monitor import FolderMonitor, MonitorSettings
from syncd.folders.watching.shared_watch import SharedWatch
from syncd.folders.watching.targets import ScanTarget
from syncd.folders.watching.timing import Timing
from syncd.heartbeat import Heartbeat, wait_unless_stalled
from syncd.ledger import accounts, alerts, condemned, folders, missed, shards
from syncd.ledger.database import Ledger
from syncd.ledger.errors import OtherShardError
from syncd.ledger.files import Place
from syncd.ledger.sources import Source
from syncd.ledger.wanted import FILES_PER_STEP, refresh_next
from syncd.log import Log
from syncd.model import Absent, AccountId, Copying, Digest, FolderName
from syncd.monitoring import ping
from syncd.monitoring.receiver import code_of, subject_of
from syncd.threads import ThreadPool

CACHE_BYTES = 12 * 2**20
"""Bytes of images that are kept in memory from their digest to their first sending."""

log: Log = structlog.get_logger()


class Disk(msgspec.Struct, frozen=True, kw_only=True):
    """The monitors of all folders, by their ids in the ledger, and the intake that they share."""

    intake: Intake
    monitors: dict[int, FolderMonitor]
    watch: SharedWatch
    cache: ContentCache
    readers: defaultdict[int, Heartbeat] = msgspec.field(
        default_factory=lambda: defaultdict(Heartbeat)
    )
    """The heartbeat of all reading of files, by the folder's id."""
    threads: ThreadPool = msgspec.field(default_factory=lambda: ThreadPool("fetch"))
    """The threads on which files are read for sending; its owner closes them."""

    @property
    def is_busy(self) -> bool:
        """Whether more images are likely to be recorded soon."""
        return self.intake.is_reading or any(
            monitor.scanner.is_scanning for monitor in self.monitors.values()
        )

    def recheck(self) -> None:
        """Scan folders that the operator may have trusted: another process changed the ledger."""
        for monitor in self.monitors.values():
            monitor.recheck()

    async def conclude(self) -> None:
        """Apply what the ended scans prove, now that the files that they found are recorded."""
        for monitor in self.monitors.values():
            await monitor.conclude()

    async def fetch(
        self, wanted: Sequence[tuple[Digest, Sequence[Source]]]
    ) -> list[bytes | Absent]:
        """Return the images' bytes from one of their files.

        A file that has changed is scanned again, and one that cannot be read is read again, which
        records the reason. One whose disk hangs is not waited for.
        """
        contents, failed = await self._load(wanted)
        for source, why in failed:
            monitor = self.monitors.get(source.folder_id)
            if monitor is not None and why is Absent.UNREADABLE:
                place = Place(source.folder_id, source.directory, source.name)
                await self.intake.offer(source.root, [(place, source.stat)], wait=False)
            elif monitor is not None:
                monitor.request_scan([ScanTarget(source.directory, deep=False)])
        return contents

    async def _load(
        self, wanted: Sequence[tuple[Digest, Sequence[Source]]]
    ) -> tuple[list[bytes | Absent], list[tuple[Source, Absent]]]:
        """Load images unless that stalls: a worker must not hang with a disk."""
        operation = Heartbeat().operation()
        loading = self.threads.submit(partial(load, wanted, self.readers, operation.beat))
        try:
            if not await wait_unless_stalled(
                loading.done, lambda: asyncio.wait({loading}), operation
            ):
                return [Absent.HANGS] * len(wanted), []
        finally:
            loading.cancel()
        return loading.result()


async def declare(
    config: Config,
    ledger: Ledger,
    progress: Callable[[], None] = lambda: None,
    *,
    files_per_step: int = FILES_PER_STEP,
) -> dict[FolderName, int]:
    """Record the configured folders and their accounts; return the folders' ids.

    A change of routes is applied to the replicas of `files_per_step` files at a time, so that other
    writes wait only for one step; `progress` is called after each.
    Raises OtherShardError, before any change, for a ledger with images of other shards' accounts.
    """
    await _change_shard(config, ledger)
    await ledger.write(missed.unmark_all())
    await ledger.write(alerts.discard_stale(_subjects(config)))
    for change in changed_accounts(config, await ledger.read(folders.own_accounts())):
        log.warning(
            "account.changed",
            account=change.account.name,
            before=change.before,
            folder=change.folder,
            id=change.account.id,
        )
    ids: dict[FolderName, int] = {}
    for name, folder in config.folders.items():
        routes = config.routes(folder)
        before = await ledger.read(folders.routes(name))
        ids[name] = await ledger.write(
            folders.declare(name, folder.path, routes, folder.deletions, folder.copy)
        )
        for account in filter(config.ledger.has, sorted(before.difference(routes))):
            _log_removed(config, name, account)
    for retired, parted in (await ledger.write(folders.retire_others(list(ids)))).items():
        if any(map(config.ledger.has, parted)):
            log.notice("folder.retired", folder=retired)
    while await ledger.write(refresh_next(files_per_step)):
        progress()
    await ledger.write(condemned.spare_unrouted())
    return ids


async def _change_shard(config: Config, ledger: Ledger) -> None:
    """Refuse to start with accounts of another shard in the ledger; log those that are new to it.

    Raises OtherShardError.
    """
    shard, held = config.ledger.shard, await ledger.read(accounts.holding())
    if shard is not None and (others := shard.others(held)):
        raise OtherShardError(str(config.ledger.path), shard, others)
    before = await ledger.read(shards.last())
    if before == shard:
        return
    names = {account.id: name for name, account in config.accounts.items()}
    if taken := taken_over(names, before, held):
        log.warning(
            "shard.changed",
            accounts=[names[account] for account in taken],
            before=str(before),
            shard=None if shard is None else str(shard),
        )
    await ledger.write(shards.record(shard))


def _subjects(config: Config) -> list[str]:
    return [
        *map(alerts.account_subject, config.accounts),
        *map(alerts.folder_subject, config.folders),
        *(subject_of(code_of(receiver)) for receiver in config.notify),
        *([] if config.ping.url is None else [ping.SUBJECT]),
    ]


def _log_removed(config: Config, folder: FolderName, account: AccountId) -> None:
    known = config.account_by_id(account)
    log.notice(
        "mirror.removed",
        folder=folder,
        account=known.name if known is not None else account,
        note="its images stay in the account",
    )


def build_disk(
    config: Config,
    ledger: Ledger,
    ids: dict[FolderName, int],
    *,
    arrived: Callable[[Digest, Sequence[AccountId], Copying], None],
    found: Callable[[Digest, Sequence[AccountId]], None],
    changed: Callable[[Sequence[AccountId]], None],
) -> Disk:
    """Build the disk side.

    `arrived` is called for each new image that was just dropped, and `found` for each that a scan
    found; `changed` after any other change of files, with the accounts that it may concern.
    """
    routes = {ids[name]: config.routes(folder) for name, folder in config.folders.items()}
    ways = {ids[name]: folder.copy for name, folder in config.folders.items()}

    def on_image(folder_id: int, digest: Digest, fresh: bool) -> None:
        if fresh:
            arrived(digest, routes[folder_id], ways[folder_id])
        else:
            found(digest, routes[folder_id])

    cache = ContentCache(CACHE_BYTES)
    readers = defaultdict(Heartbeat, {folder_id: Heartbeat() for folder_id in ids.values()})
    recorder = Recorder(ledger, cache, on_image, routes.__getitem__)
    intake = Intake(recorder, cache, config.watch.settle, readers)
    watch = SharedWatch(len(ids), Timing())
    settings = MonitorSettings(rescan=config.watch.rescan, shared=watch)
    monitors = {
        ids[name]: FolderMonitor(
            ids[name],
            folder,
            ledger,
            intake,
            settings,
            changed=partial(changed, routes[ids[name]]),
        )
        for name, folder in config.folders.items()
    }
    return Disk(intake=intake, monitors=monitors, watch=watch, cache=cache, readers=readers)
