"""Pauses by the operator: the gate of an account is locked until its pause ends."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Mapping

import structlog

from syncd.engine.lane import Lane
from syncd.ledger import operator_pauses
from syncd.ledger.accounts import OPERATOR
from syncd.ledger.database import Ledger
from syncd.ledger.operator_pauses import OperatorPause
from syncd.log import Log, elapsed, moment
from syncd.model import AccountId
from syncd.rules.errors import NO_ERROR

log: Log = structlog.get_logger()


class OperatorPauses:
    """The pauses of all accounts that `syncd pause` has recorded in the ledger."""

    def __init__(self, lanes: Mapping[AccountId, Lane], ledger: Ledger) -> None:
        self._lanes = lanes
        self._ledger = ledger
        self._known: dict[AccountId, OperatorPause] = {}
        self._woken = asyncio.Event()

    def wake(self) -> None:
        """Read the ledger again: another process has written to it."""
        self._woken.set()

    async def run(self) -> None:
        """Lock and unlock the gates when a pause begins or ends, until cancelled."""
        while True:
            self._woken.clear()
            end = await self.apply()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(None if end is None else max(0.0, end - time.time())):
                    await self._woken.wait()

    async def apply(self) -> float | None:
        """Lock and unlock the gates as the ledger says; return when the next pause ends."""
        now = time.time()
        found = await self._ledger.read(operator_pauses.in_force(now))
        known, self._known = self._known, found
        for account, lane in self._lanes.items():
            before, pause = known.get(account), found.get(account)
            if pause is not None and pause != before:
                lane.gate.lock()
                _log(lane, pause, now)
            elif pause is None and before is not None:
                lane.gate.unlock()
                log.notice(
                    "account.resumed", account=lane.name, duration=elapsed(before.since, now)
                )
        return min((one.until for one in found.values() if one.until is not None), default=None)


def _log(lane: Lane, pause: OperatorPause, now: float) -> None:
    log.info(
        "account.paused",
        account=lane.name,
        seconds=None if pause.until is None else round(pause.until - now),
        kind=OPERATOR,
        why=pause.sentence,
        consecutive=1,
        remedy=None,
        since=moment(pause.since),
        until=moment(pause.until),
        error_user_title=NO_ERROR.title,
        error_user_msg=NO_ERROR.user_message,
        fbtrace_id=NO_ERROR.trace_id,
    )
