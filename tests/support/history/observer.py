"""A witness of every call: it sees what is done, and may act before it is answered."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from aiohttp import web

from syncd.sandbox.faults import Fault
from syncd.sandbox.outcomes import Delivery, Outcome
from syncd.sandbox.server import Sandbox
from syncd.sandbox.values import Image

Judge = Callable[[str, str], None]
"""Called with account and hash of each image at the moment at which it is deleted."""


@dataclass
class Moment:
    """What is to happen once a call of this kind is done, and not yet answered."""

    kind: str  # any, if empty
    after: int
    act: Callable[[], Awaitable[None]]
    breaks: bool = False  # the answer never comes


class Witness:
    """Stands between the sandbox's work and its answers."""

    def __init__(self, sandbox: Sandbox, judge: Judge) -> None:
        self._sandbox = sandbox
        self._judge = judge
        self._by_hand = False
        self.moment: Moment | None = None
        self.happened = False
        assert sandbox._running is not None
        _, wire = sandbox._running
        self._deliver = wire._deliver
        wire._deliver = self._delivered  # type: ignore[method-assign]  # nothing else stands there
        self._delete = sandbox.library.delete
        sandbox.library.delete = self._deleted  # type: ignore[method-assign]  # the same

    def remove(self, account: str, image_hash: str) -> None:
        """Take an image out of an account by hand."""
        self._by_hand = True
        self._sandbox.library.remove(account, image_hash)
        self._by_hand = False

    def cut_off(self) -> None:
        """Let nothing more be done."""
        self._sandbox.faults.clear()
        self._sandbox.faults.add(Fault("reset_before"))

    def _deleted(self, image: Image, lag: float) -> None:
        if not self._by_hand:
            self._judge(image.account, image.hash)
        self._delete(image, lag)

    async def _delivered(self, outcome: Outcome, request: web.Request) -> web.StreamResponse:
        kind = self._sandbox.counts.recent[-1].kind
        moment = self.moment
        if moment is not None and not self.happened and kind.startswith(moment.kind):
            if moment.after:
                moment.after -= 1
            else:
                self.happened = True
                await moment.act()
                if moment.breaks:
                    outcome = Outcome(0, b"", delivery=Delivery.RESET)
        return await self._deliver(outcome, request)
