"""What troubles one folder, said when it begins and when it is over, and kept in the ledger."""

from __future__ import annotations

import os
import time
from collections.abc import Collection
from typing import assert_never

import structlog

from syncd.folders.scanning.walk import Trouble
from syncd.folders.watching.watch_state import (
    Active,
    Degraded,
    LimitReached,
    RootMissing,
    WatchState,
)
from syncd.ledger import alerts
from syncd.ledger.database import Ledger
from syncd.ledger.statements import all_of
from syncd.log import Log
from syncd.model import FolderName, printable
from syncd.rules import remedies

log: Log = structlog.get_logger()


class FolderState:
    """Tells of one folder: that it is missing, that it cannot be read, how it is watched."""

    def __init__(self, name: FolderName, root: bytes, ledger: Ledger) -> None:
        self._name = name
        self._root = root
        self._subject = alerts.folder_subject(name)
        self._ledger = ledger
        self._told: set[str] = set()  # paths of which this process has said that it cannot read
        self._missing: bool | None = None  # not known yet

    def path_of(self, trouble: Trouble) -> str:
        """Return where trouble was met."""
        return printable(os.path.join(self._root, trouble.path) if trouble.path else self._root)

    async def missing(self) -> None:
        """There is no such directory."""
        if self._missing:
            return
        self._missing = True
        why = "there is no such directory"
        await self._ledger.write(alerts.begin("folder.missing", self._subject, why, time.time()))
        log.warning(
            "folder.missing",
            folder=self._name,
            path=printable(self._root),
            remedy="nothing is lost: syncd waits for it; check the path, the mount and its rights",
        )

    async def there(self) -> None:
        """There is a directory."""
        if self._missing is False:
            return
        self._missing = False
        over = alerts.end("folder.missing", self._subject, time.time())
        if (duration := await self._ledger.write(over)) is not None:
            path = printable(self._root)
            log.notice("folder.back", folder=self._name, path=path, duration=duration)

    async def unreadable(self, troubles: Collection[Trouble]) -> None:
        """Directories cannot be read."""
        remedy = remedies.DIRECTORY
        for trouble in troubles:
            path, why, now = self.path_of(trouble), trouble.reason, time.time()
            begun = alerts.begin(_UNREADABLE, self._subject, why, now, remedy=remedy, part=path)
            await self._ledger.write(begun)
            if path not in self._told:
                self._told.add(path)
                log.error(
                    "directory.unreadable", folder=self._name, path=path, why=why, remedy=remedy
                )

    async def readable(self, *, but: Collection[Trouble]) -> None:
        """All can be read, or are no more, but for these."""
        still = {self.path_of(trouble) for trouble in but}
        for told in await self._ledger.read(alerts.ongoing(_UNREADABLE, self._subject)):
            if told.part in still:
                continue
            self._told.discard(told.part)
            over = alerts.end(_UNREADABLE, self._subject, time.time(), told.part)
            duration = await self._ledger.write(over)
            log.notice("directory.readable", folder=self._name, path=told.part, duration=duration)

    async def watch_is(self, state: WatchState) -> None:
        """The watch stands, or it does not, or not well."""
        match state:
            case Active():
                await self._watching()
            case RootMissing():
                await self.missing()
            case LimitReached(advice=remedy):
                await self._watch_lacks("watch.limit", "the system grants no more watches", remedy)
                log.error("watch.limit", folder=self._name, remedy=remedy)
            case Degraded(reason=why):
                await self._watch_lacks("watch.degraded", why, remedies.WATCH)
                log.error("watch.degraded", folder=self._name, why=why, remedy=remedies.WATCH)
            case _:
                assert_never(state)

    async def _watch_lacks(self, event: str, why: str, remedy: str) -> None:
        now = time.time()
        await self._ledger.write(alerts.begin(event, self._subject, why, now, remedy=remedy))

    async def _watching(self) -> None:
        path, now = printable(self._root), time.time()
        ends = [alerts.end(e, self._subject, now) for e in ("watch.limit", "watch.degraded")]
        over = [lasted for lasted in await self._ledger.write(all_of(ends)) if lasted is not None]
        if over:
            log.notice("watch.restored", folder=self._name, path=path, duration=max(over))
        else:
            log.info("watch.ready", folder=self._name, path=path)


_UNREADABLE = "directory.unreadable"
