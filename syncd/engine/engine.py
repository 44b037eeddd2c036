"""The engine: a lane and its workers for each account, and what runs for all of them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence

import msgspec
import structlog

from syncd.config import AccountConfig, BatchConfig
from syncd.engine.audit import Audit
from syncd.engine.calls import Calls
from syncd.engine.confirmations import Confirmations, wake_periodically
from syncd.engine.deletions import Deletions
from syncd.engine.elsewhere import Elsewhere
from syncd.engine.health import AccountHealth
from syncd.engine.lane import Lane, Neighbours
from syncd.engine.part import Part
from syncd.engine.reconcile import Grace, Reconcile
from syncd.engine.semaphore import FairByteSemaphore
from syncd.engine.token_inspections import TokenInspections
from syncd.engine.tokens import OpenAccount, Tokens, stop_unreadable
from syncd.engine.worker import ImageFiles, Role, Worker
from syncd.graph.client import GraphClient
from syncd.heartbeat import Heartbeat
from syncd.ledger import accounts
from syncd.ledger.database import Ledger
from syncd.log import Log
from syncd.model import AccountId, Copying, Digest
from syncd.rules.backoff import PROBE_INTERVAL
from syncd.rules.copy import ARRIVAL_TIMEOUT

log: Log = structlog.get_logger()

LEDGER_POLL = 1.0
"""Seconds between two checks whether another process has written to the ledger."""


class Upkeep(msgspec.Struct, frozen=True):
    """Settings of the work besides uploading: deletions and audits."""

    deletions: Grace
    audit_every: float
    """Seconds."""
    restore: bool
    """Whether images that an account has lost are sent again."""
    history_kept: float
    """Seconds after which a row of the history is removed."""


class EngineConfig(msgspec.Struct, frozen=True, kw_only=True):
    """Settings of the accounts."""

    accounts: Sequence[AccountConfig]
    roles: Mapping[AccountId, Role]
    batch: BatchConfig
    secret_files: Mapping[AccountId, Sequence[str]] = msgspec.field(default_factory=dict)
    """The paths of each account's secrets, as far as they are files."""
    upkeep: Upkeep | None = None
    """None for a process that only uploads."""
    tries: int | None = None
    """Limit of the tries of an image whose failures are temporary; None for no limit."""
    part: Part | None = None
    """The images that are sent; None for all."""


class Engine:
    """The uploads, copies, deletions and audits of all accounts.

    A failure of one account does not affect the others.
    """

    def __init__(
        self,
        config: EngineConfig,
        ledger: Ledger,
        client: GraphClient,
        open_account: OpenAccount,
        files: ImageFiles,
        *,
        on_foreign_write: Callable[[], None] = lambda: None,
    ) -> None:
        """`on_foreign_write` is called when another process has written to the ledger."""
        self._config = config
        self._ledger = ledger
        self._client = client
        self._on_foreign_write = on_foreign_write
        copiers = [id_ for id_, role in config.roles.items() if role.copies]
        neighbours = Neighbours(copiers, config.part)
        self.lanes: Mapping[AccountId, Lane] = neighbours.lanes
        self._workers: dict[AccountId, Worker] = {}
        in_flight = FairByteSemaphore()
        for account in config.accounts:
            lane = Lane(account, ledger, neighbours, tries=config.tries)
            neighbours.lanes[account.id] = lane
            self._workers[account.id] = Worker(
                lane=lane,
                ledger=ledger,
                client=client,
                batch=config.batch,
                files=files,
                in_flight=in_flight,
                role=config.roles[account.id],
            )
        self._inspections = TokenInspections(self.lanes, ledger, client)
        self._tokens = Tokens(
            *(self.lanes, config.accounts, open_account, client, config.secret_files),
            on_change=self._inspections.wake,
        )
        self._elsewhere = Elsewhere(self.lanes, ledger)
        self._audits: list[Audit] = []
        self.confirmations: dict[AccountId, Confirmations] = {}
        """The confirmations of each account's deletions, once the engine runs."""
        self.restored = asyncio.Event()
        """Set when the state of an earlier process and the credentials are known."""

    def heartbeat(self, account: AccountId) -> Heartbeat:
        """Return the heartbeat of the calls to an account."""
        return self._client.heartbeats[account]

    async def run(self, sends: asyncio.TaskGroup) -> None:
        """Work until cancelled; calls that are under way then are finished by `sends`."""
        self.confirmations = {
            account: Confirmations(
                Calls(lane, sends), self._ledger, self._client, lane.queue.refill.set
            )
            for account, lane in self.lanes.items()
        }
        await self.restore()
        async with asyncio.TaskGroup() as loops:
            for account in self._config.accounts:
                lane, worker = self.lanes[account.id], self._workers[account.id]
                loops.create_task(lane.feed(), name=f"feed:{lane.name}")
                for number in range(account.workers):
                    loops.create_task(worker.run(sends), name=f"work:{lane.name}:{number}")
                loops.create_task(self.confirmations[account.id].run(), name=f"confirm:{lane.name}")
            waking = wake_periodically(self.confirmations, self._ledger)
            loops.create_task(waking, name="wake:confirmations")
            loops.create_task(self._watch_ledger(), name="watch:ledger")
            loops.create_task(self._elsewhere.operator_pauses.run(), name="pauses")
            loops.create_task(self._tokens.watch(), name="watch:tokens")
            loops.create_task(self._probe(), name="probe")
            if self._config.upkeep is not None:
                self._start_upkeep(self._config.upkeep, loops, sends)

    async def restore(self) -> None:
        """Restore what an earlier process recorded, and read the credentials."""
        await self._elsewhere.begin()
        pauses = await self._ledger.read(accounts.pauses())
        unreadable = await self._tokens.read(self.lanes.values())
        since: dict[AccountHealth, float] = {}
        for account, lane in self.lanes.items():
            pause = pauses.get(account)
            if lane.health in unreadable and pause is not None and pause.until is None:
                since[lane.health], pause = pause.since, None  # it stays stopped
            await lane.restore(pause)
        await stop_unreadable(unreadable, since)
        await self._elsewhere.operator_pauses.apply()
        self.restored.set()

    async def check_tokens(self, on_failure: Callable[[str], None]) -> None:
        """Return once the API has accepted or rejected each token.

        `on_failure` is called with the reason each time that a check fails temporarily.
        """
        await self.restored.wait()
        await self._tokens.check(on_failure)

    async def probe_stopped(self) -> None:
        """Send one read to each stopped account: its cause may have ended without the operator."""
        for lane in self.lanes.values():
            await self._tokens.probe(lane)

    def on_arrival(
        self, digest: Digest, account_ids: Sequence[AccountId], copying: Copying
    ) -> None:
        """Called when a new image was read: it goes before any backlog.

        The folder's own account is the first. Its mirrors wait a moment until it holds the image,
        so that they can copy it.
        """
        own = self.lanes.get(account_ids[0])
        waits = copying is not Copying.UPLOAD and own is not None and not own.gate.is_shut
        for account in account_ids:
            if (lane := self.lanes.get(account)) is not None:
                if waits and lane is not own:
                    lane.delayed.await_arrival(digest, ARRIVAL_TIMEOUT)
                else:
                    lane.queue.add_fresh(digest)

    def on_found(self, digest: Digest, account_ids: Iterable[AccountId]) -> None:
        """Called when a scan has found a missing image: it joins the backlog."""
        for account in account_ids:
            if (lane := self.lanes.get(account)) is not None:
                lane.add_found(digest)

    def request_refill(self, account_ids: Iterable[AccountId] | None = None) -> None:
        """Read again what these accounts, or all, miss: facts in the ledger have changed."""
        for account in self.lanes if account_ids is None else account_ids:
            if (lane := self.lanes.get(account)) is not None:
                lane.queue.refill.set()

    def deletions(self, lane: Lane, sends: asyncio.TaskGroup, upkeep: Upkeep) -> Deletions:
        """Return the deletions from an account."""

        def changed() -> None:
            lane.queue.refill.set()
            self.confirmations[lane.account].wake()

        calls, grace = Calls(lane, sends), upkeep.deletions.seconds
        return Deletions(calls, self._ledger, self._client, grace, changed)

    def audit(self, lane: Lane, sends: asyncio.TaskGroup, upkeep: Upkeep) -> Audit:
        """Return the audit of an account."""
        return Audit(
            Calls(lane, sends),
            self._ledger,
            self._client,
            upkeep.audit_every,
            restore=upkeep.restore,
            on_lost=lane.queue.refill.set,
        )

    def _start_upkeep(
        self, upkeep: Upkeep, loops: asyncio.TaskGroup, sends: asyncio.TaskGroup
    ) -> None:
        grace = upkeep.deletions
        loops.create_task(self._inspections.run(), name="inspect:tokens")
        loops.create_task(
            Reconcile(self._ledger, grace, upkeep.history_kept).run(), name="reconcile"
        )
        for lane in self.lanes.values():
            deletions = self.deletions(lane, sends, upkeep)
            self.confirmations[lane.account].repeat = deletions.repeat
            loops.create_task(deletions.run(grace.period), name=f"delete:{lane.name}")
            audit = self.audit(lane, sends, upkeep)
            self._audits.append(audit)
            loops.create_task(audit.run(), name=f"audit:{lane.name}")

    async def _probe(self) -> None:
        while True:
            await asyncio.sleep(PROBE_INTERVAL)
            await self.probe_stopped()

    async def _retry(self, lanes: Sequence[Lane]) -> None:
        """Try accounts again whose stops or pauses another process has ended."""
        stopped = [lane for lane in lanes if lane.health.stopped is not None]
        unreadable = await self._tokens.read(stopped, again=True)
        for lane in lanes:
            if lane in stopped:
                duration = await lane.health.reopen()
                log.notice("account.retried", account=lane.name, duration=duration)
            elif lane.health.paused.lift():
                lane.pacer.forget_reports()
        await stop_unreadable(unreadable)

    async def _watch_ledger(self) -> None:
        """Act on what another process, such as `syncd retry`, has written to the ledger."""
        seen: int | None = None  # the first time, what was written since the start is read
        while True:
            await asyncio.sleep(LEDGER_POLL)
            version = await self._ledger.data_version()
            if version == seen:
                continue
            seen = version
            if not await self._elsewhere.apply():  # calls alone: a failed image waits for its time
                continue
            pauses = await self._ledger.read(accounts.pauses())
            await self._retry([one for one in self.lanes.values() if one.account not in pauses])
            for lane in self.lanes.values():
                await lane.limitations.retry()
                lane.delayed.retry_now()
            self._elsewhere.operator_pauses.wake()
            self.request_refill()
            for audit in self._audits:
                audit.wake()
            for confirmations in self.confirmations.values():
                confirmations.wake()
            self._on_foreign_write()
