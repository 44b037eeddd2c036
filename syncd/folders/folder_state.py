"""The troubles of one folder, logged and recorded in the ledger when they begin and end."""

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
from syncd.ledger import alerts, folders
from syncd.ledger.database import Ledger
from syncd.ledger.statements import all_of
from syncd.log import Log
from syncd.model import FolderName, printable

log: Log = structlog.get_logger()

_UNREADABLE = "directory.unreadable"
_DIRECTORY_REMEDY = (
    "fix the problem in `why` (permission denied: `sudo syncd check` prints the command); until"
    " then nothing in it counts as deleted"
)
_WATCH_REMEDY = "fix the problem in `why`; until then only the periodic rescans find new files"


class FolderState:
    """Whether one folder is there and readable, and how well it is watched."""

    def __init__(self, name: FolderName, root: bytes, ledger: Ledger) -> None:
        self._name = name
        self._root = root
        self._subject = alerts.folder_subject(name)
        self._ledger = ledger
        self._logged: set[str] = set()  # unreadable paths that this process has logged
        self._missing: bool | None = None  # None until the first scan

    def path_of(self, trouble: Trouble) -> str:
        """Return the whole path of a trouble."""
        return printable(os.path.join(self._root, trouble.path) if trouble.path else self._root)

    async def record_missing(self, why: str) -> None:
        """Record that the folder is not there, or that its disk does not show it."""
        if self._missing:
            return
        self._missing = True
        await self._ledger.write(alerts.begin("folder.missing", self._subject, why, time.time()))
        log.warning(
            "folder.missing",
            folder=self._name,
            path=printable(self._root),
            why=why,
            remedy=folders.REMEDY_OF_MISSING,
        )

    async def record_present(self) -> None:
        """Record that the folder is there."""
        if self._missing is False:
            return
        self._missing = False
        ended = alerts.end("folder.missing", self._subject, time.time())
        if (duration := await self._ledger.write(ended)) is not None:
            path = printable(self._root)
            log.notice("folder.back", folder=self._name, path=path, duration=duration)

    async def record_unreadable(self, troubles: Collection[Trouble]) -> None:
        """Record paths that cannot be read."""
        remedy = _DIRECTORY_REMEDY
        for trouble in troubles:
            path, why, now = self.path_of(trouble), trouble.reason, time.time()
            begun = alerts.begin(_UNREADABLE, self._subject, why, now, remedy=remedy, part=path)
            await self._ledger.write(begun)
            if path not in self._logged:
                self._logged.add(path)
                log.error(
                    "directory.unreadable", folder=self._name, path=path, why=why, remedy=remedy
                )

    async def record_readable(self, *, still: Collection[Trouble]) -> None:
        """Record that every path can be read, or was deleted, except those `still` in trouble."""
        unreadable = {self.path_of(trouble) for trouble in still}
        for alert in await self._ledger.read(alerts.ongoing(_UNREADABLE, self._subject)):
            if any(f"{alert.part}/".startswith(f"{path}/") for path in unreadable):
                continue  # what is below a directory that cannot be read is not known
            self._logged.discard(alert.part)
            ended = alerts.end(_UNREADABLE, self._subject, time.time(), alert.part)
            duration = await self._ledger.write(ended)
            log.notice("directory.readable", folder=self._name, path=alert.part, duration=duration)

    async def record_watch(self, state: WatchState) -> None:
        """Record a new state of the watch."""
        match state:
            case Active():
                await self._record_watched()
            case RootMissing(reason=why):
                await self.record_missing(why)
            case LimitReached(advice=remedy):
                why = "the system grants no further watches"
                await self._begin("watch.limit", why, remedy)
                log.error("watch.limit", folder=self._name, remedy=remedy)
            case Degraded(reason=why):
                await self._begin("watch.degraded", why, _WATCH_REMEDY)
                log.error("watch.degraded", folder=self._name, why=why, remedy=_WATCH_REMEDY)
            case _:
                assert_never(state)

    async def _begin(self, event: str, why: str, remedy: str) -> None:
        now = time.time()
        await self._ledger.write(alerts.begin(event, self._subject, why, now, remedy=remedy))

    async def _record_watched(self) -> None:
        path, now = printable(self._root), time.time()
        ends = [alerts.end(e, self._subject, now) for e in ("watch.limit", "watch.degraded")]
        durations = [d for d in await self._ledger.write(all_of(ends)) if d is not None]
        if durations:
            log.notice("watch.restored", folder=self._name, path=path, duration=max(durations))
        else:
            log.info("watch.ready", folder=self._name, path=path)
