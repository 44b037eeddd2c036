"""Inspections of the tokens: whether one expires soon, or lacks a permission."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

import structlog

from syncd.engine.lane import Lane
from syncd.graph.access import TokenFacts
from syncd.graph.access_calls import inspect
from syncd.graph.client import Credentials, GraphClient, GraphError
from syncd.ledger import alerts
from syncd.ledger.database import Ledger
from syncd.log import Log, moment
from syncd.model import AccountId
from syncd.rules import token
from syncd.rules.errors import Verdict, judge
from syncd.rules.token import MORE_SCOPES, RENEWAL

log: Log = structlog.get_logger()

FIRST = 5.0
"""Seconds from the start to the first inspection: a start with nothing to send makes no call."""

INTERVAL = 24 * 3600.0
"""Seconds between two inspections of all tokens."""

RETRY = 3600.0
"""Seconds until the next inspection, if a token could not be inspected."""

EXPIRING = "token.expiring"
LIMITED = "token.limited"


class TokenInspections:
    """The inspections of all tokens: one for each distinct token, which delays no upload.

    Trouble of a token is one incident of the first account that uses it.
    """

    def __init__(
        self, lanes: Mapping[AccountId, Lane], ledger: Ledger, client: GraphClient
    ) -> None:
        self._lanes = lanes
        self._ledger = ledger
        self._client = client
        self._reported: dict[tuple[str, str], str] = {}  # by event and account: the reason
        self._woken = asyncio.Event()

    def wake(self) -> None:
        """Inspect the tokens now: one was replaced."""
        self._woken.set()

    async def run(self) -> None:
        """Inspect the tokens soon after the start, daily, and when woken, until cancelled."""
        wait = FIRST
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(wait):
                    await self._woken.wait()
            self._woken.clear()
            wait = INTERVAL if await self.inspect_all() else RETRY

    async def inspect_all(self) -> bool:
        """Inspect each token once; return whether that succeeded for all of them.

        A token whose accounts all take no calls now is not inspected.
        """
        users: dict[Credentials, list[Lane]] = {}
        for lane in self._lanes.values():
            if lane.health.credentials is not None:
                users.setdefault(lane.health.credentials, []).append(lane)
        succeeded = len(users) > 0
        for credentials, lanes in users.items():
            facts = await self._inspect(credentials, lanes)
            succeeded &= facts is not None
            if facts is not None:
                await self._report(facts, lanes)
        return succeeded

    async def _inspect(self, credentials: Credentials, lanes: Sequence[Lane]) -> TokenFacts | None:
        open_lane = next(
            (one for one in lanes if not (one.gate.is_locked or one.gate.is_shut)), None
        )
        if open_lane is None:
            return None
        try:
            return await inspect(self._client, credentials)
        except GraphError as error:
            verdict = judge(error.api_error)
            if verdict is Verdict.STOP_TOKEN or verdict.is_pause:
                await open_lane.health.on_error(error, credentials)
            log.debug("token.uninspected", account=open_lane.name, why=str(error.api_error))
            return None

    async def _report(self, facts: TokenFacts, lanes: Sequence[Lane]) -> None:
        """Begin or end the incidents of a token, which belong to the first of its accounts."""
        first, *others = lanes
        names = [lane.name for lane in lanes]
        expires_at = token.expiry(facts.expires_at, facts.data_access_expires_at)
        for lane in lanes:
            lane.health.token_expires_at = expires_at
        log.debug(
            "token.inspected",
            account=first.name,
            accounts=names,
            app=facts.app,
            expires_at=moment(expires_at),
            scopes=sorted(facts.scopes),
        )
        now = self._client.clock.now().at
        days, missing = token.notice(expires_at, now), token.missing_scopes(facts.scopes)
        whose = f"the token of {', '.join(names)}"
        await self._report_expiry(first, names, whose, days, expires_at)
        await self._report_scopes(first, names, whose, missing)
        for lane in others:
            await self._report_expiry(lane, names, whose, None, None)
            await self._report_scopes(lane, names, whose, ())

    async def _report_expiry(
        self,
        lane: Lane,
        names: Sequence[str],
        whose: str,
        days: int | None,
        expires_at: float | None,
    ) -> None:
        """Begin, update or end the incident of a token that expires; `days` is None if it ended."""
        if days is None or expires_at is None:
            if (duration := await self._end(EXPIRING, lane)) is not None:
                log.notice("token.renewed", account=lane.name, duration=duration)
            return
        date = datetime.fromtimestamp(expires_at, UTC).strftime("%Y-%m-%d %H:%M UTC")
        why = f"{whose} expires within {days} days, on {date}"
        if await self._begin(EXPIRING, lane, why, RENEWAL):
            log.error(
                "token.expiring",
                account=lane.name,
                accounts=names,
                days=days,
                expires_at=moment(expires_at),
                why=why,
                remedy=RENEWAL,
            )

    async def _report_scopes(
        self, lane: Lane, names: Sequence[str], whose: str, missing: Sequence[str]
    ) -> None:
        """Begin, update or end the incident of a token that lacks permissions."""
        if not missing:
            if (duration := await self._end(LIMITED, lane)) is not None:
                log.notice("token.permitted", account=lane.name, duration=duration)
            return
        why = f"{whose} does not have the permission {', '.join(missing)}"
        if await self._begin(LIMITED, lane, why, MORE_SCOPES):
            log.error(
                "token.limited",
                account=lane.name,
                accounts=names,
                scopes=missing,
                why=why,
                remedy=MORE_SCOPES,
            )

    async def _begin(self, event: str, lane: Lane, why: str, remedy: str) -> bool:
        """Record an incident; return whether this process has not logged it with that reason."""
        at = time.time()
        await self._ledger.write(alerts.begin(event, lane.health.subject, why, at, remedy=remedy))
        known = self._reported.get((event, lane.name))
        self._reported[event, lane.name] = why
        return why != known

    async def _end(self, event: str, lane: Lane) -> float | None:
        """Record the end of an incident; return its duration, or None without one."""
        self._reported.pop((event, lane.name), None)
        ended = alerts.end(event, lane.health.subject, time.time())
        return await self._ledger.write(ended)
