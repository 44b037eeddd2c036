"""Whether one account takes calls: its pauses, stops and failures."""

from __future__ import annotations

import logging
import random
import time
from collections.abc import Callable, Iterable

import msgspec
import structlog
from msgspec.structs import replace

from syncd.engine.failing import Failing
from syncd.engine.gate import Gate
from syncd.engine.pacer import Pacer
from syncd.engine.paused import Paused
from syncd.graph.client import Credentials, GraphError
from syncd.graph.shapes import Usage
from syncd.ledger import accounts, alerts
from syncd.ledger.accounts import USAGE, Pause
from syncd.ledger.database import Ledger
from syncd.log import Log, elapsed, moment
from syncd.model import AccountId, AccountName, Digest
from syncd.rules import backoff
from syncd.rules.errors import NO_ERROR, ApiError, Scope, Verdict, judge, remedy
from syncd.rules.forecast import duration

log: Log = structlog.get_logger()

STOP = "stop"
"""The kind of a pause in the ledger that only the operator ends."""

UNREADABLE = "token unreadable"
"""The kind of a stop while the credentials cannot be read."""


class Stop(msgspec.Struct, frozen=True, kw_only=True):
    """Why and since when (unix seconds) an account is stopped, and with which others."""

    kind: str
    why: str
    since: float
    remedy: str
    accounts: tuple[AccountName, ...]
    """All accounts that are stopped together; the first one met the error."""
    error: ApiError = NO_ERROR
    read_proves: bool = True
    """Whether a successful read shows that the cause is gone; else only an upload does."""


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
        self.subject = alerts.account_subject(name)
        self.account = account
        self.credentials: Credentials | None = None
        self.token_expires_at: float | None = None
        """Unix seconds, as last inspected; None if it does not expire, or that is unknown."""
        self.failing = Failing(name, ledger)
        self.stopped: Stop | None = None
        self.paused = Paused(name, account, ledger, gate, lambda: self.stopped is not None)
        self._ledger = ledger
        self._gate = gate
        self._pacer = pacer
        self._token_mates = token_mates

    @property
    def state(self) -> str:
        """The state in one to three words, for the progress display."""
        if self.stopped is not None:
            return "stopped"
        if (left := self.paused.left) > 0:
            return f"paused {round(left)} s"
        return "open" if self.failing.since is None else "failing"

    @property
    def trouble(self) -> str | None:
        """The reason why the account takes no calls, for the operator; None if it takes them."""
        if self.stopped is not None:
            return f"{self.name} stopped ({self.stopped.why})"
        if (left := self.paused.left) > 0:
            return f"{self.name} paused {duration(left)} ({self.paused.why})"
        return None if self.failing.since is None else f"{self.name} failing"

    async def restore(self, pause: Pause | None) -> None:
        """Restore the state of an earlier process: a pause continues, a stop is tried once more."""
        await self.failing.restore()
        if pause is None:
            return
        if pause.until is None:
            await self._ledger.write(accounts.resume(self.account))
            duration = elapsed(pause.since, time.time())
            log.notice("account.retried", account=self.name, duration=duration)
            return
        self.paused.restore(pause)

    async def on_success(self) -> None:
        """Called when a call succeeded: pauses, failures and stops have ended."""
        await self.on_response()
        await self.failing.end()
        if self.stopped is not None and not self._gate.is_shut:  # shut: sent before the stop
            duration = await self.reopen()
            log.notice("account.resumed", account=self.name, duration=duration)

    async def on_response(self) -> None:
        """Called when the account answered a call, be it with an error: it is not throttled."""
        self._gate.record_success()
        await self.paused.end()

    async def on_error(
        self, error: GraphError, sent_with: Credentials, images: Iterable[Digest] = ()
    ) -> Verdict:
        """Called when a call failed, of a POST of `images` if there are any; return the verdict.

        An error about images, or a missing permission, may hold for this call alone: what follows
        from it is the caller's decision.
        """
        api_error, verdict = error.api_error, judge(error.api_error)
        if verdict.is_about_credentials and sent_with != self.credentials:
            self._gate.cancel()  # they were replaced meanwhile: this is not about the new ones
            return Verdict.RETRY
        if verdict is Verdict.RETRY:
            await self.on_failure(api_error, images)
        elif verdict in (Verdict.UNKNOWN, Verdict.TOO_LARGE):  # perhaps not about the images
            await self.on_response()
            is_unknown = verdict is Verdict.UNKNOWN and images
            if is_unknown and await self._is_about_the_call(api_error, frozenset(images)):
                return Verdict.STOP_CALL
        elif verdict.scope is Scope.IMAGE:
            await self.on_success()
        elif verdict.is_pause:
            pause = await self.pause(verdict, api_error, error.usage)
            if verdict.scope is not Scope.ACCOUNT:
                for mate in self._token_mates(self.credentials):
                    if mate is not self:
                        await mate.paused.join_another(pause, api_error)
        elif verdict.scope is not Scope.ACCOUNT:
            await self.stop_for(verdict, api_error, self._token_mates(self.credentials))
        return verdict

    async def on_failure(self, error: ApiError, images: Iterable[Digest]) -> None:
        """Called when a call failed temporarily, of a POST of `images` if there are any."""
        await self.failing.record(error, frozenset(images), unknown=False)
        failures = self.failing.failures
        if failures.is_about_one_image:  # it delays only itself
            self._gate.cancel()
        else:
            chance = random.random()  # noqa: S311  jitter
            self._gate.shut_for(backoff.retry_delay(failures.calls, chance))

    async def _is_about_the_call(self, error: ApiError, images: frozenset[Digest]) -> bool:
        """Return whether an unknown error stops the account, and stop it, or all of its token."""
        await self.failing.record(error, images, unknown=True)
        if not self.failing.failures.is_about_the_call(error):
            return False
        mates = list(self._token_mates(self.credentials))
        stops = [mate.stopped for mate in mates if mate is not self]
        is_second = any(stop is not None and stop.error.number == error.number for stop in stops)
        await self.stop_for(Verdict.STOP_CALL, error, mates if is_second else [self])
        return True

    async def pause(self, verdict: Verdict, error: ApiError, usage: Usage) -> Pause:
        """Send nothing for as long as the headers say, or else for longer each time."""
        consecutive, block = self.paused.consecutive, self._pacer.pace.budget.block
        chance = random.random()  # noqa: S311  jitter
        seconds = backoff.pause_length(verdict, usage.regain, consecutive, chance, block)
        return await self.paused.begin(
            verdict.value, str(error), seconds, remedy(error, verdict), error
        )

    async def on_usage(self, usage: Usage) -> None:
        """Called with the usage headers of a call that was not throttled: they may ask for a pause.

        It lasts for the time that they report, and for as long as the pacer delays a read.
        """
        if usage.closed_by is not None:
            seconds = max(usage.regain or 0.0, self._pacer.delay_of_read)
            if seconds > 0:
                await self.paused.begin(USAGE, usage.closed_by, seconds)

    async def stop_for(
        self, verdict: Verdict, error: ApiError, healths: Iterable[AccountHealth]
    ) -> None:
        """Stop accounts, this one included, for an error that this one met."""
        others = [health for health in healths if health is not self]
        stop = Stop(
            kind=verdict.value,
            why=str(error),
            since=time.time(),
            remedy=remedy(error, verdict) or "",
            accounts=(self.name, *(other.name for other in others)),
            error=error,
            read_proves=verdict is Verdict.STOP_TOKEN,
        )
        await stop_together(stop, [self, *others])

    def adopt(self, stop: Stop) -> bool:
        """Send nothing until a probe or the operator reopens the account; return if that is new.

        A stop of more accounts replaces one of fewer, and another reason why the credentials cannot
        be read replaces whatever is known: it is what the operator has to fix next.
        """
        self._gate.shut_until_reopened()
        known = self.stopped
        is_other_reason = stop.kind == UNREADABLE and known is not None and stop.why != known.why
        if known is not None and len(stop.accounts) <= len(known.accounts) and not is_other_reason:
            return False
        self.stopped = stop
        return True

    async def record_stop(self, stop: Stop) -> None:
        """Record and log a stop.

        The account that met the error has the remedy, so that the stop is one alert.
        """
        met = stop.accounts[0] == self.name
        pause = Pause(
            kind=STOP,
            why=f"{stop.kind}: {stop.why}",
            since=stop.since,
            until=None,
            consecutive=1,
            remedy=stop.remedy if met else None,
        )
        await self._ledger.write(accounts.pause([self.account], pause))
        log.log(
            logging.ERROR if met else logging.INFO,
            "account.stopped",
            account=self.name,
            accounts=list(stop.accounts),
            kind=stop.kind,
            why=stop.why,
            since=moment(stop.since),
            remedy=pause.remedy,
            error_user_title=stop.error.title,
            error_user_msg=stop.error.user_message,
            fbtrace_id=stop.error.trace_id,
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

    async def on_probe(self, *, is_idle: bool) -> None:
        """Called when a stopped account answered a read.

        Unless that shows that the cause is gone, or there is nothing to send, the stop ends with
        the next success, and continues with the next error.
        """
        if self.stopped is None:
            return
        if self.stopped.read_proves or is_idle:
            log.notice("account.resumed", account=self.name, duration=await self.reopen())
        else:
            self.failing.failures = replace(self.failing.failures, unknown={})
            self._gate.reopen()


async def stop_together(stop: Stop, healths: Iterable[AccountHealth]) -> None:
    """Stop accounts for one reason, all before the first await: another stop cannot divide them."""
    new = [health for health in healths if health.adopt(stop)]
    for health in new:
        await health.record_stop(stop)
