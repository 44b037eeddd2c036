"""The pause of one account, as the gate, the ledger and the log have it."""

from __future__ import annotations

import logging
import random
import time
from collections.abc import Callable

import structlog
from msgspec.structs import replace

from syncd.engine.gate import Gate
from syncd.ledger import accounts
from syncd.ledger.accounts import LONGEST_PAUSE, USAGE, Pause
from syncd.ledger.database import Ledger
from syncd.log import Log, elapsed, moment
from syncd.model import AccountId, AccountName
from syncd.rules import backoff
from syncd.rules.errors import NO_ERROR, ApiError

log: Log = structlog.get_logger()

SHORT = 60.0
"""Seconds; a pause that usage headers ask for is logged if it is longer."""


class Paused:
    """Whether an account is paused, until when and why; logged when that begins and ends.

    An account has one pause: of several reasons, the one that lasts longest.
    """

    def __init__(
        self,
        name: AccountName,
        account: AccountId,
        ledger: Ledger,
        gate: Gate,
        is_stopped: Callable[[], bool],
    ) -> None:
        """`is_stopped` returns whether the account is stopped: then the ledger keeps the stop."""
        self._name = name
        self._account = account
        self._ledger = ledger
        self._gate = gate
        self._is_stopped = is_stopped
        self._pause: Pause | None = None

    @property
    def left(self) -> float:
        """Seconds until the pause ends; 0 if the account is not paused."""
        return 0.0 if self._pause is None else max(0.0, (self._pause.until or 0.0) - time.time())

    @property
    def awaits_read(self) -> bool:
        """Whether a read is to be sent first after the pause, which may have been asked for longer.

        That is so after a day, the longest pause. A read costs the account less than a POST.
        """
        pause = self._pause
        if pause is None or pause.kind != USAGE:
            return False
        rounding = 1.0
        return (pause.until or 0.0) - pause.since >= LONGEST_PAUSE - rounding

    @property
    def why(self) -> str:
        """The reason of the pause; empty if the account is not paused."""
        return "" if self._pause is None else self._pause.why

    @property
    def consecutive(self) -> int:
        """Which pause in a row one that begins now would be; the first after a success is 1.

        Calls that were under way together meet one pause, not several.
        """
        if self._pause is None:
            return 1
        return self._pause.consecutive if self.left > 0 else self._pause.consecutive + 1

    def restore(self, pause: Pause) -> None:
        """Continue the pause of an earlier process."""
        until = min(pause.until or 0.0, time.time() + LONGEST_PAUSE)
        self._pause = replace(pause, until=until)
        self._gate.shut_for(self.left)  # also after its end: one call goes first
        if self.left > 0:
            self._log(self._pause, begins=True, error=NO_ERROR)

    async def begin(
        self,
        kind: str,
        why: str,
        seconds: float,
        remedy: str | None = None,
        error: ApiError = NO_ERROR,
    ) -> Pause:
        """Send nothing for `seconds`, at most a day; return the pause."""
        now = time.time()
        pause = Pause(
            kind=kind,
            why=why,
            since=now if self._pause is None else self._pause.since,
            until=now + min(seconds, LONGEST_PAUSE),
            consecutive=self.consecutive,
            remedy=remedy,
        )
        await self.join(pause, error)
        return pause

    async def join(self, pause: Pause, error: ApiError) -> None:
        """Pause as a call of this account asks for; a longer pause stays as it is."""
        known, until = self._pause, pause.until or 0.0
        self._gate.shut_for(until - time.time())
        if self._is_stopped() or (known is not None and (known.until or 0.0) >= until):
            return
        self._pause = pause
        await self._ledger.write(accounts.pause([self._account], pause))
        worse = known is not None and known.remedy is None and pause.remedy is not None
        begins = known is None or worse or not _is_logged(known)
        self._log(pause, begins=begins, error=error)

    async def join_another(self, pause: Pause, error: ApiError) -> None:
        """Pause as a call of another account with the same token asks for, but resume later."""
        now = time.time()
        left = (pause.until or 0.0) - now
        if self.left >= left:
            return
        chance = random.random()  # noqa: S311  jitter
        seconds = min(backoff.spread(left, chance), LONGEST_PAUSE)
        await self.join(replace(pause, until=now + seconds), error)

    async def end(self) -> None:
        """Record that a call has received a response, unless it was sent before the pause."""
        pause = self._pause
        if pause is None or self._gate.is_shut:
            return
        self._pause = None
        await self._ledger.write(accounts.resume(self._account))
        if _is_logged(pause):
            duration = elapsed(pause.since, time.time())
            log.notice("account.resumed", account=self._name, duration=duration)

    def lift(self) -> bool:
        """End the pause if usage headers asked for it; return whether they did.

        Called when the operator has ended it in the ledger. One call then shows whether the account
        takes calls.
        """
        pause = self._pause
        if pause is None or pause.kind != USAGE:
            return False
        self._pause = None
        self._gate.reopen()
        duration = elapsed(pause.since, time.time())
        log.notice("account.retried", account=self._name, duration=duration)
        return True

    def _log(self, pause: Pause, *, begins: bool, error: ApiError) -> None:
        """Log a pause that begins or is extended."""
        if not _is_logged(pause):
            return
        level = logging.INFO
        if begins:
            level = logging.WARNING if pause.remedy is None else logging.ERROR
        log.log(
            level,
            "account.paused",
            account=self._name,
            seconds=round(self.left),
            kind=pause.kind,
            why=pause.why,
            consecutive=pause.consecutive,
            remedy=pause.remedy,
            since=moment(pause.since),
            until=moment(pause.until),
            error_user_title=error.title,
            error_user_msg=error.user_message,
            fbtrace_id=error.trace_id,
        )


def _is_logged(pause: Pause) -> bool:
    """Return whether a pause is an event: short closings by usage headers are ordinary pacing."""
    return pause.kind != USAGE or (pause.until or 0.0) - pause.since > SHORT
