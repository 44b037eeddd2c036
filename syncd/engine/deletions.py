"""Deletions from one account: due images are looked up, and then deleted or kept."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable
from typing import assert_never

from syncd.engine.calls import MAX_HASHES, Calls, look_up
from syncd.engine.confirmations import log_deleted, log_kept
from syncd.engine.counters import CallKind
from syncd.engine.unanswered import Unanswered
from syncd.graph.client import Credentials, GraphClient, GraphError
from syncd.graph.shapes import Usage
from syncd.ledger import delete_calls, deletions, kept
from syncd.ledger.database import Ledger
from syncd.ledger.delete_calls import UnconfirmedDeletion
from syncd.ledger.deletions import Due
from syncd.ledger.kept import KeepReason
from syncd.ledger.statements import Read
from syncd.model import ImageHash, Listed
from syncd.rules.deletion import (
    CONFIRM_TIMEOUT,
    MAX_SKEWED,
    RECHECK_INTERVAL,
    Condemned,
    Finding,
    classify,
    is_due,
    may_delete,
    repeat_delay,
)
from syncd.rules.errors import ApiError, Verdict, judge

_SKEWED = (
    "the clock of the server or of this machine has changed since the upload: the times do not show"
    " whether the image was in the account before"
)


class Deletions:
    """The deletions from one account, made while nothing waits for upload.

    grace is in seconds. on_change is called when images may be missing again, or a DELETE must be
    confirmed.
    """

    def __init__(
        self,
        calls: Calls,
        ledger: Ledger,
        client: GraphClient,
        grace: float,
        on_change: Callable[[], None],
    ) -> None:
        self._calls = calls
        self._lane = calls.lane
        self._ledger = ledger
        self._client = client
        self._grace = grace
        self._on_change = on_change
        self._unanswered = Unanswered(calls, ledger, client)

    async def run(self, period: float) -> None:
        """Delete every `period` seconds until cancelled."""
        while True:
            await asyncio.sleep(period)
            await self.run_if_idle()

    async def run_if_idle(self) -> None:
        """Delete what is due if no image waits for upload and the account takes calls."""
        if self._lane.queue.is_idle and not self._lane.gate.is_shut:
            with contextlib.suppress(GraphError):  # `Calls` has paused or stopped the account
                await self.delete_due()
                await self._unanswered.settle()

    async def delete_due(self) -> None:
        """Look up all images that are due, and delete or keep each; raise GraphError."""
        while await self._delete_next():
            pass

    async def _delete_next(self) -> bool:
        """Process the first images that are due; return whether there were any."""
        due_now = deletions.due(self._lane.account, self._before(), time.time(), MAX_HASHES)
        found = await self._ledger.read(due_now)
        batch: list[Due] = []
        for due in found:
            facts = await self._ledger.read(self._facts(due))
            if facts is not None and facts.hash_needed:
                await self._keep(due, "another image that is wanted has the same hash")
            elif facts is not None and is_due(facts, account_open=not self._lane.gate.is_shut):
                batch.append(due)
        if not batch:
            return False
        lookup = await look_up(self._calls, self._client, [due.hash for due in batch])
        if lookup is None:
            return False
        for due in batch:
            listed = lookup.images.get(due.hash)
            finding = classify(listed, due.sent, lookup.clock_offset, due.own)
            await self._process(due, finding)
        return True

    async def repeat(
        self, failed: UnconfirmedDeletion, listed: Listed, clock_offset: float | None
    ) -> bool:
        """Send a DELETE that failed again if that is allowed; return whether that was recorded.

        `listed` is what the account has shown since, `clock_offset` as in `Lookup`. The image stays
        unconfirmed: the DELETE that failed may yet have an effect.
        """
        again = deletions.to_repeat(self._lane.account, failed.hash, failed.sent_at)
        for due in await self._ledger.read(again):
            finding = classify(listed, due.sent, clock_offset, due.own)
            facts = await self._ledger.read(self._facts(due))
            is_open = not self._lane.gate.is_shut
            if facts is not None and may_delete(facts, finding, account_open=is_open):
                return await self._delete(due, finding)
        return False

    def _facts(self, due: Due) -> Read[Condemned | None]:
        return deletions.facts(self._lane.account, due.digest, self._before(), due.failed_at)

    def _before(self) -> float:
        """Return the ledger's age until which an image was condemned if its grace has ended."""
        return self._ledger.now().age - self._grace

    async def _process(self, due: Due, finding: Finding) -> None:
        match finding:
            case Finding.FREE:
                await self._delete(due, finding)
            case Finding.GONE:
                await self._ledger.write(delete_calls.record_gone(self._lane.account, due.hash))
                self._on_change()
                log_deleted(self._lane, due.file, due.hash)
            case Finding.FOREIGN:
                why = "it was in the account before syncd uploaded it"
                await self._keep_for_good(due, KeepReason.FOREIGN, why)
            case Finding.USED:
                await self._keep(due, "a creative or an ad uses it")
            case Finding.UNDATED:
                await self._keep(due, "the times do not show whether syncd uploaded it")
            case Finding.SKEWED if due.skewed >= MAX_SKEWED:
                await self._keep_for_good(due, KeepReason.CLOCK, _SKEWED)
            case Finding.SKEWED:
                await self._keep(due, _SKEWED, skewed=True)
            case Finding.INACTIVE:
                await self._keep(due, "its status is not ACTIVE")
            case _:
                assert_never(finding)

    async def _delete(self, due: Due, finding: Finding) -> bool:
        """Send a DELETE if it is allowed at its turn; return whether that was recorded."""
        account, is_marked, failed_until = self._lane.account, False, None

        def is_allowed(facts: Condemned) -> bool:
            return may_delete(facts, finding, account_open=not self._lane.gate.is_shut)

        async def mark() -> bool:
            nonlocal is_marked
            now = time.time()
            until = now + self._client.outcome_timeout
            sending = delete_calls.record_sending(
                account, due, self._before(), now, until, is_allowed
            )
            is_marked = await self._ledger.write(sending)
            return is_marked

        try:
            if not await self._send(due.hash, mark):
                if is_marked:
                    await self._record_without_effect(due)
                return is_marked
        except GraphError as error:
            if judge(error.api_error) is not Verdict.RETRY:
                await self._record_without_effect(due)
                await self._record_rejected(due, error.api_error)
                return True
            # The account may have deleted it nevertheless: a read shows that.
            if error.api_error.status is not None:
                delay = repeat_delay(due.attempts + 1, failed=True)
                longest = max(CONFIRM_TIMEOUT, self._client.outcome_timeout)
                failed_until = time.time() + min(delay, longest)
        await self._ledger.write(delete_calls.record_sent(account, due.hash, failed_until))
        self._on_change()
        return True

    async def _record_without_effect(self, due: Due) -> None:
        """Record that a DELETE was not sent, or was rejected; one before it may have an effect."""
        account, is_first = self._lane.account, due.failed_at is None
        record = delete_calls.record_present if is_first else delete_calls.record_sent
        await self._ledger.write(record(account, due.hash))

    async def _send(self, image_hash: ImageHash, mark: Callable[[], Awaitable[bool]]) -> bool:
        """Send a DELETE unless it is no longer allowed at its turn; return whether it was sent."""

        async def send(credentials: Credentials) -> tuple[bool, Usage]:
            return True, await self._client.delete(self._lane.account, credentials, image_hash)

        return await self._calls.make(CallKind.DELETE, send, mark) is not None

    async def _record_rejected(self, due: Due, error: ApiError) -> None:
        if not self._lane.gate.is_shut:  # otherwise the error was about the account
            await self._keep(due, f"the account rejected the deletion: {error}")

    async def _keep_for_good(self, due: Due, reason: KeepReason, why: str) -> None:
        await self._ledger.write(kept.keep(self._lane.account, due.digest, reason))
        log_kept(self._lane, due.file, due.hash, why)

    async def _keep(self, due: Due, why: str, *, skewed: bool = False) -> None:
        until = time.time() + RECHECK_INTERVAL
        keep = deletions.postpone(self._lane.account, due.digest, why, until, skewed=skewed)
        if await self._ledger.write(keep):
            log_kept(self._lane, due.file, due.hash, why)
