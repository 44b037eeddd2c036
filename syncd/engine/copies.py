"""Copies into one account: images of other accounts, without their bytes."""

from __future__ import annotations

import time
from collections.abc import Sequence

import msgspec
import structlog

from syncd.engine.counters import CallKind
from syncd.engine.lane import Lane
from syncd.graph.client import Credentials, GraphClient, GraphError
from syncd.ledger import copies, replicas, sources
from syncd.ledger.copies import Holder
from syncd.ledger.database import Ledger
from syncd.ledger.replicas import Facts
from syncd.log import Log
from syncd.model import Digest, Entry
from syncd.rules.batch import Candidate
from syncd.rules.copy import RECHECK, plan_copy
from syncd.rules.errors import Scope, Verdict, is_permission
from syncd.rules.pacing.budget import Call
from syncd.rules.unanswered import Copied

log: Log = structlog.get_logger()


class Copy(msgspec.Struct, frozen=True):
    """An image to copy, the account that holds it, and its file for the log."""

    digest: Digest
    source: Holder
    file: str | None


class Copies:
    """Copies into one account, and what becomes of their images."""

    def __init__(self, lane: Lane, ledger: Ledger, client: GraphClient) -> None:
        self._lane = lane
        self._ledger = ledger
        self._client = client

    async def choose(self, batch: Sequence[Facts]) -> tuple[Copy | None, list[Facts]]:
        """Return the copy to send instead of a batch, or the images of the batch to upload.

        The other images go back to the queue, or wait for the folder's own account.
        """
        lane = self._lane
        digests = [facts.digest for facts in batch]
        if not digests:
            return None, []
        held, expected = await self._ledger.read(copies.sources(lane.account, digests, time.time()))
        holders: dict[Digest, Holder] = {}
        doubted = lane.limitations.limits.doubted_sources()
        for digest, found in held.items():
            failed = {*doubted, *lane.attempts[digest].not_from}
            if left := [holder for holder in found.holders if holder.account not in failed]:
                holders[digest] = left[0]
        plan = plan_copy(
            [Candidate(facts.digest, facts.size, 1) for facts in batch],
            {digest: held[digest].how for digest in holders},
            {one.digest for one in expected if lane.is_queued(one)},
        )
        for digest in plan.wait:
            lane.delayed.retry_after(digest, RECHECK)
        lane.queue.put_back(plan.put_back)
        if plan.copy is not None:
            return await self._copy(plan.copy, holders[plan.copy]), []
        return None, [facts for facts in batch if facts.digest in plan.upload]

    async def _copy(self, digest: Digest, source: Holder) -> Copy:
        files = await self._ledger.read(sources.of_image(self._lane.account, digest, 1))
        return Copy(digest, source, str(files[0]) if files else None)

    async def send(self, copy: Copy, call: Call) -> None:
        """Ask for one copy, with the turn of a call that was granted for a batch."""
        lane, source = self._lane, copy.source
        call = lane.pacer.resize(call, 1)
        sent = self._client.clock.now()
        sending = await self._ledger.write(
            replicas.record_sending(lane.account, {copy.digest: Copied(source.hash)}, sent)
        )
        credentials = lane.health.credentials
        if not sending or lane.gate.is_shut or credentials is None:
            lane.pacer.withdraw(call)
            lane.gate.cancel()
            lane.queue.put_back([copy.digest])
            return
        lane.counters.calls += 1
        began = time.monotonic()
        try:
            response = await self._client.copy(
                lane.account, credentials, source.account, source.hash
            )
        except GraphError as error:
            await lane.finish_call(CallKind.COPY, call, error.usage, error=error.api_error)
            await self._on_error(copy, error, credentials)
            return
        if len(response.entries) == 1:
            (entry,) = response.entries.values()
            sent = self._client.clock.at(began)
            held = replicas.record_held(
                lane.account, [(copy.digest, entry)], time.time(), sent, source.account
            )
            await lane.finish_call(CallKind.COPY, call, response.usage, held)
            await self._on_copied(copy, entry)
        else:  # the account took the copy, and the response names no image
            await lane.finish_call(CallKind.COPY, call, response.usage)
            await lane.health.on_success()
            await self._try_next_source(copy, "the response does not name the image")

    async def _on_copied(self, copy: Copy, entry: Entry) -> None:
        lane, source = self._lane, copy.source.account
        await lane.health.on_success()
        await lane.learn_no_copy([copy.digest])
        limits = lane.limitations.limits
        await lane.limitations.learn(limits.after_copied(source))
        lane.record_held([copy.digest])
        lane.counters.copied += 1
        log.info(
            "image.copied",
            account=lane.name,
            file=copy.file,
            hash=entry.hash,
            sha256=copy.digest.hex(),
            source=f"act_{source}",
        )

    async def _on_error(self, copy: Copy, error: GraphError, sent_with: Credentials) -> None:
        lane, api_error = self._lane, error.api_error
        verdict, why = await lane.health.on_error(error, sent_with), str(api_error)
        if verdict is Verdict.RETRY:
            if api_error.status is not None:  # the next call shows whether only copies fail
                limits = lane.limitations.limits
                await lane.limitations.learn(limits.after_copy_failed(copy.source.account, why))
            await lane.retry_later({copy.digest: copy.file}, why, api_error)
        elif verdict is Verdict.STOP_ACCOUNT:
            await lane.health.on_response()  # uploads show whether the account can be used
            if is_permission(api_error):
                limits = lane.limitations.limits
                refused = limits.after_copy_refused(copy.source.account, time.time())
                await lane.limitations.learn(refused, why)
            await self._try_next_source(copy, why)
        elif verdict.scope is Scope.IMAGE:
            await self._try_next_source(copy, why)
        else:
            lane.queue.put_back([copy.digest])

    async def _try_next_source(self, copy: Copy, why: str) -> None:
        """Put an image back: it is copied from the next account, and at last uploaded."""
        lane, source = self._lane, copy.source.account
        lane.attempts.exclude_source(copy.digest, source, why)
        limits = lane.limitations.limits
        await lane.limitations.learn(limits.after_copy_rejected(source, time.time()), why)
        lane.queue.put_back([copy.digest])
