"""The sandbox as a server on loopback, with the state that tests set and check."""

from __future__ import annotations

import asyncio
import signal
import socket
import time
from collections.abc import Callable, Collection
from types import TracebackType
from typing import Self

from aiohttp import web

from syncd.sandbox.calls import Call
from syncd.sandbox.control import Control
from syncd.sandbox.counts import Counts
from syncd.sandbox.creatives import Creatives
from syncd.sandbox.faults import Faults
from syncd.sandbox.graph import Graph
from syncd.sandbox.library import Library
from syncd.sandbox.outcomes import Outcome
from syncd.sandbox.pictures import examine
from syncd.sandbox.state import State
from syncd.sandbox.switches import Switches
from syncd.sandbox.tokens import DEFAULT_TOKEN, Token, Tokens
from syncd.sandbox.values import Image, account_id
from syncd.sandbox.wire import ResponseHook, Wire

LOOPBACK = "127.0.0.1"


class Sandbox:
    """A Graph API of our own: `async with Sandbox() as sandbox:` serves at `sandbox.url`."""

    def __init__(
        self,
        switches: Switches | None = None,
        *,
        port: int = 0,
        tokens: Collection[Token] = (Token(DEFAULT_TOKEN),),
        accounts: Collection[str] | None = None,
        app_secret: str | None = None,
        seed: int = 0,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """Create a sandbox that does not serve yet.

        `tokens` are the valid ones, and the first is `sandbox.token`; an empty collection makes
        every token valid. `accounts` is None if every account exists. With an `app_secret`, calls
        need its `appsecret_proof`. The same `seed` repeats the same random faults. `clock` returns
        seconds since the epoch.
        """
        switches = switches or Switches()
        keeps_ages = switches.upload_of_deleted == "revives_as_created"
        self.library = Library(clock, keeps_ages=keeps_ages)
        self.creatives = Creatives(clock)
        self.counts = Counts()
        self.faults = Faults(seed)
        self.tokens = Tokens(tokens, app_secret)
        self.token = next((token.text for token in tokens), DEFAULT_TOKEN)
        known = None if accounts is None else frozenset(account_id(a) for a in accounts)
        for account in known or ():
            self.library.open(account)
        self._graph = Graph(
            State(
                switches=switches,
                clock=clock,
                library=self.library,
                creatives=self.creatives,
                counts=self.counts,
                faults=self.faults,
                tokens=self.tokens,
                accounts=known,
                started=clock(),
            )
        )
        self._port = port
        self._running: tuple[web.AppRunner, Wire] | None = None
        self.url = ""
        self.on_response: ResponseHook = _unchanged
        """Called when the work of a call is done and its response is not yet sent.

        It may act, delay the response, or return another outcome to send.
        """

    @property
    def switches(self) -> Switches:
        return self._graph.state.switches

    @switches.setter
    def switches(self, switches: Switches) -> None:
        """Change the behaviour: `sandbox.switches = replace(sandbox.switches, …)`."""
        self._graph.set_switches(switches)

    def hold(self, account: str, name: str, content: bytes) -> Image:
        """Put an image into an account without a call, as if uploaded by another program."""
        picture = examine(content, self.switches)
        image = self.library.add(account, picture, name)
        self.library.add_content(image, picture.sha256)
        return image

    async def __aenter__(self) -> Self:
        wire = Wire(self._graph, self._respond)
        application = web.Application()
        Control(self._graph).serve(application)
        application.router.add_route("*", "/{path:.*}", wire.handle)
        runner = web.AppRunner(
            application, access_log=None, handler_cancellation=True, shutdown_timeout=1.0
        )
        await runner.setup()
        listener = socket.create_server((LOOPBACK, self._port), backlog=512)
        await web.SockSite(runner, listener).start()
        self.url = f"http://{LOOPBACK}:{listener.getsockname()[1]}"
        self._running = runner, wire
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._running is not None:
            runner, wire = self._running
            self._running = None
            wire.close()
            await runner.cleanup()

    async def _respond(self, call: Call, outcome: Outcome) -> Outcome:
        return await self.on_response(call, outcome)  # a test may set another one at any time


async def _unchanged(_: Call, outcome: Outcome) -> Outcome:
    return outcome


async def run_until_stopped(sandbox: Sandbox, started: Callable[[Sandbox], None]) -> None:
    """Serve until SIGINT or SIGTERM; `started` is called once the port is open."""
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stopped.set)
    async with sandbox:
        started(sandbox)
        await stopped.wait()
