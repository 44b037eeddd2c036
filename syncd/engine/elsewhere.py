"""The calls and pauses of other processes, and the operator's pauses, as the ledger has them."""

from __future__ import annotations

import time
from collections.abc import Mapping

from syncd.engine.lane import Lane
from syncd.engine.operator_pauses import OperatorPauses
from syncd.engine.pacer import recall
from syncd.ledger import accounts, requests
from syncd.ledger.database import Ledger
from syncd.model import AccountId
from syncd.rules.errors import NO_ERROR


class Elsewhere:
    """The calls and pauses that other processes have recorded, and the operator's pauses."""

    def __init__(self, lanes: Mapping[AccountId, Lane], ledger: Ledger) -> None:
        self._lanes = lanes
        self._ledger = ledger
        self.operator_pauses = OperatorPauses(lanes, ledger)
        self._last = 0  # the id of the newest call that the pacers know
        self._requests = 0  # their number so far

    async def begin(self) -> None:
        """Note the newest call and request, before the earlier ones are read."""
        self._last = await self._ledger.read(accounts.last_call())
        self._requests = await self._ledger.read(requests.count())

    async def apply(self) -> bool:
        """Spend the calls of others from the budgets, and pause where they were throttled.

        Return whether a command requests that everything else in the ledger is read again.
        """
        now = time.time()
        for one in await self._ledger.read(accounts.calls_of_others(self._last, 0)):
            self._last = one.id
            if (lane := self._lanes.get(one.account)) is not None:
                recall(lane.pacer.pace, one.spent)
        for account, pause in (await self._ledger.read(accounts.pauses())).items():
            lane, until = self._lanes.get(account), pause.until
            if lane is not None and until is not None and until - now > lane.health.paused.left:
                await lane.health.paused.join(pause, NO_ERROR)
        known, self._requests = self._requests, await self._ledger.read(requests.count())
        return self._requests != known
