"""An observer of every call to the sandbox, which can act before the response is sent."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from syncd.sandbox.calls import Call
from syncd.sandbox.faults import Fault
from syncd.sandbox.outcomes import Delivery, Outcome
from syncd.sandbox.server import Sandbox
from syncd.sandbox.values import Image, Kind

OnDelete = Callable[[str, str], None]
"""Called with the account and hash of the image that a call deletes or was to delete."""

LOST = {"reset_before", "1"}
"""Faults after which syncd cannot know that an image was not deleted."""


@dataclass
class Interruption:
    """An action between the work of one call and its response."""

    kind: str  # of the call; empty for any
    after: int  # calls of that kind that pass first
    act: Callable[[], Awaitable[None]]
    drops_response: bool = False


class Observer:
    """Reports deletions by calls, and interrupts one call if asked to."""

    def __init__(self, sandbox: Sandbox, on_delete: OnDelete, on_lost_delete: OnDelete) -> None:
        """`on_delete` is called just before a deletion, `on_lost_delete` when a call was lost."""
        self._sandbox = sandbox
        self._on_delete = on_delete
        self._on_lost_delete = on_lost_delete
        self._crashed = False
        self._interruption: Interruption | None = None
        self.scanned = asyncio.Event()
        """Set when the scans of a pass have ended, and what they found is recorded."""
        self.interrupted = False
        """Whether the interruption took place."""
        sandbox.on_response = self._respond
        sandbox.library.on_delete = self._delete

    def interrupt(self, interruption: Interruption | None) -> None:
        """Interrupt a call once, as given, after `scanned` is set; None no longer interrupts any.

        An upload or a copy that is earlier waits for `scanned`.
        """
        self._interruption = interruption
        self.scanned.clear()

    def reset(self) -> None:
        """Interrupt no call, and none has been interrupted."""
        self._interruption, self.interrupted, self._crashed = None, False, False

    def drop_requests(self) -> None:
        """Let no further call be handled."""
        self._crashed = True
        self._sandbox.faults.clear()
        self._sandbox.faults.add(Fault("reset_before"))

    def _delete(self, image: Image) -> None:
        self._on_delete(image.account, image.hash)

    async def _respond(self, call: Call, outcome: Outcome) -> Outcome:
        if call.kind is Kind.DELETE and outcome.code in LOST and not self._crashed:
            self._on_lost_delete(str(call.account), call.params.text("hash") or "")
        if self._is_due(call) and call.kind in (Kind.UPLOAD, Kind.COPY):
            await self.scanned.wait()
        interruption = self._interruption
        if interruption is None or not self._is_due(call) or not self.scanned.is_set():
            return outcome
        if interruption.after:
            interruption.after -= 1
            return outcome
        self.interrupted = True
        await interruption.act()
        return Outcome(0, b"", delivery=Delivery.RESET) if interruption.drops_response else outcome

    def _is_due(self, call: Call) -> bool:
        """Return whether this kind of call is to be interrupted yet."""
        interruption = self._interruption
        return (
            interruption is not None
            and not self.interrupted
            and call.kind.startswith(interruption.kind)
        )
