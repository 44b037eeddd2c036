"""Calls to one account that upload nothing: reads and deletions."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from syncd.engine.lane import Lane
from syncd.engine.pacer import End, end_of
from syncd.graph.client import Credentials, GraphError
from syncd.graph.shapes import Usage
from syncd.rules.errors import Verdict
from syncd.rules.pacing.budget import Call

T = TypeVar("T")

Send = Callable[[Credentials], Awaitable[tuple[T, Usage]]]


async def always() -> bool:
    """Return True, for calls that are wanted in any case."""
    return True


class Calls:
    """Calls to one account; each waits for its turn as a backlog does.

    A call that is under way when its caller is cancelled is finished by `sends`.
    """

    def __init__(self, lane: Lane, sends: asyncio.TaskGroup) -> None:
        self.lane = lane
        self._sends = sends

    async def make(
        self, cost: Call, send: Send[T], is_wanted: Callable[[], Awaitable[bool]] = always
    ) -> T | None:
        """Send a call when the account takes it, and return its response.

        Return None if the account stopped taking calls meanwhile, or if `is_wanted`, which is asked
        after the wait, returned False. Raises GraphError, after the account's health has recorded
        the error.
        """
        lane = self.lane
        while True:  # a turn may take minutes: meanwhile no caller may keep the gate to itself
            await lane.gate.wait_enterable()
            call = await lane.pacer.turn_for(cost)
            if lane.gate.try_enter():
                break
            lane.pacer.withdraw(call)
        task = self._sends.create_task(self._send(call, send, is_wanted), name=f"call:{lane.name}")
        response = await asyncio.shield(task)
        if isinstance(response, GraphError):
            raise response
        return response

    async def _send(
        self, call: Call, send: Send[T], is_wanted: Callable[[], Awaitable[bool]]
    ) -> T | GraphError | None:
        lane = self.lane
        wanted = await is_wanted()
        credentials = lane.health.credentials
        if lane.gate.is_shut or credentials is None or not wanted:
            lane.pacer.withdraw(call)
            lane.gate.cancel()
            return None
        lane.counters.calls += 1
        try:
            response, usage = await send(credentials)
        except GraphError as error:
            await lane.finish_call(call, end_of(error.api_error), error.usage)
            verdict = await lane.health.on_error(error, credentials)
            if verdict is Verdict.STOP_ACCOUNT:
                await lane.health.on_success()  # uploads show whether the account can be used
            return error
        await lane.finish_call(call, End.TAKEN, usage)
        await lane.health.on_success()
        return response
