"""The images of a run are deleted however it ends; what could not be deleted is named."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from functools import partial

import pytest

from syncd.config import Secret
from syncd.conformance.exchange import Report, call, failed, reply_of, run
from syncd.conformance.messages import Reply, Request, Wait, points
from syncd.conformance.pictures import png
from syncd.conformance.talk import plan
from syncd.graph.client import Credentials, GraphError, connect
from syncd.model import AccountId
from syncd.operations.calls import ClosedError
from syncd.sandbox.server import Sandbox
from syncd.sandbox.switches import Switches

ACCOUNT = AccountId("1")
PREFIX = "syncd-conformance-test"
CLEANUP = 31
"""The request with which the cleanup begins."""


class Sender:
    """Sends requests, and fails or waits at the n-th one."""

    def __init__(self, sandbox: Sandbox, client: object, failing: int, *, waits: bool) -> None:
        self._call = partial(call, client, ACCOUNT, Credentials(Secret(sandbox.token)))  # type: ignore[arg-type]  # a client
        self._left = failing
        self._waits = waits
        self.reached = asyncio.Event()
        self._response = (
            asyncio.Event()
        )  # never set; a task on an event of its own may be collected
        self.points = 0

    async def __call__(self, request: Request) -> Reply:
        if isinstance(request, Wait):
            return Reply()
        self._left -= 1
        self.points += points(request)
        if self._left == 0:
            self.reached.set()
            if self._waits:
                await self._response.wait()
            raise ClosedError("the token was rejected")
        try:
            return reply_of(await self._call(request))
        except GraphError as error:
            return failed(error)


@asynccontextmanager
async def running(sandbox: Sandbox, at: int, *, waits: bool) -> AsyncIterator[Report]:
    """Run the checks until the n-th request, which fails or is cancelled."""
    made, report = plan(ACCOUNT, PREFIX, 1000, patience=0.0), Report()
    async with connect(sandbox.url, "v25.0", 5.0) as client:
        sender = Sender(sandbox, client, at, waits=waits)
        task = asyncio.create_task(run(made, sender, report))
        reached = asyncio.create_task(sender.reached.wait())
        await asyncio.wait([task, reached], return_when="FIRST_COMPLETED")
        reached.cancel()
        if waits:
            task.cancel()
        with suppress(ClosedError, asyncio.CancelledError):
            await task
        yield report


@pytest.mark.parametrize("waits", [False, True], ids=["after an error", "after a cancellation"])
async def test_everything_is_deleted_wherever_a_run_ends_or_named(waits: bool) -> None:
    for at in range(1, 46):
        async with Sandbox(Switches(tier="unlimited")) as sandbox:
            foreign = sandbox.hold("1", "a.png", png(3, "a"))
            async with running(sandbox, at, waits=waits) as report:
                named = {str(one.hash): one.why for one in report.left}
            left = {image for image in sandbox.library.images("1") if image != foreign}
            for image in left:
                reasons = " ".join(named.values())
                found_by_name = image.name.startswith(PREFIX) and PREFIX in reasons
                assert image.hash in named or found_by_name, at
            if at < CLEANUP:
                assert not named, at
                assert not left, at
            assert foreign in sandbox.library.images("1")


async def test_an_image_that_cannot_be_deleted_is_named_with_the_reason() -> None:
    async with Sandbox(Switches(tier="unlimited")) as sandbox:

        async def use(_: object, outcome: object) -> object:
            for image in sandbox.library.images("1"):
                if not sandbox.creatives.using(image):
                    sandbox.creatives.add("1", image.hash)
            return outcome

        sandbox.on_response = use  # type: ignore[assignment]  # it returns the outcome as it is
        made, report = plan(ACCOUNT, PREFIX, 1000, patience=0.0), Report()
        async with connect(sandbox.url, "v25.0", 5.0) as client:
            await run(made, Sender(sandbox, client, 0, waits=False), report)
        left: set[str] = {one.hash for one in report.left}
        assert left == {image.hash for image in sandbox.library.images("1")}
        assert left
        assert {one.why for one in report.left} == {"100: Invalid parameter"}
        assert not report.is_fine


async def test_checks_beyond_the_budget_are_left_out_and_named() -> None:
    async with (
        Sandbox(Switches(tier="unlimited")) as sandbox,
        connect(sandbox.url, "v25.0", 5.0) as client,
    ):
        for budget in range(1, 180, 20):
            made, report = plan(ACCOUNT, PREFIX, budget, patience=0.0), Report()
            sender = Sender(sandbox, client, 0, waits=False)
            await run(made, sender, report)
            assert sender.points <= budget
            names = {check.name for check in made.checks}
            skipped = {one.name for one in report.findings if "the budget of" in one.text}
            assert skipped <= names
            assert skipped or budget > 150
            assert sandbox.library.images("1") == []
