"""The engine: a lane for each account, with its feeder and its workers."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence

import structlog
from structlog.typing import FilteringBoundLogger

from syncd.config import Account, Pack
from syncd.engine.feeder import Feeder
from syncd.engine.in_flight import InFlight
from syncd.engine.lane import Lane
from syncd.engine.outcomes import Outcomes
from syncd.engine.worker import Errand, Fetch, work
from syncd.graph.client import Credentials, GraphClient
from syncd.ledger import accounts
from syncd.ledger.database import Ledger
from syncd.model import AccountId, Digest
from syncd.rules.budget import Terms, Tier
from syncd.rules.verdicts import Verdict

log: FilteringBoundLogger = structlog.get_logger()

OTHERS_LOOKED_AT_EVERY = 1.0  # seconds between looks for what another process wrote


Open = Callable[[Account], Credentials | str]
"""Reads what opens an account, or answers why there is nothing; blocks as reading a file does."""


class Engine:
    """Brings what is missing to every account; one account's trouble is its own."""

    def __init__(
        self,
        ledger: Ledger,
        client: GraphClient,
        open_account: Open,
        account_list: Sequence[Account],
        pack: Pack,
        fetch: Fetch,
        *,
        patience: Callable[[], float],
        tries: int | None = None,
    ) -> None:
        self._ledger = ledger
        self._client = client
        self._open_account = open_account
        self._accounts = {account.id: account for account in account_list}
        self._pack = pack
        self._fetch = fetch
        self._patience = patience
        self.lanes: Mapping[AccountId, Lane] = {
            a.id: Lane(a.name, a.id, ledger, terms_of(a)) for a in account_list
        }
        self._feeders = {lane.account: Feeder(lane, ledger) for lane in self.lanes.values()}
        self._in_flight = InFlight()
        self._outcomes = Outcomes(ledger, self._token_mates, tries)

    async def run(self, carrying: asyncio.TaskGroup) -> None:
        """Work until cancelled; calls under way then are `carrying`'s."""
        pauses = await self._ledger.ask(accounts.pauses())
        async with asyncio.TaskGroup() as loops:
            for lane in self.lanes.values():
                await lane.recall(pauses.get(lane.account))
                await self._open(lane)
                self._start(lane, loops, carrying)
            loops.create_task(self._watch_others(), name="others")

    def arrived(self, digest: Digest, account_ids: Sequence[AccountId]) -> None:
        """An image has just been dropped into a folder: it goes before any backlog."""
        for account in account_ids:
            if (lane := self.lanes.get(account)) is not None:
                lane.queue.add_fresh(digest)

    def look_again(self) -> None:
        """Facts have changed."""
        self.look_again_for(self.lanes)

    def look_again_for(self, account_ids: Iterable[AccountId]) -> None:
        """Something may be missing in these accounts that was not."""
        for account in account_ids:
            if (feeder := self._feeders.get(account)) is not None:
                feeder.look_again()

    async def _open(self, lane: Lane) -> None:
        """Read the account's credentials, anew when a person has seen to them."""
        credentials = await asyncio.to_thread(self._open_account, self._accounts[lane.account])
        if isinstance(credentials, str):
            await lane.stop(Verdict.STOP_TOKEN, credentials, "then run `syncd retry`")
        else:
            lane.credentials = credentials

    def _start(self, lane: Lane, loops: asyncio.TaskGroup, carrying: asyncio.TaskGroup) -> None:
        errand = Errand(
            lane,
            self._ledger,
            self._client,
            self._pack,
            self._fetch,
            self._outcomes,
            self._in_flight,
            self._patience,
        )
        loops.create_task(self._feeders[lane.account].run(), name=f"feed:{lane.name}")
        for number in range(self._accounts[lane.account].workers):
            loops.create_task(work(errand, carrying), name=f"work:{lane.name}:{number}")

    async def _watch_others(self) -> None:
        """Take up what `syncd retry` writes while we run."""
        seen = await self._ledger.version_of_others()
        while True:
            await asyncio.sleep(OTHERS_LOOKED_AT_EVERY)
            version = await self._ledger.version_of_others()
            if version == seen:
                continue
            seen = version
            pauses = await self._ledger.ask(accounts.pauses())
            for lane in self.lanes.values():
                if lane.stopped is not None and lane.account not in pauses:
                    log.info("account.retried", account=lane.name)
                    lane.reopen()
                    await self._open(lane)
                lane.queue.hurry()
            self.look_again()

    def _token_mates(self, lane: Lane) -> list[Lane]:
        return [mate for mate in self.lanes.values() if mate.credentials == lane.credentials]


def terms_of(account: Account) -> Terms:
    """Return what the configuration says of an account's budget."""
    budget = account.budget
    return Terms(
        Tier(account.tier.value) if account.tier is not None else None,
        budget.points,
        budget.window,
        budget.calls,
        budget.calls_window,
        account.reserve,
    )
