"""The gate of one account: no call passes while it is shut; afterwards one call goes first."""

from __future__ import annotations

import asyncio
from enum import Enum, auto

from syncd.heartbeat import Change


class _State(Enum):
    OPEN = auto()
    SHUT = auto()
    HALF_OPEN = auto()  # it was shut: the next call shows whether the account takes calls again
    PROBING = auto()  # that call is under way


class Gate:
    """A circuit breaker: open, shut for a time, or shut until it is reopened.

    The operator can lock it besides, whatever its state is. After a pause one caller enters, and
    the others wait for the result of its call, which it reports with `record_success`, `shut_for`,
    `shut_until_reopened` or `cancel`.
    """

    def __init__(self) -> None:
        self._state = _State.OPEN
        self._changed = Change()
        self._timer: asyncio.TimerHandle | None = None
        self._is_locked = False

    @property
    def is_locked(self) -> bool:
        """Whether the operator lets no call pass."""
        return self._is_locked

    @property
    def is_shut(self) -> bool:
        """Whether no call may be sent now."""
        return self._is_locked or self._state is _State.SHUT

    async def enter(self) -> None:
        """Wait until a call may be sent, and enter."""
        await self.wait_enterable()
        self.try_enter()

    async def wait_enterable(self) -> None:
        """Wait until a caller may enter, without entering."""
        while self._is_locked or self._state in (_State.SHUT, _State.PROBING):
            await self._changed.wait()

    def try_enter(self) -> bool:
        """Enter if that is possible without a wait; return whether it was."""
        if self._is_locked:
            return False
        if self._state is _State.HALF_OPEN:
            self._become(_State.PROBING)
            return True
        return self._state is _State.OPEN

    def lock(self) -> None:
        """Let no call pass until `unlock` is called; calls that are under way end as they would."""
        self._is_locked = True

    def unlock(self) -> None:
        """Let calls pass again, if the state allows it."""
        self._is_locked = False
        self._changed.notify()

    def record_success(self) -> None:
        """Open after a successful call, unless the call was sent before the gate was shut."""
        if self._state in (_State.PROBING, _State.HALF_OPEN):
            self._become(_State.OPEN)

    def cancel(self) -> None:
        """Let another caller enter: the one that entered sends nothing."""
        if self._state is _State.PROBING:
            self._become(_State.HALF_OPEN)

    def shut_for(self, seconds: float) -> None:
        """Shut for `seconds`; a longer pause stays as it is."""
        loop = asyncio.get_running_loop()
        if self._state is _State.SHUT and (
            self._timer is None or self._timer.when() >= loop.time() + seconds
        ):
            return
        self._become(_State.SHUT)
        self._timer = loop.call_later(seconds, self._become, _State.HALF_OPEN)

    def shut_until_reopened(self) -> None:
        """Shut until `reopen` is called."""
        self._become(_State.SHUT)

    def reopen(self) -> None:
        """Let one call show whether the account takes calls again."""
        if self._state is _State.SHUT:
            self._become(_State.HALF_OPEN)

    def _become(self, state: _State) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._state = state
        self._changed.notify()
