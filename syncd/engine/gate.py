"""The gate of one account: nothing goes out while it is shut, and one call tries it first."""

from __future__ import annotations

import asyncio
from enum import Enum, auto


class _State(Enum):
    OPEN = auto()
    SHUT = auto()
    HALF_OPEN = auto()  # it was shut until now: the first call shows whether it is open
    PROBING = auto()  # that call is under way


class Gate:
    """Open, or shut for a time, or shut until it is opened by hand."""

    def __init__(self) -> None:
        self._state = _State.OPEN
        self._changed = asyncio.Event()
        self._timer: asyncio.TimerHandle | None = None

    @property
    def shut(self) -> bool:
        """Nothing may go now."""
        return self._state is _State.SHUT

    async def pass_through(self) -> None:
        """Wait until a call may go. After a pause one caller passes, and the rest wait for it.

        Who passed says what came of it: `went_through`, `shut_for`, `shut_for_good`, `turn_back`.
        """
        await self.passable()
        self.pass_now()

    async def passable(self) -> None:
        """Wait until somebody may pass, without passing."""
        while self._state in (_State.SHUT, _State.PROBING):
            await self._changed.wait()

    def pass_now(self) -> bool:
        """Pass as `pass_through` does, if that takes no wait; tell whether it did."""
        if self._state is _State.HALF_OPEN:
            self._become(_State.PROBING)
            return True
        return self._state is _State.OPEN

    def went_through(self) -> None:
        """A call was answered; one that was sent before the gate was shut does not open it."""
        if self._state in (_State.PROBING, _State.HALF_OPEN):
            self._become(_State.OPEN)

    def reopen(self) -> None:
        """A person opens the gate: the next call shows whether they were right."""
        if self._state is _State.SHUT:
            self._become(_State.HALF_OPEN)

    def turn_back(self) -> None:
        """Who passed has nothing to send after all: another may try."""
        if self._state is _State.PROBING:
            self._become(_State.HALF_OPEN)

    def shut_for(self, seconds: float) -> None:
        """Shut for so long; a pause that is to last longer already stays."""
        loop = asyncio.get_running_loop()
        if self._state is _State.SHUT and (
            self._timer is None or self._timer.when() >= loop.time() + seconds
        ):
            return
        self._become(_State.SHUT)
        self._timer = loop.call_later(seconds, self._become, _State.HALF_OPEN)

    def shut_for_good(self) -> None:
        """Shut until `reopen` is called."""
        self._become(_State.SHUT)

    def _become(self, state: _State) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._state = state
        self._changed.set()
        self._changed = asyncio.Event()
