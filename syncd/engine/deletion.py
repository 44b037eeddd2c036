"""Deletions from one account: asked about, asked for, confirmed; after everything else."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable
from typing import assert_never

import structlog

from syncd.engine.calls import Calls
from syncd.engine.lookup import AT_ONCE, Asked, ask_about
from syncd.graph.client import Credentials, GraphClient, GraphError
from syncd.graph.shapes import Usage
from syncd.ledger import deletions
from syncd.ledger.database import Ledger
from syncd.ledger.deletions import Due, Leaving
from syncd.log import Log
from syncd.model import ImageHash, printable
from syncd.rules.decide import Step, View, next_step
from syncd.rules.deletion import (
    LOOK_AGAIN,
    PATIENCE,
    Confirmation,
    Finding,
    confirm,
    find,
    next_look,
)
from syncd.rules.errors import ApiError, Verdict, judge
from syncd.rules.pacing.budget import write

log: Log = structlog.get_logger()


class Deleting:
    """Takes condemned images out of one account.

    grace is in seconds; `changed` is called once an image is no longer held: a file may have come
    back for it meanwhile.
    """

    def __init__(
        self,
        calls: Calls,
        ledger: Ledger,
        client: GraphClient,
        grace: float,
        changed: Callable[[], None],
    ) -> None:
        self._calls = calls
        self._lane = calls.lane
        self._ledger = ledger
        self._client = client
        self._grace = grace
        self._changed = changed

    async def run(self, period: float) -> None:
        """Delete every so many seconds, until cancelled."""
        while True:
            await asyncio.sleep(period)
            await self.once()

    async def once(self) -> None:
        """Work off what is due, unless something waits to be brought."""
        if self._lane.queue.idle and not self._lane.gate.shut:
            with contextlib.suppress(GraphError):  # the account was treated accordingly
                await self.work_off()

    async def work_off(self) -> None:
        """Delete what is due, and look whether what was deleted before is gone.

        Raises GraphError when the account answered a question with something else.
        """
        while await self._some_due() or await self._some_leaving():
            pass

    async def _some_due(self) -> bool:
        """See to the first images that are due; tell whether there were any."""
        now, account = time.time(), self._lane.account
        found = await self._ledger.read(deletions.due(account, now - self._grace, now, AT_ONCE))
        asked_about = [due for due in found if await self._is_to_be(Step.ASK, due, asked=False)]
        if asked_about:
            asked = await ask_about(self._calls, self._client, [d.hash for d in asked_about])
            if asked is None:
                return False
            for due in asked_about:
                await self._see_to(due, asked)
        return bool(asked_about)

    async def _see_to(self, due: Due, asked: Asked) -> None:
        match finding := find(asked.images.get(due.hash), asked.by_server(due.sent_at)):
            case Finding.FREE:
                await self._delete(due)
            case Finding.GONE:
                await self._gone(due.hash)
                self._tell_deleted(due.hash, due.path)
            case Finding.THEIRS:
                await self._ledger.write(deletions.let_be(self._lane.account, due.digest))
                self._tell_kept(due.hash, due.path, "it was there before syncd sent it")
            case Finding.USED:
                await self._keep(due, "a creative or an ad uses it")
            case Finding.INTERNAL:
                await self._keep(due, "its status is not ACTIVE")
            case _:
                assert_never(finding)

    async def _delete(self, due: Due) -> None:
        async def still() -> bool:
            return await self._is_to_be(Step.DELETE, due, asked=True)

        try:
            if await self._calls.make(write(), self._sending(due.hash), still) is None:
                return
        except GraphError as error:
            if judge(error.fault) is not Verdict.RETRY:
                await self._refused(due, error.fault)
                return
            # It may be gone all the same: it is not held until a look has found it there.
        taken = deletions.deletion_taken(self._lane.account, due.hash, time.time())
        await self._ledger.write(taken)
        self._changed()

    async def _refused(self, due: Due, fault: ApiError) -> None:
        if not self._lane.gate.shut:  # it is this image that the account refuses
            await self._keep(due, f"the account refuses: {fault}")

    async def _is_to_be(self, step: Step, due: Due, *, asked: bool) -> bool:
        facts = await self._ledger.read(
            deletions.facts(self._lane.account, due.digest, time.time() - self._grace)
        )
        view = View(
            facts.wanted,
            facts.held,
            rejected=False,
            open=not self._lane.gate.shut,
            due=facts.due,
            needed=facts.needed,
            asked=asked,
        )
        if facts.needed:
            await self._keep(due, "another image that is wanted has the same hash")
        return next_step(view) is step

    async def _gone(self, image_hash: ImageHash) -> None:
        await self._ledger.write(deletions.gone(self._lane.account, image_hash))
        self._changed()

    async def _keep(self, due: Due, why: str) -> None:
        until = time.time() + LOOK_AGAIN
        keep = deletions.keep_for_now(self._lane.account, due.digest, why, until)
        if await self._ledger.write(keep):
            self._tell_kept(due.hash, due.path, why)

    async def _some_leaving(self) -> bool:
        now, account = time.time(), self._lane.account
        leaving = await self._ledger.read(deletions.leaving(account, now, AT_ONCE))
        if not leaving:
            return False
        asked = await ask_about(self._calls, self._client, [image.hash for image in leaving])
        if asked is None:
            return False
        for image in leaving:
            await self._confirm(image, asked)
        return True

    async def _confirm(self, image: Leaving, asked: Asked) -> None:
        now = time.time()
        listed, since = asked.images.get(image.hash), asked.by_server(image.asked_at)
        match confirm(listed, since, now - image.asked_at):
            case Confirmation.GONE:
                await self._gone(image.hash)
                self._tell_deleted(image.hash, image.path)
            case Confirmation.WAIT:
                await self._look_later(image, image.asked, image.asked_at + PATIENCE)
            case Confirmation.LET_BE:
                await self._gone(image.hash)
                self._tell_kept(image.hash, image.path, "it has come again, or is used, since")
            case Confirmation.AGAIN:
                if image.asked == 1:
                    log.info(
                        "deletion.unconfirmed",
                        account=self._lane.name,
                        file=printable(image.path),
                        hash=image.hash,
                    )
                await self._delete_again(image)
            case confirmation:
                assert_never(confirmation)

    async def _delete_again(self, image: Leaving) -> None:
        async def still() -> bool:
            return await self._ledger.read(deletions.is_leaving(self._lane.account, image.hash))

        with contextlib.suppress(GraphError):  # it is looked at again all the same
            await self._calls.make(write(), self._sending(image.hash), still)
        await self._look_later(image, image.asked + 1, time.time() + next_look(image.asked + 1))

    async def _look_later(self, image: Leaving, asked: int, at: float) -> None:
        later = deletions.look_later(self._lane.account, image.hash, asked, at)
        await self._ledger.write(later)

    def _sending(
        self, image_hash: ImageHash
    ) -> Callable[[Credentials], Awaitable[tuple[bool, Usage]]]:
        async def send(credentials: Credentials) -> tuple[bool, Usage]:
            usage = await self._client.delete(self._lane.account, credentials, image_hash)
            return True, usage

        return send

    def _tell_deleted(self, image_hash: ImageHash, path: bytes) -> None:
        log.info("image.deleted", account=self._lane.name, file=printable(path), hash=image_hash)

    def _tell_kept(self, image_hash: ImageHash, path: bytes, why: str) -> None:
        log.info(
            "image.kept", account=self._lane.name, file=printable(path), hash=image_hash, why=why
        )
