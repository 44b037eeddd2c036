"""The disk side, built from the configuration: the intake, and a keeper for each folder."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable, Sequence
from functools import partial

import msgspec
import structlog

from syncd.config import Config
from syncd.folders.intake.cache import ContentCache
from syncd.folders.intake.contents import load
from syncd.folders.intake.intake import Intake
from syncd.folders.monitor import FolderMonitor
from syncd.folders.watching.targets import ScanTarget
from syncd.heartbeat import Heartbeat, wait_unless_stalled
from syncd.ledger import alerts, condemned, files, folders
from syncd.ledger.database import Ledger
from syncd.ledger.replicas import Source
from syncd.log import Log
from syncd.model import Absent, AccountId, Copying, Digest, FolderName
from syncd.threads import ThreadPool

KEPT = 12 * 2**20
"""Bytes of images that are kept from their digest to their first sending."""

log: Log = structlog.get_logger()


class Disk(msgspec.Struct, frozen=True):
    """Every folder's keeper by its id in the ledger, and the intake that they share."""

    intake: Intake
    keepers: dict[int, FolderMonitor]
    kept: ContentCache
    readers: defaultdict[int, Heartbeat] = msgspec.field(
        default_factory=lambda: defaultdict(Heartbeat)
    )
    """How the reading of each folder's files moves, whoever reads."""
    threads: ThreadPool = msgspec.field(default_factory=lambda: ThreadPool("fetch"))
    """On which files are read for sending; whoever built this closes them."""

    @property
    def busy(self) -> bool:
        """More images are likely to be known in a moment."""
        return self.intake.reading or any(k.scanning for k in self.keepers.values())

    def recheck(self) -> None:
        """Another process has changed the ledger: a person may have seen to a doubt."""
        for keeper in self.keepers.values():
            keeper.recheck()

    async def confirm(self) -> None:
        """Everything that was scanned is recorded."""
        for keeper in self.keepers.values():
            await keeper.confirm()

    async def fetch(
        self, wanted: Sequence[tuple[Digest, Sequence[Source]]]
    ) -> list[bytes | Absent]:
        """Return images' bytes, as they were digested or as a file has them now.

        A file that is not what it was is looked at again; one whose disk hangs is not waited for.
        """
        contents: list[bytes | Absent] = [
            (self.kept.fetch(digest) if sources else None) or Absent.CHANGED
            for digest, sources in wanted
        ]
        absent = [place for place, content in enumerate(contents) if isinstance(content, Absent)]
        if not absent:
            return contents
        loaded, changed = await self._load([wanted[place] for place in absent])
        for place, content in zip(absent, loaded, strict=True):
            contents[place] = content
        for source in changed:
            if (keeper := self.keepers.get(source.folder_id)) is not None:
                keeper.look([ScanTarget(source.directory, deep=False)])
        return contents

    async def _load(
        self, wanted: Sequence[tuple[Digest, Sequence[Source]]]
    ) -> tuple[Sequence[bytes | Absent], Sequence[Source]]:
        """Load what is wanted as long as that moves: a worker must not hang with a disk."""
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


async def declare(config: Config, ledger: Ledger) -> dict[FolderName, int]:
    """Tell the ledger which folders stand for which accounts; answers the folders' ids."""
    await ledger.write(files.unmark_all_missed())
    await ledger.write(alerts.discard_stale(_subjects(config)))
    ids: dict[FolderName, int] = {}
    for name, folder in config.folders.items():
        routes = config.routes(folder)
        before = await ledger.read(folders.routes(name))
        ids[name] = await ledger.write(
            folders.declare(name, folder.path, routes, folder.deletions, folder.copy)
        )
        for account in sorted(before.difference(routes)):
            _tell_removed(config, name, account)
    for retired in await ledger.write(folders.retire_others(list(ids))):
        log.notice("folder.retired", folder=retired)
    await ledger.write(condemned.spare_unrouted())
    return ids


def _subjects(config: Config) -> list[str]:
    return [
        *map(alerts.account_subject, config.accounts),
        *map(alerts.folder_subject, config.folders),
    ]


def _tell_removed(config: Config, folder: FolderName, account: AccountId) -> None:
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
    changed: Callable[[Sequence[AccountId]], None],
) -> Disk:
    """Build the disk side; `arrived` hears of images just dropped, `changed` of others."""
    routes = {ids[name]: config.routes(folder) for name, folder in config.folders.items()}
    ways = {ids[name]: folder.copy for name, folder in config.folders.items()}

    def recorded(folder_id: int, digest: Digest, fresh: bool) -> None:
        if fresh:
            arrived(digest, routes[folder_id], ways[folder_id])
        else:
            changed(routes[folder_id])

    kept = ContentCache(KEPT)
    readers = defaultdict(Heartbeat, {folder_id: Heartbeat() for folder_id in ids.values()})
    intake = Intake(
        ledger,
        config.watch.settle,
        recorded,
        kept,
        lambda folder_id: len(routes[folder_id]),
        readers,
    )
    hold = config.deletions.hold_above
    keepers = {
        ids[name]: FolderMonitor(
            ids[name],
            folder,
            ledger,
            intake,
            config.watch.rescan,
            hold,
            changed=partial(changed, routes[ids[name]]),
        )
        for name, folder in config.folders.items()
    }
    return Disk(intake, keepers, kept, readers)
