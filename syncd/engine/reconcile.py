"""The reconcile pass: withdraws, keeps or holds condemned images before they may be deleted."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence

import msgspec
import structlog

from syncd.ledger import activity, alerts, condemned, history
from syncd.ledger.condemned import PendingDeletions
from syncd.ledger.database import Ledger
from syncd.log import Log
from syncd.model import HoldAbove, printable
from syncd.rules.evidence import is_too_many

log: Log = structlog.get_logger()

MAX_UPLOAD_TIME = 3600.0
"""Seconds after which an upload that was under way when its image was condemned has ended."""


class Grace(msgspec.Struct, frozen=True):
    """How long a condemned image waits, and how many deletions at once await the operator."""

    seconds: float
    hold: HoldAbove

    @property
    def period(self) -> float:
        """Seconds between two passes."""
        return min(60.0, max(1.0, self.seconds / 20))


class Reconcile:
    """Passes over all condemned images; each account's own `Deletions` process what they leave."""

    def __init__(self, ledger: Ledger, grace: Grace, history_kept: float) -> None:
        self._ledger = ledger
        self._grace = grace
        self._history_kept = history_kept  # seconds
        self._passed_at = ledger.now().age  # the last pass
        self._condemned: dict[int, int] = {}  # folder id → images, at the last pass
        self._held: set[str] = set()  # folders whose held deletions this process has logged

    async def run(self) -> None:
        """Make a pass every `Grace.period` seconds until cancelled."""
        while True:
            await self.run_once()
            await asyncio.sleep(self._grace.period)

    async def run_once(self) -> None:
        """Make one pass."""
        await self._record_running()
        for folder, file in await self._ledger.write(condemned.spare_wanted()):
            log.info("deletion.withdrawn", folder=folder, file=printable(file))
        before = self._ledger.now().age - max(self._grace.seconds, MAX_UPLOAD_TIME)
        await self._ledger.write(condemned.drop_unheld(before))
        await self._hold()
        while await self._ledger.write(history.forget_before(time.time() - self._history_kept)):
            pass

    async def _record_running(self) -> None:
        now, before = self._ledger.now(), self._passed_at
        self._passed_at = now.age
        running = activity.record_running(now.at, int(now.age) - int(before))
        await self._ledger.write(running)

    async def _hold(self) -> None:
        hold = condemned.hold_excess(self._grace.hold, self._ledger.now().age)
        found = await self._ledger.write(hold)
        self._log_condemned(found)
        held = [pending for pending in found if self._is_held(pending)]
        for pending in held:
            if pending.folder not in self._held:
                await self._log_held(pending)
        await self._log_settled({alerts.folder_subject(pending.folder) for pending in held})
        self._held = {pending.folder for pending in held}

    def _is_held(self, pending: PendingDeletions) -> bool:
        images = pending.waiting + pending.held
        return bool(pending.held) or is_too_many(images, pending.files + images, self._grace.hold)

    def _log_condemned(self, found: Sequence[PendingDeletions]) -> None:
        before = self._condemned
        self._condemned = {p.folder_id: p.waiting + p.held for p in found}
        for pending in found:
            more = self._condemned[pending.folder_id] - before.get(pending.folder_id, 0)
            if more > 0:
                log.notice("images.marked", folder=pending.folder, images=more)

    async def _log_held(self, pending: PendingDeletions) -> None:
        subject, now = alerts.folder_subject(pending.folder), time.time()
        await self._ledger.write(alerts.begin("deletions.held", subject, condemned.OPEN, now))
        log.error(
            "deletions.held",
            folder=pending.folder,
            images=pending.waiting + pending.held,
            files=pending.files,
            remedy=alerts.remedy_of_held(pending.folder),
        )

    async def _log_settled(self, still_held: set[str]) -> None:
        for alert in await self._ledger.read(alerts.ongoing("deletions.held")):
            if alert.subject in still_held:
                continue
            end = alerts.end("deletions.held", alert.subject, time.time())
            duration = await self._ledger.write(end)
            folder = alert.subject.removeprefix(alerts.folder_subject(""))
            why = condemned.NOTHING_LEFT if alert.why == condemned.OPEN else alert.why
            log.notice("deletions.settled", folder=folder, why=why, duration=duration)
