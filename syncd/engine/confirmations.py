"""Confirmations of one account's deletions: reads that show the effect of each DELETE.

A DELETE is recorded before it is sent. Its response does not prove its effect, and there may be
none: the process was killed, or the call timed out. Until a read has shown the effect, the image
counts as missing where a file needs it again.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import assert_never

import structlog

from syncd.engine.calls import MAX_HASHES, Calls, Lookup, look_up
from syncd.engine.lane import Lane
from syncd.graph.client import GraphClient, GraphError
from syncd.ledger import delete_calls
from syncd.ledger.database import Ledger
from syncd.ledger.delete_calls import UnconfirmedDeletion
from syncd.log import Log
from syncd.model import AccountId, ImageHash, Listed, printable
from syncd.rules.deletion import Confirmation, Unconfirmed, confirm, repeat_delay

log: Log = structlog.get_logger()

PERIOD = 5.0
"""Seconds between two checks whether a deletion is to be confirmed."""

Repeat = Callable[[UnconfirmedDeletion, Listed, float | None], Awaitable[bool]]
"""`Deletions.repeat`."""


async def wake_periodically(
    confirmations: Mapping[AccountId, Confirmations], ledger: Ledger
) -> None:
    """Wake the confirmations of each account that has any, every PERIOD until cancelled.

    One timer and one read serve all accounts: most have nothing to confirm.
    """
    while True:
        await asyncio.sleep(PERIOD)
        for account in await ledger.read(delete_calls.unconfirmed_accounts()):
            if account in confirmations:
                confirmations[account].wake()


class Confirmations:
    """The confirmations of one account.

    on_missing is called when an image that a file needs is missing, so that it is sent again.
    """

    def __init__(
        self, calls: Calls, ledger: Ledger, client: GraphClient, on_missing: Callable[[], None]
    ) -> None:
        self._calls = calls
        self._lane = calls.lane
        self._ledger = ledger
        self._client = client
        self._on_missing = on_missing
        self.repeat: Repeat | None = None
        """Sends a DELETE that failed again; None in a process that deletes nothing."""
        self._woken = asyncio.Event()
        self._turn = asyncio.Lock()

    def wake(self) -> None:
        """Confirm now what is due."""
        self._woken.set()

    async def run(self) -> None:
        """Confirm what an earlier process has sent, and what is due when woken, until cancelled.

        It does not wait for the queue to be idle: images may be missing until then.
        """
        await self._ledger.write(delete_calls.confirm_all_now(self._lane.account))
        while True:
            self._woken.clear()
            await self.run_once()
            await self._woken.wait()

    async def run_once(self) -> None:
        """Confirm what is due."""
        async with self._turn:
            await self._forget_absent()
            with contextlib.suppress(GraphError):  # the next check repeats the read
                while await self._confirm_next():
                    pass

    async def _forget_absent(self) -> None:
        account, now = self._lane.account, time.time()
        ended = now - self._client.outcome_timeout
        if await self._ledger.read(delete_calls.has_absent(account, ended, now)):
            await self._ledger.write(delete_calls.forget_absent(account, ended, now))

    async def _confirm_next(self) -> bool:
        """Confirm the first deletions that are due; return whether there were any."""
        due = await self._ledger.read(
            delete_calls.to_confirm(self._lane.account, time.time(), MAX_HASHES)
        )
        to_read = [image for image in due if not await self._is_postponed(image)]
        if not to_read:
            return bool(due)
        lookup = await look_up(self._calls, self._client, [image.hash for image in to_read])
        if lookup is None:
            return False
        to_repeat = []
        for image in to_read:
            facts = self._facts(image, lookup.server_time(image.sent_at))
            confirmation = confirm(lookup.images.get(image.hash), facts)
            if confirmation is Confirmation.REPEAT:
                to_repeat.append((image, facts))
            else:
                await self._process(image, facts, confirmation, lookup.clock_offset)
        if to_repeat:  # one: a DELETE waits for its turn, and others may be due meanwhile
            await self._repeat(*to_repeat[0], lookup)
        return True

    async def _repeat(self, image: UnconfirmedDeletion, facts: Unconfirmed, lookup: Lookup) -> None:
        await self._postpone(image, facts)  # in case it is not sent
        listed = lookup.images[image.hash]
        if self.repeat is not None and await self.repeat(image, listed, lookup.clock_offset):
            self._log_listed(image)

    async def _is_postponed(self, image: UnconfirmedDeletion) -> bool:
        """Postpone an image that was sent again a moment ago; return whether it was."""
        facts = self._facts(image, image.sent_at)
        if not (facts.resent and facts.may_change):
            return False
        await self._postpone(image, facts)
        return True

    def _facts(self, image: UnconfirmedDeletion, sent_at: float | None) -> Unconfirmed:
        return Unconfirmed(
            wanted=image.wanted,
            resent=image.resent_at is not None,
            sent_at=sent_at,
            waited=time.time() - _since(image),
            outcome_timeout=self._client.outcome_timeout,
            failed=image.failed and self.repeat is not None and self._lane.queue.is_idle,
        )

    async def _process(
        self,
        image: UnconfirmedDeletion,
        facts: Unconfirmed,
        confirmation: Confirmation,
        clock_offset: float | None,
    ) -> None:
        account, lane = self._lane.account, self._lane
        match confirmation:
            case Confirmation.GONE | Confirmation.FOREIGN:
                await self._ledger.write(
                    delete_calls.record_gone(account, image.hash, clock_offset)
                )
                self._on_missing()
                if confirmation is Confirmation.GONE:
                    log_deleted(lane, image.file, image.hash)
                else:
                    why = "it was uploaded again since its deletion"
                    log_kept(lane, image.file, image.hash, why)
            case Confirmation.ABSENT:
                absent = delete_calls.record_absent(account, image.hash, clock_offset)
                await self._ledger.write(absent)
                self._on_missing()
                log_deleted(lane, image.file, image.hash)
            case Confirmation.WAIT | Confirmation.REPEAT:
                await self._postpone(image, facts)
            case Confirmation.PRESENT:
                await self._record_present(image)
            case _:
                assert_never(confirmation)

    async def _postpone(self, image: UnconfirmedDeletion, facts: Unconfirmed) -> None:
        until = _since(image) + facts.wait
        later = delete_calls.confirm_later(self._lane.account, image.hash, until)
        await self._ledger.write(later)

    async def _record_present(self, image: UnconfirmedDeletion) -> None:
        delay = repeat_delay(image.attempts, failed=image.failed)
        retry_at = min(image.sent_at, time.time()) + delay
        present = delete_calls.record_present(self._lane.account, image.hash, retry_at)
        await self._ledger.write(present)
        self._log_listed(image)

    def _log_listed(self, image: UnconfirmedDeletion) -> None:
        if image.attempts == 1 and not image.wanted:
            log.info(
                "deletion.unconfirmed",
                account=self._lane.name,
                file=_shown(image.file),
                hash=image.hash,
            )


def _since(image: UnconfirmedDeletion) -> float:
    return image.sent_at if image.resent_at is None else image.resent_at


def log_deleted(lane: Lane, file: bytes | None, image_hash: ImageHash) -> None:
    """Log that an image has left an account."""
    log.info("image.deleted", account=lane.name, file=_shown(file), hash=image_hash)


def log_kept(lane: Lane, file: bytes | None, image_hash: ImageHash, why: str) -> None:
    """Log that an image stays in an account."""
    log.info("image.kept", account=lane.name, file=_shown(file), hash=image_hash, why=why)


def _shown(file: bytes | None) -> str | None:
    return None if file is None else printable(file)
