"""The consecutive failed calls of one account, as the ledger and the log report them."""

from __future__ import annotations

import logging
import time

import structlog

from syncd.ledger import alerts
from syncd.ledger.database import Ledger
from syncd.log import Log, elapsed, moment
from syncd.model import AccountName, Digest
from syncd.rules.errors import ApiError
from syncd.rules.failures import Failures

log: Log = structlog.get_logger()

REMEDY = (
    "fix the problem in `why`: check the network, a proxy on the way and graph.base_url; the calls"
    " are repeated, and nothing is lost"
)
"""The remedy for an account that has been failing for an hour."""


class Failing:
    """Whether an account is failing, since when and why; logged when that begins and ends."""

    def __init__(self, name: AccountName, ledger: Ledger) -> None:
        self.failures = Failures()
        self._name = name
        self._subject = alerts.account_subject(name)
        self._ledger = ledger

    @property
    def since(self) -> float | None:
        """Unix seconds since when the account is failing; None if it is not."""
        return self.failures.since if self.failures.is_state else None

    @property
    def why(self) -> str | None:
        """Why the last call failed; None if the account is not failing."""
        return self.failures.why if self.failures.is_state else None

    async def restore(self) -> None:
        """Restore a state that an earlier process has logged."""
        for known in await self._ledger.read(alerts.ongoing("account.failing", self._subject)):
            self.failures = Failures(
                why=known.why,
                since=known.since,
                is_state=True,
                is_alert=known.remedy is not None,
            )

    async def record(self, error: ApiError, images: frozenset[Digest], *, unknown: bool) -> None:
        """Count a failed call; log when the state begins, and when it has lasted an hour."""
        known = self.failures
        self.failures = now = known.after(error, images, time.time(), unknown=unknown)
        if (now.is_state, now.is_alert) == (known.is_state, known.is_alert):
            return
        remedy, since = REMEDY if now.is_alert else None, now.since or 0.0
        await self._ledger.write(
            alerts.begin("account.failing", self._subject, str(error), since, remedy=remedy)
        )
        log.log(
            logging.WARNING if remedy is None else logging.ERROR,
            "account.failing",
            account=self._name,
            why=str(error),
            since=moment(since),
            remedy=remedy,
            error_user_title=error.title,
            error_user_msg=error.user_message,
            fbtrace_id=error.trace_id,
        )

    async def end(self) -> None:
        """Record a successful call."""
        failures, since = self.failures, self.since
        self.failures = Failures()
        if since is not None:
            now = time.time()
            await self._ledger.write(alerts.end("account.failing", self._subject, now))
            log.notice(
                "account.recovered",
                account=self._name,
                failed_calls=failures.calls,
                duration=elapsed(since, now),
            )
