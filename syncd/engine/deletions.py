"""Deletions from one account: due images are looked up, deleted, and their absence is confirmed."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import assert_never

import structlog

from syncd.engine.calls import MAX_HASHES, Calls, Lookup, look_up
from syncd.graph.client import Credentials, GraphClient, GraphError
from syncd.graph.shapes import Usage
from syncd.ledger import deletions, kept
from syncd.ledger.database import Ledger
from syncd.ledger.deletions import AcceptedDeletion, Due
from syncd.ledger.kept import KeepReason
from syncd.ledger.statements import Read
from syncd.log import Log
from syncd.model import ImageHash, printable
from syncd.rules.deletion import (
    CONFIRM_TIMEOUT,
    RECHECK_INTERVAL,
    Condemned,
    Confirmation,
    Finding,
    classify,
    confirm,
    is_due,
    may_delete,
    may_repeat,
    repeat_delay,
)
from syncd.rules.errors import ApiError, Verdict, judge
from syncd.rules.pacing.budget import write

log: Log = structlog.get_logger()


class Deletions:
    """The deletions from one account, made while nothing waits for upload.

    grace is in seconds. on_removed is called when an image is no longer held: a new file may need
    it again.
    """

    def __init__(
        self,
        calls: Calls,
        ledger: Ledger,
        client: GraphClient,
        grace: float,
        on_removed: Callable[[], None],
    ) -> None:
        self._lane = calls.lane
        library = _Library(calls, ledger, client, on_removed)
        self._due = _DueImages(library, ledger, grace)
        self._unconfirmed = _UnconfirmedImages(library, ledger)

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

    async def delete_due(self) -> None:
        """Delete all images that are due, and confirm earlier deletions.

        Raises GraphError when a lookup fails.
        """
        while await self._due.next_batch() or await self._unconfirmed.next_batch():
            pass


class _Library:
    """One account's images: lookups, DELETE calls, and the record of what was removed."""

    def __init__(
        self, calls: Calls, ledger: Ledger, client: GraphClient, on_removed: Callable[[], None]
    ) -> None:
        self.lane = calls.lane
        self.on_removed = on_removed
        self._calls = calls
        self._ledger = ledger
        self._client = client

    async def look_up(self, hashes: Sequence[ImageHash]) -> Lookup | None:
        """Return which images are listed; None when the account takes no calls now."""
        return await look_up(self._calls, self._client, hashes)

    async def delete(
        self, image_hash: ImageHash, still_allowed: Callable[[], Awaitable[bool]]
    ) -> bool:
        """Send a DELETE unless it is no longer allowed at its turn; return whether it was sent."""

        async def send(credentials: Credentials) -> tuple[bool, Usage]:
            return True, await self._client.delete(self.lane.account, credentials, image_hash)

        return await self._calls.make(write(), send, still_allowed) is not None

    async def record_removed(self, image_hash: ImageHash) -> None:
        """Record that the account no longer holds an image."""
        await self._ledger.write(deletions.record_gone(self.lane.account, image_hash))
        self.on_removed()

    def log_deleted(self, image: Due | AcceptedDeletion) -> None:
        """Log that an image has left the account."""
        file = printable(image.path)
        log.info("image.deleted", account=self.lane.name, file=file, hash=image.hash)

    def log_kept(self, image: Due | AcceptedDeletion, why: str) -> None:
        """Log that an image stays in the account."""
        file = printable(image.path)
        log.info("image.kept", account=self.lane.name, file=file, hash=image.hash, why=why)


class _DueImages:
    """Condemned images whose grace has ended: looked up, then deleted or kept."""

    def __init__(self, library: _Library, ledger: Ledger, grace: float) -> None:
        self._library = library
        self._lane = library.lane
        self._ledger = ledger
        self._grace = grace

    async def next_batch(self) -> bool:
        """Process the first images that are due; return whether there were any."""
        now, account = time.time(), self._lane.account
        found = await self._ledger.read(deletions.due(account, now - self._grace, now, MAX_HASHES))
        batch: list[Due] = []
        for due in found:
            facts = await self._ledger.read(self._facts(due))
            if facts is not None and facts.hash_needed:
                await self._keep(due, "another image that is wanted has the same hash")
            elif facts is not None and is_due(facts, account_open=not self._lane.gate.is_shut):
                batch.append(due)
        if not batch:
            return False
        lookup = await self._library.look_up([due.hash for due in batch])
        if lookup is None:
            return False
        for due in batch:
            listed, sent_at = lookup.images.get(due.hash), lookup.server_time(due.sent_at)
            await self._process(due, classify(listed, sent_at))
        return True

    def _facts(self, due: Due) -> Read[Condemned | None]:
        return deletions.facts(self._lane.account, due.digest, time.time() - self._grace)

    async def _process(self, due: Due, finding: Finding) -> None:
        match finding:
            case Finding.FREE:
                await self._delete(due, finding)
            case Finding.GONE:
                await self._library.record_removed(due.hash)
                self._library.log_deleted(due)
            case Finding.FOREIGN:
                keep = kept.keep(self._lane.account, due.digest, KeepReason.FOREIGN)
                await self._ledger.write(keep)
                self._library.log_kept(due, "it was in the account before syncd uploaded it")
            case Finding.USED:
                await self._keep(due, "a creative or an ad uses it")
            case Finding.INACTIVE:
                await self._keep(due, "its status is not ACTIVE")
            case _:
                assert_never(finding)

    async def _delete(self, due: Due, finding: Finding) -> None:
        async def still_allowed() -> bool:
            facts = await self._ledger.read(self._facts(due))
            is_open = not self._lane.gate.is_shut
            return facts is not None and may_delete(facts, finding, account_open=is_open)

        try:
            if not await self._library.delete(due.hash, still_allowed):
                return
        except GraphError as error:
            if judge(error.api_error) is not Verdict.RETRY:
                await self._record_rejected(due, error.api_error)
                return
            # It may have been deleted nevertheless: not held until a lookup lists it.
        taken = deletions.record_accepted(self._lane.account, due.hash, time.time())
        await self._ledger.write(taken)
        self._library.on_removed()

    async def _record_rejected(self, due: Due, error: ApiError) -> None:
        if not self._lane.gate.is_shut:  # otherwise the error was about the account
            await self._keep(due, f"the account rejected the deletion: {error}")

    async def _keep(self, due: Due, why: str) -> None:
        until = time.time() + RECHECK_INTERVAL
        keep = deletions.postpone(self._lane.account, due.digest, why, until)
        if await self._ledger.write(keep):
            self._library.log_kept(due, why)


class _UnconfirmedImages:
    """Images whose DELETE was accepted: looked up until the account no longer lists them."""

    def __init__(self, library: _Library, ledger: Ledger) -> None:
        self._library = library
        self._lane = library.lane
        self._ledger = ledger

    async def next_batch(self) -> bool:
        """Look up the first images whose turn it is; return whether there were any."""
        leaving = await self._ledger.read(
            deletions.to_confirm(self._lane.account, time.time(), MAX_HASHES)
        )
        if not leaving:
            return False
        lookup = await self._library.look_up([image.hash for image in leaving])
        if lookup is None:
            return False
        for image in leaving:
            deleted_at = lookup.server_time(image.accepted_at)
            waited = time.time() - image.accepted_at
            await self._process(image, confirm(lookup.images.get(image.hash), deleted_at, waited))
        return True

    async def _process(self, image: AcceptedDeletion, confirmation: Confirmation) -> None:
        match confirmation:
            case Confirmation.GONE:
                await self._library.record_removed(image.hash)
                self._library.log_deleted(image)
            case Confirmation.WAIT:
                await self._postpone(image, image.attempts, image.accepted_at + CONFIRM_TIMEOUT)
            case Confirmation.KEEP:
                await self._library.record_removed(image.hash)
                self._library.log_kept(image, "it was uploaded again or used since its deletion")
            case Confirmation.REPEAT:
                if image.attempts == 1:
                    log.info(
                        "deletion.unconfirmed",
                        account=self._lane.name,
                        file=printable(image.path),
                        hash=image.hash,
                    )
                await self._repeat(image, confirmation)
            case _:
                assert_never(confirmation)

    async def _repeat(self, image: AcceptedDeletion, confirmation: Confirmation) -> None:
        async def still_allowed() -> bool:
            facts = deletions.unconfirmed(self._lane.account, image.hash)
            return may_repeat(await self._ledger.read(facts), confirmation)

        with contextlib.suppress(GraphError):  # the next lookup shows the outcome
            await self._library.delete(image.hash, still_allowed)
        deletes = image.attempts + 1
        await self._postpone(image, deletes, time.time() + repeat_delay(deletes))

    async def _postpone(self, image: AcceptedDeletion, deletes: int, until: float) -> None:
        later = deletions.confirm_later(self._lane.account, image.hash, deletes, until)
        await self._ledger.write(later)
