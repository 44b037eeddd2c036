"""The engine: a lane for each account, with its feeder and its workers."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from functools import partial

import msgspec
import structlog

from syncd.config import AccountConfig, BatchConfig
from syncd.engine.audit import Audit
from syncd.engine.calls import Calls
from syncd.engine.deletion import Deletions
from syncd.engine.feeder import Feeder
from syncd.engine.lane import Lane
from syncd.engine.outcomes import Outcomes
from syncd.engine.reconcile import Grace, Reconcile
from syncd.engine.semaphore import FairByteSemaphore
from syncd.engine.token_check import check_token, one_of_each_token
from syncd.engine.worker import Errand, Fetch, work
from syncd.graph.client import Credentials, GraphClient
from syncd.heartbeat import Heartbeat
from syncd.ledger import accounts
from syncd.ledger.database import Ledger
from syncd.log import Log
from syncd.model import AccountId, Copying, Digest
from syncd.rules import remedies
from syncd.rules.copy import COMING
from syncd.rules.errors import Verdict
from syncd.rules.pacing.budget import Terms, Tier
from syncd.threads import run_in_thread

log: Log = structlog.get_logger()

OTHERS_LOOKED_AT_EVERY = 1.0  # seconds between looks for what another process wrote


class Upkeep(msgspec.Struct, frozen=True):
    """What a daemon does beside bringing images: it deletes what is condemned, and audits.

    audit_every is in seconds; restore, whether what an account has lost is sent again.
    """

    deletions: Grace
    audit_every: float
    restore: bool


Open = Callable[[AccountConfig], Credentials | str]
"""Reads what opens an account, or answers why there is nothing; blocks as reading a file does."""


class Engine:
    """Brings what is missing to every account; one account's trouble is its own."""

    def __init__(
        self,
        ledger: Ledger,
        client: GraphClient,
        open_account: Open,
        account_list: Sequence[AccountConfig],
        pack: BatchConfig,
        fetch: Fetch,
        *,
        patience: Callable[[], float],
        mirrors: Collection[AccountId] = (),
        deletes: Collection[AccountId] = (),
        upkeep: Upkeep | None = None,
        others_wrote: Callable[[], None] = lambda: None,
        tries: int | None = None,
    ) -> None:
        """mirrors are accounts that may copy images out of others, deletes those that a folder's
        deletions reach; `others_wrote` hears of what another process writes into the ledger."""
        self._ledger = ledger
        self._client = client
        self._open_account = open_account
        self._accounts = {account.id: account for account in account_list}
        self._pack = pack
        self._fetch = fetch
        self._patience = patience
        self.lanes: Mapping[AccountId, Lane] = {
            a.id: Lane(
                a.name,
                a.id,
                ledger,
                terms_of(a),
                mirrors=a.id in mirrors,
                deletes=a.id in deletes,
            )
            for a in account_list
        }
        self._feeders = {lane.account: Feeder(lane, ledger) for lane in self.lanes.values()}
        self._in_flight = FairByteSemaphore()
        self._upkeep = upkeep
        self._audits: list[Audit] = []
        self._others_wrote = others_wrote
        self.taken_up = asyncio.Event()
        """What an earlier process left is known, and the accounts are opened."""
        self._outcomes = Outcomes(ledger, self._token_mates, self._held, tries)

    def calling(self, account: AccountId) -> Heartbeat:
        """Return what shows whether an account's calls end."""
        return self._client.heartbeats[account]

    async def run(self, carrying: asyncio.TaskGroup) -> None:
        """Work until cancelled; calls under way then are `carrying`'s."""
        await self.take_up()
        async with asyncio.TaskGroup() as loops:
            for lane in self.lanes.values():
                self._start(lane, loops, carrying)
            loops.create_task(self._watch_others(), name="others")
            loops.create_task(self._watch_tokens(), name="tokens")
            if self._upkeep is not None:
                self._start_upkeep(self._upkeep, loops, carrying)

    async def take_up(self) -> None:
        """Take up what an earlier process left, and open the accounts."""
        pauses = await self._ledger.read(accounts.pauses())
        for lane in self.lanes.values():
            await lane.recall(pauses.get(lane.account))
            await self._open(lane)
        self.taken_up.set()

    async def hear_of_tokens(self, told: Callable[[str], None]) -> None:
        """Return once each token has been accepted, or it has been said why it is not.

        `told` hears, while no answer comes, why that is so.
        """
        await self.taken_up.wait()
        for lane in one_of_each_token(self.lanes.values()):
            await check_token(lane, self._client, self._outcomes, told)

    def arrived(self, digest: Digest, account_ids: Sequence[AccountId], copying: Copying) -> None:
        """An image has just been dropped into a folder: it goes before any backlog.

        Its mirrors wait a moment for the folder's own account, the first, to copy it from there.
        """
        own = self.lanes.get(account_ids[0])
        waits = copying is not Copying.UPLOAD and own is not None and not own.gate.shut
        for account in account_ids:
            if (lane := self.lanes.get(account)) is not None:
                if waits and lane is not own:
                    lane.queue.expect(digest, COMING)
                else:
                    lane.queue.add_fresh(digest)

    def _held(self, holder: Lane, digests: Sequence[Digest]) -> None:
        for lane in self.lanes.values():
            if lane.mirrors and lane is not holder:
                for digest in digests:
                    lane.queue.come(digest)

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
        credentials = await run_in_thread(partial(self._open_account, self._accounts[lane.account]))
        if isinstance(credentials, str):
            await lane.stop(Verdict.STOP_TOKEN, credentials, remedies.NOTHING_TO_CALL_WITH)
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

    def _start_upkeep(
        self, upkeep: Upkeep, loops: asyncio.TaskGroup, carrying: asyncio.TaskGroup
    ) -> None:
        grace = upkeep.deletions
        loops.create_task(Reconcile(self._ledger, grace).run(), name="reconcile")
        for lane in self.lanes.values():
            deleting = self.deleting(lane, carrying, upkeep)
            loops.create_task(deleting.run(grace.period), name=f"delete:{lane.name}")
            audit = self.audit(lane, carrying, upkeep)
            self._audits.append(audit)
            loops.create_task(audit.run(), name=f"audit:{lane.name}")

    def deleting(self, lane: Lane, carrying: asyncio.TaskGroup, upkeep: Upkeep) -> Deletions:
        """Return what deletes from an account."""
        calls = Calls(lane, self._ledger, self._outcomes, carrying)
        changed = self._feeders[lane.account].look_again
        return Deletions(calls, self._ledger, self._client, upkeep.deletions.seconds, changed)

    def audit(self, lane: Lane, carrying: asyncio.TaskGroup, upkeep: Upkeep) -> Audit:
        """Return what audits an account."""
        return Audit(
            Calls(lane, self._ledger, self._outcomes, carrying),
            self._ledger,
            self._client,
            upkeep.audit_every,
            restore=upkeep.restore,
            on_lost=self._feeders[lane.account].look_again,
        )

    async def _watch_others(self) -> None:
        """Take up what `syncd retry` writes while we run."""
        seen = await self._ledger.version_of_others()
        while True:
            await asyncio.sleep(OTHERS_LOOKED_AT_EVERY)
            version = await self._ledger.version_of_others()
            if version == seen:
                continue
            seen = version
            pauses = await self._ledger.read(accounts.pauses())
            for lane in self.lanes.values():
                if lane.stopped is not None and lane.account not in pauses:
                    lane.retried()
                    await self._open(lane)
                lane.queue.hurry()
            self.look_again()
            for audit in self._audits:
                audit.wake()
            self._others_wrote()

    async def _watch_tokens(self) -> None:
        """Take up a token that has been changed where it lies; that ends a stop."""
        while True:
            await asyncio.sleep(OTHERS_LOOKED_AT_EVERY)
            read = await run_in_thread(self._read_credentials)
            changed = [lane for lane, found in read.items() if found != lane.credentials]
            for lane in changed:  # all at once: who shares a token goes by it
                lane.credentials = read[lane]
            for lane in changed:
                duration = None
                if lane.stopped is not None:
                    await self._ledger.write(accounts.resume(lane.account))
                    duration = lane.reopen()
                log.notice("token.changed", account=lane.name, duration=duration)

    def _read_credentials(self) -> dict[Lane, Credentials]:
        """Read what opens each account; one that cannot be read (now) keeps what it had."""
        found = {lane: self._open_account(self._accounts[a]) for a, lane in self.lanes.items()}
        return {lane: read for lane, read in found.items() if not isinstance(read, str)}

    def _token_mates(self, lane: Lane) -> list[Lane]:
        return [mate for mate in self.lanes.values() if mate.credentials == lane.credentials]


def terms_of(account: AccountConfig) -> Terms:
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
