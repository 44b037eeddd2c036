"""The reconcile pass: which condemned images are wanted again, wait, or are held for a person."""

from __future__ import annotations

import asyncio
import time

import msgspec
import structlog

from syncd.ledger import condemned
from syncd.ledger.database import Ledger
from syncd.log import Log
from syncd.model import HoldAbove, printable
from syncd.rules.believing import is_too_many

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
        self._held: set[int] = set()  # folders whose case was said

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
        self._held &= {pending.folder_id for pending in found if pending.held}
        told, self._told = self._told, {}
        for pending in found:
            images = pending.waiting + pending.held
            self._told[pending.folder_id] = images
            if images > told.get(pending.folder_id, 0):
                more = images - told.get(pending.folder_id, 0)
                log.notice("images.condemned", folder=pending.folder, images=more)
            if not pending.held and not is_too_many(
                images, pending.files + images, self._grace.hold
            ):
                continue
            if pending.folder_id not in self._held:
                self._held.add(pending.folder_id)
                log.error(
                    "deletions.held",
                    folder=pending.folder,
                    images=images,
                    files=pending.files,
                    remedy=f"look with `syncd deletions`, then `syncd deletions approve"
                    f" {pending.folder}` or `dismiss`; nothing is deleted until then",
                )
