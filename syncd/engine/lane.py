"""One account's lane: its queue, its gate, and what its answers have taught."""

from __future__ import annotations

import asyncio
import logging
import random
import time
from collections.abc import Sequence

import msgspec
import structlog

from syncd.engine.gate import Gate
from syncd.engine.pacer import End, Pacer
from syncd.engine.queue import WorkQueue
from syncd.graph.client import Credentials
from syncd.graph.shapes import Usage
from syncd.ledger import accounts, alerts
from syncd.ledger.accounts import Pause
from syncd.ledger.database import Ledger
from syncd.ledger.statements import Write
from syncd.log import Log, elapsed, moment
from syncd.model import AccountId, AccountName, Digest
from syncd.rules import backoff, remedies
from syncd.rules.errors import ApiError, Verdict
from syncd.rules.forecast import duration
from syncd.rules.pacing.budget import Call, Terms, Tier
from syncd.rules.sharing import Sharing, learnt

log: Log = structlog.get_logger()

LONGEST_PAUSE = 24 * 3600.0
"""Seconds; a pause in the ledger that says more comes from a clock that was wrong."""

SPENDING = 3600.0
"""Seconds for which a call counts against some budget: the longest window, a rolling hour."""

STOP = "stop"
"""The kind of a pause that a person must end."""


class Counters(msgspec.Struct):
    """What this process did for an account."""

    calls: int = 0
    images: int = 0
    bytes: int = 0


class Lane:
    """What goes to one account, and whether anything may go."""

    def __init__(
        self,
        name: AccountName,
        account: AccountId,
        ledger: Ledger,
        terms: Terms,
        *,
        mirrors: bool = False,
        deletes: bool = False,
    ) -> None:
        """mirrors, whether the account may copy images out of others; deletes, whether a folder's
        deletions reach it."""
        self.name = name
        self.mirrors = mirrors
        self.deletes = deletes
        self.account = account
        self.pacer = Pacer(terms)
        self.queue = WorkQueue()
        self.gate = Gate()
        self.turn = asyncio.Lock()  # whose worker takes next
        self.sharing = Sharing()
        self.counters = Counters()
        self.limits: dict[Digest, int] = {}  # suspects: with how many each may still share
        self.as_bytes: dict[Digest, str] = {}  # refused as files, and why: `bytes` is to be tried
        self.not_from: dict[Digest, set[AccountId]] = {}  # accounts it could not be copied from
        self.tries: dict[Digest, int] = {}  # failed ones of what is not done yet
        self.failures = 0  # calls in a row that failed for a passing reason
        self.no_copies_from: set[AccountId] = set()  # that it was said to be refused to copy from
        self.failing: str | None = None  # the last one's
        self.stopped: str | None = None
        self.credentials: Credentials | None = None
        self.subject = alerts.account(name)  # of what the ledger has of its troubles
        self._pause: Pause | None = None
        self._failing_since: float | None = None  # unix seconds
        self._stopped_since = 0.0
        self._ledger = ledger

    @property
    def state(self) -> str:
        """One word or two for the progress bar."""
        if self.stopped is not None:
            return "stopped"
        if self._pause is not None and (left := (self._pause.until or 0.0) - time.time()) > 0:
            return f"paused {round(left)} s"
        return "failing" if self.failures else "open"

    @property
    def trouble(self) -> str | None:
        """What keeps anything from going to the account, in words for a person."""
        if self.stopped is not None:
            return f"{self.name} stopped ({self.stopped})"
        if self._pause is not None and (left := (self._pause.until or 0.0) - time.time()) > 0:
            return f"{self.name} paused {duration(left)} ({self._pause.why})"
        return f"{self.name} failing" if self.failures else None

    def images_a_post(self, most: int) -> int:
        """Return how many images share the account's next POST, at most."""
        return min(self.sharing.limit(most, time.time()), self.pacer.pace.images(most))

    async def recall(self, pause: Pause | None) -> None:
        """Take up what an earlier process left: a pause goes on, a stop is tried once more."""
        self.sharing = learnt(await self._ledger.read(accounts.alone_until(self.account)))
        await self._recall_spending()
        await self._recall_concerns()
        if pause is None:
            return
        if pause.until is None:
            await self._ledger.write(accounts.resume(self.account))
            self._tell_retried(elapsed(pause.since, time.time()))
            return
        self._pause = pause
        left = min(pause.until - time.time(), LONGEST_PAUSE)
        self.gate.shut_for(max(0.0, left))  # also when it is over: one call tries the gate first
        if left > 0:
            self._tell_paused(pause, left, begins=True)

    async def _recall_concerns(self) -> None:
        failing = await self._ledger.read(alerts.standing("account.failing", self.subject))
        self._failing_since = failing[0].since if failing else None
        refused = await self._ledger.read(alerts.standing("copies.refused", self.subject))
        self.no_copies_from = {AccountId(one.part) for one in refused}

    async def _recall_spending(self) -> None:
        now = time.time()
        spent = await self._ledger.read(accounts.recent_calls(self.account, now - SPENDING))
        tier = await self._ledger.read(accounts.tier(self.account))
        self.pacer.recall(
            Tier(tier) if tier is not None else None,
            [(max(0.0, now - c.at), Call(c.points, c.images)) for c in spent],
        )

    async def spent(self, call: Call, end: End, usage: Usage) -> Write[None]:
        """A call ended: what it cost, and what its headers say.

        Answers what is to be written of it: with what else came of the call, that is one commit.
        """
        tier = self.pacer.pace.tier
        self.pacer.ended(call, end, usage.reading)
        self.queue.stir()
        now = time.time()
        if self.pacer.pace.tier is not tier:
            learnt_tier = self.pacer.pace.tier.value
            await self._ledger.write(accounts.learn_tier(self.account, learnt_tier))
            log.notice("account.tier", account=self.name, tier=learnt_tier)
        spent = accounts.SpentCall(now, call.points, call.images)
        return accounts.spend(self.account, spent, now - SPENDING)

    async def went_through(self) -> None:
        """An answer came: whatever troubled the account is over."""
        self.gate.went_through()
        now, self.failing = time.time(), None
        if (since := self._failing_since) is not None:
            failed, self.failures, self._failing_since = self.failures, 0, None
            await self._ledger.write(alerts.end("account.failing", self.subject, now))
            log.notice(
                "account.recovered",
                account=self.name,
                failed_calls=failed,
                duration=elapsed(since, now),
            )
        if (pause := self._pause) is not None and not self.gate.shut:  # else sent before the pause
            self._pause = None
            await self._ledger.write(accounts.resume(self.account))
            log.notice("account.resumed", account=self.name, duration=elapsed(pause.since, now))

    async def pause(self, verdict: Verdict, fault: ApiError, usage: Usage) -> Pause:
        """Shut the gate for as long as the headers say, or else for longer each time."""
        now, known = time.time(), self._pause
        row = 1
        if known is not None:  # calls that were under way together meet one pause, not several
            row = known.row if (known.until or now) > now else known.row + 1
        chance = random.random()  # noqa: S311  jitter
        block = self.pacer.pace.budget.block
        seconds = backoff.pause_length(verdict, usage.regain, row, chance, block)
        since = known.since if known is not None else now
        remedy = remedies.OF_VERDICT.get(verdict)
        pause = Pause(verdict.value, str(fault), since, now + seconds, row, remedy)
        await self.shut(pause)
        return pause

    async def shut(self, pause: Pause) -> None:
        """Take over a pause: this account's own, or one that its whole token shares."""
        known, until = self._pause, pause.until or 0.0
        if self.stopped is not None:
            return
        self.gate.shut_for(until - time.time())
        if known is not None and (known.until or 0.0) >= until:
            return
        self._pause = pause
        await self._ledger.write(accounts.pause([self.account], pause))
        worse = known is not None and known.remedy is None and pause.remedy is not None
        self._tell_paused(pause, until - time.time(), begins=known is None or worse)

    def _tell_paused(self, pause: Pause, seconds: float, *, begins: bool) -> None:
        level = logging.INFO  # that it goes on
        if begins:
            level = logging.WARNING if pause.remedy is None else logging.ERROR
        log.log(
            level,
            "account.paused",
            account=self.name,
            seconds=round(seconds),
            kind=pause.kind,
            why=pause.why,
            consecutive=pause.row,
            remedy=pause.remedy,
            since=moment(pause.since),
            until=moment(pause.until),
        )

    async def stop(self, verdict: Verdict, why: str, remedy: str) -> None:
        """Shut the gate until a person has done something; said once."""
        self.gate.shut_for_good()
        if self.stopped is not None:
            return
        self.stopped, self._stopped_since = why, time.time()
        said = f"{verdict.value}: {why}"
        pause = Pause(STOP, said, self._stopped_since, None, 1, remedy)
        await self._ledger.write(accounts.pause([self.account], pause))
        log.error(
            "account.stopped",
            account=self.name,
            kind=verdict.value,
            why=why,
            since=moment(pause.since),
            remedy=remedy,
        )

    def reopen(self) -> float:
        """A person has seen to what stopped it; answers for how many seconds it was stopped."""
        self.stopped = None
        self.gate.reopen()
        return elapsed(self._stopped_since, time.time())

    def retried(self) -> None:
        """A person has lifted the stop."""
        self._tell_retried(self.reopen())

    def _tell_retried(self, duration: float) -> None:
        log.notice("account.retried", account=self.name, duration=duration)

    async def fail(self, fault: ApiError) -> None:
        """A call failed for a passing reason: the account waits a little, longer each time."""
        self.failures, self.failing = self.failures + 1, str(fault)
        self.gate.shut_for(backoff.retry_delay(self.failures, random.random()))  # noqa: S311  jitter
        if self._failing_since is None:
            self._failing_since, why = time.time(), str(fault)
            begun = alerts.begin("account.failing", self.subject, why, self._failing_since)
            await self._ledger.write(begun)
            log.warning("account.failing", account=self.name, why=why)

    def retry_later(self, digests: Sequence[Digest]) -> None:
        """Images of one call that failed wait, for as long as their tries say.

        They share one jitter: what failed together comes back together, and shares a POST again.
        """
        chance = random.random()  # noqa: S311  jitter
        for digest in digests:
            self.tries[digest] = self.tries.get(digest, 0) + 1
            self.queue.later(digest, backoff.retry_delay(self.tries[digest], chance))

    def done(self, digest: Digest) -> None:
        """Nothing more is to be done about an image."""
        self.limits.pop(digest, None)
        self.as_bytes.pop(digest, None)
        self.not_from.pop(digest, None)
        self.tries.pop(digest, None)
        self.queue.done(digest)
