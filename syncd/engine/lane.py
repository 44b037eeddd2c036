"""The lane of one account: its queue, pacer, gate, health and attempts."""

from __future__ import annotations

import random
import time
from collections.abc import Collection, Mapping, Sequence
from functools import partial

import structlog

from syncd.config import AccountConfig
from syncd.engine.attempts import Attempts
from syncd.engine.counters import CallKind, Counters, outcome_of
from syncd.engine.delayed import Delayed
from syncd.engine.gate import Gate
from syncd.engine.health import AccountHealth
from syncd.engine.limitations import Limitations
from syncd.engine.pacer import Pacer, end_of, share_used
from syncd.engine.part import Part
from syncd.engine.queue import ROOM, WorkQueue
from syncd.graph.client import Credentials
from syncd.graph.shapes import Usage
from syncd.ledger import accounts, activity, replicas, selection
from syncd.ledger.accounts import Pause, SpentCall
from syncd.ledger.copies import Expected
from syncd.ledger.database import Ledger
from syncd.ledger.statements import Read, Write, all_of
from syncd.log import Log
from syncd.model import AccountId, Digest
from syncd.rules import backoff
from syncd.rules.errors import NO_ERROR, ApiError
from syncd.rules.pacing.budget import Call, End, Terms, Tier
from syncd.rules.pacing.charge import CONFIRMED

log: Log = structlog.get_logger()

PAGE = 500
"""Missing digests that one read of the ledger returns."""

MOST_COUNTED = 100_000
"""Missing images in the ledger that are counted: more than any budget takes at once."""

LONGEST_WINDOW = 3600.0
"""Seconds for which a call counts against a budget: the longest window, a rolling hour."""


class Neighbours:
    """The lanes of one engine, as each of them reaches the others."""

    def __init__(self, copiers: Collection[AccountId], part: Part | None = None) -> None:
        """`copiers` are the mirrors that may copy images from other accounts.

        `part` limits what all of them send.
        """
        self.lanes: dict[AccountId, Lane] = {}
        self.part = part or Part()
        self._copiers = copiers

    def on_held(self, account: AccountId, digests: Sequence[Digest]) -> None:
        """Called when an account has come to hold images: mirrors can copy them now."""
        for copier in self._copiers:
            if copier != account and (lane := self.lanes.get(copier)) is not None:
                for digest in digests:
                    lane.delayed.arrive(digest)

    def with_credentials(self, credentials: Credentials | None) -> list[AccountHealth]:
        """Return all accounts with those credentials."""
        healths = [lane.health for lane in self.lanes.values()]
        return [health for health in healths if health.credentials == credentials]


class Lane:
    """One account: its queue, and everything that decides when a call goes to it."""

    def __init__(
        self,
        config: AccountConfig,
        ledger: Ledger,
        neighbours: Neighbours,
        *,
        tries: int | None = None,
    ) -> None:
        """`tries` is as in `Attempts`."""
        self.account = config.id
        self.name = config.name
        self.gate = Gate()
        self.pacer = Pacer(terms_of(config))
        self.queue = WorkQueue(on_fresh=self.pacer.wake)
        self.delayed = Delayed(self.queue)
        self.health = AccountHealth(
            name=config.name,
            account=config.id,
            ledger=ledger,
            gate=self.gate,
            pacer=self.pacer,
            token_mates=neighbours.with_credentials,
        )
        self.attempts = Attempts(tries)
        self.limitations = Limitations(config.name, config.id, ledger)
        self.counters = Counters()
        self._ledger = ledger
        self._neighbours = neighbours

    @property
    def missing(self) -> int:
        """How many images wait to be sent, in the queue and in the ledger."""
        return len(self.queue) + self.queue.unread

    @property
    def trouble(self) -> str | None:
        """Why the account takes no calls, for the operator; None if it takes them."""
        if self.gate.is_locked:
            return f"{self.name} paused by the operator"
        return self.health.trouble

    @property
    def is_at_rest(self) -> bool:
        """Whether no image waits, is sent or is left to be read from the ledger."""
        is_read = self.queue.is_read and not self.queue.refill.is_set()
        return is_read and self.queue.is_idle and not self.delayed

    def images_per_post(self, limit: int) -> int:
        """Return how many images the account's next POST may hold, at most `limit`."""
        return min(
            self.limitations.limits.images_per_post(limit, time.time()),
            self.pacer.pace.images(limit),
        )

    async def restore(self, pause: Pause | None) -> None:
        """Restore what an earlier process recorded: the health, and the calls that still count."""
        await restore_spending(self.pacer, self._ledger, self.account)
        await self.limitations.restore()
        await self.health.restore(pause)

    async def feed(self) -> None:
        """Fill the queue with what is missing in order of arrival, page by page, until cancelled.

        The ledger is read again from the start when `queue.refill` is set.
        """
        part = self._neighbours.part
        while True:
            self.queue.refill.clear()
            self.queue.is_read = False
            left = await self._ledger.read(self._count_missing())
            self.queue.unread = max(0, left - len(self.queue) - self.queue.in_flight)
            last, read = replicas.FIRST_MISSING, PAGE
            while read == PAGE:
                while self.queue.room < ROOM // 2:
                    await self.queue.wait_for_change()
                page = selection.missing_after(self.account, last, PAGE, part.folders)
                missing = await self.queue.add_page(
                    self._ledger.read(page), partial(part.admit, self.account)
                )
                last, read = missing.last, len(missing.digests)
                left = max(0, left - read) if read == PAGE else 0  # others were sent meanwhile
                self.queue.unread = left
            self.queue.is_read = True
            await self.queue.refill.wait()

    def _count_missing(self) -> Read[int]:
        part = self._neighbours.part
        if part.limit is not None:
            return replicas.count_missing(self.account, part.limit)
        return selection.count_missing(self.account, MOST_COUNTED, part.folders)

    def add_found(self, digest: Digest) -> None:
        """Queue an image that a scan found missing, unless older ones wait in the ledger alone.

        Reading all of them back took each image seven times through the ledger's thread.
        """
        part = self._neighbours.part
        if part.is_exhausted:
            return
        if self.queue.unread or self.queue.room <= 0 or part.limit is not None:
            self.queue.refill.set()
        else:
            self.queue.add(digest)

    def is_queued(self, expected: Expected) -> bool:
        """Return whether this process sends an image that another account is about to hold."""
        is_lane = expected.account in self._neighbours.lanes
        return is_lane and self._neighbours.part.includes(expected)

    async def finish_call(
        self,
        kind: CallKind,
        call: Call,
        usage: Usage,
        *results: Write[None],
        error: ApiError | None = None,
    ) -> None:
        """Record how a call ended, what it cost and what its headers report.

        That is one commit with `results`.
        """
        self.counters.ended[kind, outcome_of(error)] += 1
        end = End.TAKEN if error is None else end_of(error)
        tier, charge = self.pacer.pace.tier, self.pacer.pace.quota.charge
        by_image = charge.by_image
        if end is End.THROTTLED:  # before a waiting worker gets its turn
            self.gate.shut_for(self.pacer.pace.budget.block)
        self.pacer.finish(call, end, usage.reading)
        now, learned = time.time(), self.pacer.pace.tier
        images = 1 if end is End.THROTTLED else call.images  # none was stored
        spent = SpentCall(now, call.points, images)
        spend = accounts.record_call(self.account, spent, LONGEST_WINDOW)
        share, is_throttled = share_used(self.pacer), end is End.THROTTLED
        count = activity.record_call(self.account, now, share, is_throttled=is_throttled)
        if charge.by_image is not by_image:
            until = charge.by_image_until  # by a monotonic clock
            until = None if until is None else now + until - time.monotonic()
            results = (*results, accounts.record_charge(self.account, until))
        await self._ledger.write(all_of([spend, count, *results]))
        if end is not End.THROTTLED:  # else the error asks for the pause
            await self.health.on_usage(usage)
        if learned is not tier:
            await self._ledger.write(accounts.record_tier(self.account, learned.value))
            log.notice("account.tier", account=self.name, tier=learned.value)

    async def learn_no_copy(self, digests: Sequence[Digest]) -> None:
        """Record from which accounts these images, which were sent now, could not be copied."""
        limits, now, error = self.limitations.limits, time.time(), None
        failed = [limits.doubted_sources(), *(self.attempts[d].not_from for d in digests)]
        for sources in failed:
            for source, error in sources.items():  # noqa: B007  the last one
                limits = limits.after_no_copy(source, now)
        await self.limitations.learn(limits, error)

    def record_held(self, digests: Sequence[Digest], size: int = 0) -> None:
        """Count images that the account has come to hold, of `size` bytes that were uploaded."""
        self.counters.images += len(digests)
        self.counters.bytes += size
        for digest in digests:
            self.done(digest)
        self._neighbours.on_held(self.account, digests)

    async def retry_later(
        self,
        images: Mapping[Digest, str | None],
        why: str,
        error: ApiError = NO_ERROR,
        *,
        delay: float | None = None,
    ) -> None:
        """Try images, each with a file for the log if one is known, again later, or give them up.

        They share one jitter: what failed together is due together, and shares a POST again.
        `delay`, in seconds, replaces the usual one; where tries are limited, nothing waits for it.
        """
        await self._ledger.write(replicas.record_trouble(self.account, list(images), why))
        is_logged = self.health.failing.failures.is_about_one_image  # else the account's event is
        chance = random.random()  # noqa: S311  jitter
        for digest, file in images.items():
            tries = self.attempts[digest].tries + 1
            most = self.attempts.most
            if most is not None and (tries >= most or delay is not None):
                self.delayed.give_up(digest)
                log.warning(
                    "image.given_up",
                    account=self.name,
                    file=file,
                    sha256=digest.hex(),
                    why=why,
                    tries=tries,
                )
                continue
            self.attempts.record_failure(digest)
            usual = backoff.retry_delay(tries, chance)
            self.delayed.retry_after(digest, usual if delay is None else delay)
            if is_logged:
                log.info(
                    "image.retrying",
                    account=self.name,
                    file=file,
                    sha256=digest.hex(),
                    why=why,
                    tries=tries,
                    error_user_title=error.title,
                    error_user_msg=error.user_message,
                    fbtrace_id=error.trace_id,
                )

    def done(self, digest: Digest) -> None:
        """Finish an image that was taken from the queue and needs nothing more."""
        self.attempts.forget(digest)
        self.queue.done(digest)


async def restore_spending(pacer: Pacer, ledger: Ledger, account: AccountId) -> None:
    """Restore what earlier processes have learned of an account, and their calls that count."""
    now = time.time()
    spent = await ledger.read(accounts.recent_calls(account, now, LONGEST_WINDOW))
    learned = await ledger.read(accounts.learned(account))
    until = learned.images_charged_until
    pacer.restore(
        Tier(learned.tier) if learned.tier is not None else None,
        0.0 if until is None else min(until - now, CONFIRMED),
        [(max(0.0, now - c.at), Call(c.points, c.images)) for c in spent],
    )


def terms_of(config: AccountConfig) -> Terms:
    """Return what the configuration says about an account's budget."""
    budget = config.budget
    return Terms(
        tier=Tier(config.tier.value) if config.tier is not None else None,
        points=budget.points,
        window=budget.window,
        calls=budget.calls,
        calls_window=budget.calls_window,
        reserve=config.reserve,
    )
