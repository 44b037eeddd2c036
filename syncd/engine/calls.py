"""One call to an account that brings no bytes: its turn, its sending, what its failure means."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from syncd.engine.lane import Lane
from syncd.engine.outcomes import Outcomes
from syncd.engine.pacer import End, end_of
from syncd.graph.client import Credentials, GraphError
from syncd.graph.shapes import Usage
from syncd.ledger.database import Ledger
from syncd.rules.errors import Verdict
from syncd.rules.pacing.budget import Call

T = TypeVar("T")

Send = Callable[[Credentials], Awaitable[tuple[T, Usage]]]


async def always() -> bool:
    """Nothing can have changed that would make a call needless."""
    return True


class Calls:
    """Calls to one account; each waits for its turn as a backlog does.

    A call that is under way when its caller is cancelled belongs to `carrying`, and ends well.
    """

    def __init__(
        self, lane: Lane, ledger: Ledger, outcomes: Outcomes, carrying: asyncio.TaskGroup
    ) -> None:
        self.lane = lane
        self._ledger = ledger
        self._outcomes = outcomes
        self._carrying = carrying

    async def make(
        self, cost: Call, send: Send[T], still: Callable[[], Awaitable[bool]] = always
    ) -> T | None:
        """Send once the account takes it; None when it was no longer wanted once it could go.

        `still` is asked after the wait. Raises GraphError after the account was treated as that
        error asks for.
        """
        lane = self.lane
        while True:  # a turn may take minutes: whoever tries the gate must not wait for one
            await lane.gate.passable()
            call = await lane.pacer.turn_for(cost, lane.queue.stirred)
            if lane.gate.pass_now():
                break
            lane.pacer.withdraw(call)
        carried = self._carry(call, send, still)
        task = self._carrying.create_task(carried, name=f"call:{lane.name}")
        answer = await asyncio.shield(task)
        if isinstance(answer, GraphError):
            raise answer
        return answer

    async def _carry(
        self, call: Call, send: Send[T], still: Callable[[], Awaitable[bool]]
    ) -> T | GraphError | None:
        lane = self.lane
        wanted = await still()
        credentials = lane.credentials
        if lane.gate.shut or credentials is None or not wanted:
            lane.pacer.withdraw(call)
            lane.gate.turn_back()
            return None
        lane.counters.calls += 1
        try:
            answer, usage = await send(credentials)
        except GraphError as error:
            await self._spent(call, end_of(error.fault), error.usage)
            verdict = await self._outcomes.troubled(lane, error, credentials)
            if verdict is Verdict.STOP_ACCOUNT:
                await lane.went_through()  # uploads show whether that is true of the whole account
            return error
        await self._spent(call, End.TAKEN, usage)
        await lane.went_through()
        return answer

    async def _spent(self, call: Call, end: End, usage: Usage) -> None:
        await self._ledger.write(await self.lane.spent(call, end, usage))
