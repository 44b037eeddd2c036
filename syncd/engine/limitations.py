"""The limitations of one account, as the ledger and the log report them."""

from __future__ import annotations

import time

import structlog

from syncd.ledger import limitations
from syncd.ledger.database import Ledger
from syncd.log import Log, moment
from syncd.model import AccountId, AccountName
from syncd.rules.limitation import Limitation, Limits, What, recalled, retried

log: Log = structlog.get_logger()


class Limitations:
    """The limitations of one account; each is logged when it is learned and when it has ended."""

    def __init__(self, name: AccountName, account: AccountId, ledger: Ledger) -> None:
        self.limits = Limits()
        self._name = name
        self._account = account
        self._ledger = ledger

    async def restore(self) -> None:
        """Restore what an earlier process has learned."""
        known = await self._ledger.read(limitations.known(self._account))
        largest = await self._ledger.read(limitations.largest_body(self._account))
        self.limits = recalled(known, largest)

    async def retry(self) -> None:
        """Try again at once what the operator has made due in the ledger."""
        known = await self._ledger.read(limitations.known(self._account))
        self.limits = retried(self.limits, known)

    async def learn(self, limits: Limits, error: str | None = None) -> None:
        """Record the state after a response; `error` is that of the way that does not work."""
        before, self.limits = self.limits, limits
        if limits == before:
            return
        known, left = _by_key(before), _by_key(limits)
        changed = [one for key, one in left.items() if known.get(key) != one]
        ended = [one for key, one in known.items() if key not in left]
        largest = limits.bodies.accepted
        if not changed and not ended and largest == before.bodies.accepted:
            return
        record = limitations.record(self._account, changed, ended, largest, time.time())
        durations = await self._ledger.write(record)
        for one in changed:
            if one.key not in known:
                log.warning(
                    "limitation.learned",
                    account=self._name,
                    what=one.what.value,
                    source=_source(one),
                    max_bytes=largest if one.what is What.BODY_SIZE else None,
                    retry_at=moment(one.retry_at),
                    why=one.what.why if error is None else f"{one.what.why}: {error}",
                )
        for one, duration in zip(ended, durations, strict=True):
            log.notice(
                "limitation.ended",
                account=self._name,
                what=one.what.value,
                source=_source(one),
                duration=duration,
            )


def _by_key(limits: Limits) -> dict[tuple[What, AccountId | None], Limitation]:
    return {one.key: one for one in limits.known()}


def _source(one: Limitation) -> str | None:
    return None if one.source is None else f"act_{one.source}"
