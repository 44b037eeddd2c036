"""The calls of one process to one account, next to a daemon that may call it at the same time."""

from __future__ import annotations

import asyncio
import random
import secrets
import time
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from typing import Any, TypeVar

from syncd.engine.lane import LONGEST_WINDOW, restore_spending, terms_of
from syncd.engine.pacer import Pacer, end_of, recall, share_used
from syncd.graph.client import Credentials, GraphError
from syncd.graph.shapes import Usage
from syncd.ledger import accounts, activity, operator_pauses
from syncd.ledger.accounts import LONGEST_PAUSE, OPERATOR, USAGE, Pause, SpentCall
from syncd.ledger.database import Ledger
from syncd.ledger.statements import all_of
from syncd.model import AccountId
from syncd.operations.target import Target
from syncd.rules import backoff
from syncd.rules.errors import ApiError, Scope, Verdict, judge, remedy
from syncd.rules.explanation import explained
from syncd.rules.forecast import duration
from syncd.rules.pacing.budget import Call, End

T = TypeVar("T")

Send = Callable[[Credentials], Awaitable[tuple[T, Usage]]]

TRIES = 4
"""Tries of a call whose failures are temporary: they take some ten seconds."""

POLL = 1.0
"""Seconds after which a call that waits looks at the ledger again."""


class ClosedError(Exception):
    """The account takes no calls before the operator has acted; the message has both."""


def sentence(error: ApiError) -> str:
    """Return what happened, and what the operator has to do."""
    return f"{error}; {explained(error).remedy}"


def ends_all(error: ApiError) -> bool:
    """Return whether an error is about more than the images of its call."""
    return judge(error).scope is not Scope.IMAGE


class AccountCalls:
    """The calls to one account.

    Each is recorded in the ledger before it is sent. It waits while the account is paused, and as
    long as the calls of all processes together leave no room in the budget.
    """

    def __init__(
        self,
        target: Target,
        credentials: Credentials,
        ledger: Ledger,
        notify: Callable[[str], None],
    ) -> None:
        """`notify` is called with a sentence when a wait begins."""
        self.account: AccountId = target.account.id
        self.name = target.account.name
        self._mates = target.mates
        self._credentials = credentials
        self._ledger = ledger
        self._notify = notify
        self._pacer = Pacer(terms_of(target.account))
        self._process = 1 + secrets.randbits(60)
        self._last = 0  # the id of the newest call of others that the pacer knows
        self._paused: Pause | None = None
        self._reported_until = 0.0  # the end of the wait that `notify` was last called for

    async def begin(self) -> None:
        """Read what earlier processes have spent and learned."""
        self._last = await self._ledger.read(accounts.last_call())
        await restore_spending(self._pacer, self._ledger, self.account)

    def images_per_post(self, limit: int) -> int:
        """Return how many images the next POST may hold, at most `limit`."""
        return self._pacer.pace.images(limit)

    async def make(self, cost: Call, send: Send[T], *, repeat: bool = True) -> T:
        """Send a call at its turn, and return its response; the caller's records are part of it.

        Without `repeat`, a call that failed temporarily is not sent again. When the caller is
        cancelled, a call that is under way is completed first. Raises GraphError and ClosedError.
        """
        tries = 0
        while True:
            call = await self._turn(cost)
            try:
                return await completed(self._send(call, send))
            except GraphError as error:
                verdict = judge(error.api_error)
                if verdict.is_pause:  # it was recorded: the next turn waits, or raises
                    continue
                tries += 1
                if verdict is not Verdict.RETRY or not repeat or tries >= TRIES:
                    raise
                delay = backoff.retry_delay(tries, random.random())  # noqa: S311  jitter
                self._notify(f"{self.name}: {error.api_error}; trying again in {delay:.0f} s")
                await asyncio.sleep(delay)

    async def _turn(self, cost: Call) -> Call:
        while True:
            left = await self._pause_left()
            if left > 0:
                await asyncio.sleep(min(left, POLL))
                continue
            try:
                async with asyncio.timeout(POLL):
                    return await self._pacer.turn_for(cost)
            except TimeoutError:
                self._report_wait(time.time() + POLL, "waiting for room in the account's budget")

    async def _pause_left(self) -> float:
        """Read what others have recorded; return the seconds until the account takes calls.

        Raises ClosedError if that needs the operator.
        """
        now = time.time()
        for one in await self._ledger.read(accounts.calls_of_others(self._last, self._process)):
            self._last = one.id
            if one.account == self.account:
                recall(self._pacer.pace, one.spent)
        recorded = await self._ledger.read(accounts.pauses())
        self._paused = recorded.get(self.account)
        effective = await self._ledger.read(operator_pauses.effective(now))
        pause = effective.get(self.account)
        if pause is None:
            return 0.0
        if pause.kind == OPERATOR:
            raise ClosedError(
                f"{self.name} is paused by the operator {pause.why}; run"
                f" `syncd resume {self.name}` first"
            )
        if pause.until is None:
            advice = pause.remedy or "run `syncd retry` when the cause is gone"
            raise ClosedError(f"{self.name} is stopped ({pause.why}); {advice}")
        left = min(pause.until - now, LONGEST_PAUSE)
        if pause.remedy is not None:
            until = duration(left)
            raise ClosedError(f"{self.name} is paused for {until} ({pause.why}); {pause.remedy}")
        self._report_wait(pause.until, f"paused for {duration(left)} ({pause.why}): waiting")
        return left

    def _report_wait(self, until: float, text: str) -> None:
        """Report a wait once: a later call that goes on with the same wait is not reported."""
        if until > self._reported_until + POLL / 2:
            self._notify(f"{self.name}: {text}")
        self._reported_until = max(self._reported_until, until + POLL)

    async def _send(self, call: Call, send: Send[T]) -> T:
        spent = SpentCall(time.time(), call.points, call.images)
        recorded = await self._ledger.write(
            accounts.record_call(self.account, spent, LONGEST_WINDOW, self._process)
        )
        try:
            response, usage = await send(self._credentials)
        except GraphError as error:
            await self._finish(call, recorded, end_of(error.api_error), error.usage)
            verdict = judge(error.api_error)
            if verdict.is_pause:
                await self._pause_for(verdict, error)
            raise
        await self._finish(call, recorded, End.TAKEN, usage)
        if self._paused is not None:  # it has ended, and the account takes calls
            await self._ledger.write(accounts.resume_ended(self.account, time.time()))
        return response

    async def _finish(self, call: Call, recorded: int, end: End, usage: Usage) -> None:
        tier = self._pacer.pace.tier
        self._pacer.finish(call, end, usage.reading)
        now, share = time.time(), share_used(self._pacer)
        ended = accounts.record_call_ended(recorded, now)
        count = activity.record_call(self.account, now, share, is_throttled=end is End.THROTTLED)
        await self._ledger.write(all_of([ended, count]))
        learned = self._pacer.pace.tier
        if learned is not tier:
            await self._ledger.write(accounts.record_tier(self.account, learned.value))
        if usage.closed_by is not None and end is not End.THROTTLED:
            seconds = max(usage.regain or 0.0, self._pacer.delay_of_read)
            if seconds > 0:
                await self._pause(USAGE, usage.closed_by, seconds, [self.account])

    async def _pause_for(self, verdict: Verdict, error: GraphError) -> None:
        known, api_error = self._paused, error.api_error
        consecutive = 1 if known is None else known.consecutive + 1
        chance = random.random()  # noqa: S311  jitter
        block = self._pacer.pace.budget.block
        seconds = backoff.pause_length(verdict, error.usage.regain, consecutive, chance, block)
        paused = [self.account, *(() if verdict.scope is Scope.ACCOUNT else self._mates)]
        advice = remedy(api_error, verdict)
        await self._pause(verdict.value, str(api_error), seconds, paused, consecutive, advice)

    async def _pause(
        self,
        kind: str,
        why: str,
        seconds: float,
        paused: Sequence[AccountId],
        consecutive: int = 1,
        advice: str | None = None,
    ) -> None:
        now = time.time()
        pause = Pause(
            kind=kind,
            why=why,
            since=now,
            until=now + min(seconds, LONGEST_PAUSE),
            consecutive=consecutive,
            remedy=advice,
        )
        await self._ledger.write(accounts.pause_longer(paused, pause))


async def completed(call: Coroutine[Any, Any, T]) -> T:
    """Return what a call returns; if the caller is cancelled, the call is completed first."""
    task = asyncio.ensure_future(call)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait([task])
        raise
