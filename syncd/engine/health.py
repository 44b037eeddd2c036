"""Whether one account takes calls: its pauses, stops and failures."""

from __future__ import annotations

import logging
import random
import time
from collections.abc import Callable, Iterable

import msgspec
import structlog

from syncd.engine.gate import Gate
from syncd.engine.pacer import Pacer
from syncd.graph.client import Credentials, GraphError
from syncd.graph.shapes import Usage
from syncd.ledger import accounts, alerts
from syncd.ledger.accounts import Pause
from syncd.ledger.database import Ledger
from syncd.log import Log, elapsed, moment
from syncd.model import AccountId, AccountName
from syncd.rules import backoff
from syncd.rules.batch import Sharing, recalled
from syncd.rules.errors import REMEDIES, ApiError, Scope, Verdict, judge
from syncd.rules.forecast import duration
from syncd.rules.pacing.budget import Tier

log: Log = structlog.get_logger()

LONGEST_PAUSE = 24 * 3600.0
"""Seconds; a pause in the ledger that ends later was written while the clock was wrong."""

STOP = "stop"
"""The kind of a pause in the ledger that only the operator ends."""

_NOT_SHARED = "the account rejects every POST of several images"


class Failing(msgspec.Struct, frozen=True):
    """Consecutive calls that failed for a temporary reason."""

    calls: int = 0
    why: str | None = None  # of the last one
    since: float | None = None  # unix seconds; also known when an earlier process saw the first


class Stop(msgspec.Struct, frozen=True):
    """Why and since when (unix seconds) an account is stopped."""

    why: str
    since: float


class AccountHealth:
    """Whether an account takes calls, from what its calls returned.

    The one writer of pauses in the ledger, and of the account.* events.
    """

    def __init__(
        self,
        *,
        name: AccountName,
        account: AccountId,
        ledger: Ledger,
        gate: Gate,
        pacer: Pacer,
        token_mates: Callable[[Credentials | None], Iterable[AccountHealth]],
    ) -> None:
        """`token_mates` returns all accounts with those credentials."""
        self.name = name
        self.account = account
        self.credentials: Credentials | None = None
        self.sharing = Sharing()
        self.failing = Failing()
        self.stopped: Stop | None = None
        self._paused: Pause | None = None
        self._ledger = ledger
        self._gate = gate
        self._pacer = pacer
        self._token_mates = token_mates

    @property
    def subject(self) -> str:
        """The account as the subject of alerts."""
        return alerts.account_subject(self.name)

    @property
    def state(self) -> str:
        """The state in one to three words, for the progress display."""
        if self.stopped is not None:
            return "stopped"
        if (left := self._pause_left) > 0:
            return f"paused {round(left)} s"
        return "failing" if self.failing.calls else "open"

    @property
    def trouble(self) -> str | None:
        """The reason why the account takes no calls, for the operator; None if it takes them."""
        if self.stopped is not None:
            return f"{self.name} stopped ({self.stopped.why})"
        if self._paused is not None and (left := self._pause_left) > 0:
            return f"{self.name} paused {duration(left)} ({self._paused.why})"
        return f"{self.name} failing" if self.failing.calls else None

    @property
    def _pause_left(self) -> float:
        if self._paused is None:
            return 0.0
        return max(0.0, (self._paused.until or 0.0) - time.time())

    async def restore(self, pause: Pause | None) -> None:
        """Restore the state of an earlier process: a pause continues, a stop is tried once more."""
        self.sharing = recalled(await self._ledger.read(accounts.batching_off_until(self.account)))
        failing = await self._ledger.read(alerts.ongoing("account.failing", self.subject))
        self.failing = Failing(since=failing[0].since if failing else None)
        if pause is None:
            return
        if pause.until is None:
            await self._ledger.write(accounts.resume(self.account))
            _log_retried(self.name, elapsed(pause.since, time.time()))
            return
        self._paused = pause
        left = min(pause.until - time.time(), LONGEST_PAUSE)
        self._gate.shut_for(max(0.0, left))  # also after its end: one call goes first
        if left > 0:
            _log_paused(self.name, pause, left, begins=True)

    async def on_success(self) -> None:
        """Called when the account answered a call: pauses and failures have ended."""
        self._gate.record_success()
        now, failing = time.time(), self.failing
        self.failing = Failing()
        if failing.since is not None:
            await self._ledger.write(alerts.end("account.failing", self.subject, now))
            log.notice(
                "account.recovered",
                account=self.name,
                failed_calls=failing.calls,
                duration=elapsed(failing.since, now),
            )
        pause = self._paused
        if pause is not None and not self._gate.is_shut:  # shut: sent before the pause began
            self._paused = None
            await self._ledger.write(accounts.resume(self.account))
            log.notice("account.resumed", account=self.name, duration=elapsed(pause.since, now))

    async def on_error(self, error: GraphError, sent_with: Credentials) -> Verdict:
        """Called when a call failed; return the verdict.

        An error about images, or a missing permission, may hold for this call alone: what follows
        from it is the caller's decision.
        """
        api_error, verdict = error.api_error, judge(error.api_error)
        if verdict.is_about_credentials and sent_with != self.credentials:
            self._gate.cancel()  # the token was replaced meanwhile: this is not about the new one
            return Verdict.RETRY
        if verdict is Verdict.RETRY:
            await self.fail(api_error)
        elif verdict.scope is Scope.IMAGE:
            await self.on_success()
        elif verdict.is_pause:
            pause = await self.pause(verdict, api_error, error.usage)
            if verdict.scope is not Scope.ACCOUNT:
                for mate in self._token_mates(self.credentials):
                    if mate is not self:
                        await mate.join_pause(pause)
        elif verdict.scope is not Scope.ACCOUNT:
            for mate in self._token_mates(self.credentials):
                await mate.stop(verdict.value, str(api_error), REMEDIES[verdict])
        return verdict

    async def pause(self, verdict: Verdict, error: ApiError, usage: Usage) -> Pause:
        """Send nothing for as long as the headers say, or else for longer each time."""
        now, known = time.time(), self._paused
        consecutive = 1
        if known is not None:  # calls that were under way together meet one pause, not several
            consecutive = known.consecutive if (known.until or now) > now else known.consecutive + 1
        chance = random.random()  # noqa: S311  jitter
        block = self._pacer.pace.budget.block
        seconds = backoff.pause_length(verdict, usage.regain, consecutive, chance, block)
        pause = Pause(
            kind=verdict.value,
            why=str(error),
            since=known.since if known is not None else now,
            until=now + seconds,
            consecutive=consecutive,
            remedy=REMEDIES.get(verdict),
        )
        await self.join_pause(pause)
        return pause

    async def join_pause(self, pause: Pause) -> None:
        """Pause as the call of this account, or of another with its token, asks for.

        A longer pause stays as it is, and so does a stop.
        """
        known, until = self._paused, pause.until or 0.0
        if self.stopped is not None:
            return
        self._gate.shut_for(until - time.time())
        if known is not None and (known.until or 0.0) >= until:
            return
        self._paused = pause
        await self._ledger.write(accounts.pause([self.account], pause))
        worse = known is not None and known.remedy is None and pause.remedy is not None
        _log_paused(self.name, pause, until - time.time(), begins=known is None or worse)

    async def stop(self, kind: str, why: str, remedy: str) -> None:
        """Send nothing until the operator has done what `remedy` says; logged once."""
        self._gate.shut_until_reopened()
        if self.stopped is not None:
            return
        self.stopped = stop = Stop(why, time.time())
        pause = Pause(
            kind=STOP,
            why=f"{kind}: {why}",
            since=stop.since,
            until=None,
            consecutive=1,
            remedy=remedy,
        )
        await self._ledger.write(accounts.pause([self.account], pause))
        log.error(
            "account.stopped",
            account=self.name,
            kind=kind,
            why=why,
            since=moment(stop.since),
            remedy=remedy,
        )

    async def reopen(self) -> float | None:
        """End a stop; return for how many seconds it lasted, None if the account was not stopped.

        The next call shows whether the cause is gone.
        """
        if (stop := self.stopped) is None:
            return None
        await self._ledger.write(accounts.resume(self.account))
        self.stopped = None
        self._gate.reopen()
        return elapsed(stop.since, time.time())

    async def on_retry(self) -> None:
        """Called when `syncd retry` has ended the stop in the ledger."""
        if (duration := await self.reopen()) is not None:
            _log_retried(self.name, duration)

    async def fail(self, error: ApiError) -> None:
        """Wait a little before the next call, longer after each consecutive failure."""
        known, why, now = self.failing, str(error), time.time()
        self.failing = Failing(known.calls + 1, why, known.since or now)
        delay = backoff.retry_delay(self.failing.calls, random.random())  # noqa: S311  jitter
        self._gate.shut_for(delay)
        if known.since is None:
            await self._ledger.write(alerts.begin("account.failing", self.subject, why, now))
            log.warning("account.failing", account=self.name, why=why)

    async def learn_sharing(self, sharing: Sharing) -> None:
        """Record what is known about the account's POSTs of several images."""
        before, self.sharing = self.sharing, sharing
        if sharing.alone_until == before.alone_until:
            return
        until, now = sharing.alone_until or None, time.time()
        await self._ledger.write(accounts.set_batching_off_until(self.account, until))
        if until is None:
            end = alerts.end("account.batching_off", self.subject, now)
            duration = await self._ledger.write(end)
            log.notice("account.batching_restored", account=self.name, duration=duration)
            return
        begin = alerts.begin("account.batching_off", self.subject, _NOT_SHARED, now)
        if await self._ledger.write(begin):
            log.warning("account.batching_off", account=self.name)

    async def learn_tier(self, tier: Tier) -> None:
        """Record the tier that the account's headers report."""
        await self._ledger.write(accounts.record_tier(self.account, tier.value))
        log.notice("account.tier", account=self.name, tier=tier.value)


def _log_paused(account: AccountName, pause: Pause, seconds: float, *, begins: bool) -> None:
    level = logging.INFO  # a pause that continues
    if begins:
        level = logging.WARNING if pause.remedy is None else logging.ERROR
    log.log(
        level,
        "account.paused",
        account=account,
        seconds=round(seconds),
        kind=pause.kind,
        why=pause.why,
        consecutive=pause.consecutive,
        remedy=pause.remedy,
        since=moment(pause.since),
        until=moment(pause.until),
    )


def _log_retried(account: AccountName, duration: float) -> None:
    log.notice("account.retried", account=account, duration=duration)
