"""The sandbox as a running server on loopback, and what tests ask of it."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Collection, Iterable
from types import TracebackType
from typing import Self

from aiohttp import web

from syncd.sandbox.calls import Call
from syncd.sandbox.control import Control
from syncd.sandbox.counts import Counts
from syncd.sandbox.faults import Fault, Faults
from syncd.sandbox.graph import Graph
from syncd.sandbox.library import Library
from syncd.sandbox.outcomes import Outcome
from syncd.sandbox.pictures import examine
from syncd.sandbox.state import World
from syncd.sandbox.switches import Switches
from syncd.sandbox.tokens import DEFAULT_TOKEN, Token, Tokens
from syncd.sandbox.values import Image, account_id
from syncd.sandbox.wire import ResponseHook, Wire

LOOPBACK = "127.0.0.1"


class Sandbox:
    """A Graph API of our own: `async with Sandbox() as sandbox:` serves at `sandbox.url`.

    `tokens` are the good ones; the first is `sandbox.token`. An empty list lets every token pass.
    `accounts` is None to let any account spring into being. With an `app_secret`, calls need their
    `appsecret_proof`. `seed` repeats the same random faults. `clock` gives seconds since the epoch.
    """

    def __init__(
        self,
        switches: Switches | None = None,
        *,
        port: int = 0,
        tokens: Collection[Token] = (Token(DEFAULT_TOKEN),),
        accounts: Collection[str] | None = None,
        app_secret: str | None = None,
        faults: Iterable[Fault] = (),
        seed: int = 0,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.library = Library(clock)
        self.counts = Counts()
        self.faults = Faults(seed)
        self.tokens = Tokens(tokens, app_secret)
        self.token = next((token.text for token in tokens), DEFAULT_TOKEN)
        known = None if accounts is None else frozenset(account_id(a) for a in accounts)
        world = World(
            switches or Switches(),
            clock,
            self.library,
            self.counts,
            self.faults,
            self.tokens,
            known,
        )
        for fault in faults:
            self.faults.add(fault)
        for account in known or ():
            self.library.open(account)
        self._graph = Graph(world)
        self._port = port
        self._running: tuple[web.AppRunner, Wire] | None = None
        self.url = ""
        self.on_response: ResponseHook = _unchanged
        """Called when the work of a call is done and its response is not yet sent.

        It may act, delay the response, or return another outcome to send.
        """

    @property
    def switches(self) -> Switches:
        return self._graph.world.switches

    @switches.setter
    def switches(self, switches: Switches) -> None:
        """Behave otherwise from now on: `sandbox.switches = replace(sandbox.switches, …)`."""
        self._graph.turn(switches)

    def hold(self, account: str, name: str, content: bytes) -> Image:
        """Put an image into an account as if somebody had brought it long ago: no call counts."""
        picture = examine(content, self.switches)
        image = self.library.put(account, picture, name)
        self.library.learn(image, picture.sha256)
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
