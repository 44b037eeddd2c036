"""The reconcile pass: which condemned images are wanted again, wait, or are held for a person."""

from __future__ import annotations

import asyncio
import time

import msgspec
import structlog

from syncd.ledger import alerts, condemned
from syncd.ledger.condemned import Pending
from syncd.ledger.database import Ledger
from syncd.log import Log
from syncd.model import HoldAbove, printable
from syncd.rules import remedies
from syncd.rules.evidence import is_too_many

log: Log = structlog.get_logger()

CLOCK_JUMP = 30.0
"""Seconds between two passes that only one of the clocks has seen: no time has passed."""

UPLOAD_ENDS = 3600.0
"""Seconds after which no upload can still be under way that was when its image was condemned."""


class Grace(msgspec.Struct, frozen=True):
    """How long a condemned image waits, and how many at once wait for a person."""

    seconds: float
    hold: HoldAbove

    @property
    def period(self) -> float:
        """Seconds between two passes."""
        return min(60.0, max(1.0, self.seconds / 20))


class Reconcile:
    """Passes over what is condemned; what is left is for each account's own deletions."""

    def __init__(self, ledger: Ledger, grace: Grace) -> None:
        self._ledger = ledger
        self._grace = grace
        self._told: dict[int, int] = {}  # folder → images that were said to be condemned
        self._said: set[str] = set()  # folders whose case this process has said

    async def run(self) -> None:
        """Pass again and again until cancelled."""
        wall, steady = time.time(), time.monotonic()
        while True:
            jump = (time.time() - wall) - (time.monotonic() - steady)
            wall, steady = time.time(), time.monotonic()
            await self.once(jump if abs(jump) > CLOCK_JUMP else 0.0)
            await asyncio.sleep(self._grace.period)

    async def once(self, jump: float) -> None:
        """Make one pass; `jump` is by how many seconds the wall clock alone went on."""
        if jump:
            await self._ledger.write(condemned.shift(jump))
            log.warning("clock.jumped", seconds=round(jump))
        for folder, path in await self._ledger.write(condemned.withdraw()):
            log.info("deletion.withdrawn", folder=folder, file=printable(path))
        before = time.time() - max(self._grace.seconds, UPLOAD_ENDS)
        await self._ledger.write(condemned.let_unheld_be(before))
        await self._hold()

    async def _hold(self) -> None:
        found = await self._ledger.write(condemned.hold(self._grace.hold))
        told, self._told = self._told, {}
        for pending in found:
            images = pending.waiting + pending.held
            self._told[pending.folder_id] = images
            if images > told.get(pending.folder_id, 0):
                more = images - told.get(pending.folder_id, 0)
                log.notice("images.marked", folder=pending.folder, images=more)
        cases = [case for case in found if self._is_held(case)]
        for case in cases:
            if case.folder not in self._said:
                await self._tell_held(case)
        await self._tell_settled({alerts.folder(case.folder) for case in cases})
        self._said = {case.folder for case in cases}

    def _is_held(self, pending: Pending) -> bool:
        images = pending.waiting + pending.held
        return bool(pending.held) or is_too_many(images, pending.files + images, self._grace.hold)

    async def _tell_held(self, case: Pending) -> None:
        images, remedy = case.waiting + case.held, remedies.of_held(case.folder)
        subject, now = alerts.folder(case.folder), time.time()
        await self._ledger.write(alerts.begin("deletions.held", subject, condemned.OPEN, now))
        log.error(
            "deletions.held",
            folder=case.folder,
            images=images,
            files=case.files,
            remedy=remedy,
        )

    async def _tell_settled(self, still: set[str]) -> None:
        for case in await self._ledger.read(alerts.standing("deletions.held")):
            if case.subject in still:
                continue
            over = alerts.end("deletions.held", case.subject, time.time())
            duration = await self._ledger.write(over)
            folder = case.subject.removeprefix(alerts.folder(""))
            why = condemned.NOTHING_LEFT if case.why == condemned.OPEN else case.why
            log.notice("deletions.settled", folder=folder, why=why, duration=duration)
