"""Whether a part of the daemon moves: since when each step that it is at has shown nothing."""

from __future__ import annotations

import time

STALLED_AFTER = 10.0
"""Seconds without a sign after which nothing else waits for a step: a file server that is slow
answers before."""


class Heartbeat:
    """The steps that a part is at; between them it waits by design, for as long as it likes.

    May be used from any thread.
    """

    def __init__(self) -> None:
        self._steps: set[Operation] = set()
        self._came_through: float | None = None

    def step(self, limit: float = 0.0) -> Operation:
        """Return a step, which is at work inside its context; `limit` is in seconds.

        So long it may take without a sign, beside what any step may.
        """
        return Operation(self, limit)

    def idle_for(self, now: float) -> float:
        """Return for how many seconds one of its steps has stood still; 0 when none is."""
        return max((step.idle_for(now) for step in tuple(self._steps)), default=0.0)

    def stalled(self) -> bool:
        """Tell whether nothing else should wait for it."""
        return self.idle_for(time.monotonic()) >= STALLED_AFTER

    def worked_for(self, now: float) -> float:
        """Return for how many seconds it has been known to work, before the step that it is at."""
        if self._came_through is None:
            return 0.0
        return now - self.idle_for(now) - self._came_through

    def _begins(self, step: Operation) -> None:
        self._steps.add(step)

    def _ends(self, step: Operation) -> None:
        self._steps.discard(step)
        if self._came_through is None:
            self._came_through = time.monotonic()


class Operation:
    """Something that takes long only if something hangs; `progress` shows that it goes on."""

    __slots__ = ("_limit", "_moved_at", "_pulse")

    def __init__(self, pulse: Heartbeat, limit: float) -> None:
        self._pulse = pulse
        self._limit = limit
        self._moved_at = time.monotonic()

    def __enter__(self) -> Operation:
        self.progress()
        self._pulse._begins(self)  # noqa: SLF001  the two are one
        return self

    def __exit__(self, *_: object) -> None:
        self._pulse._ends(self)  # noqa: SLF001  the two are one

    def progress(self) -> None:
        """It goes on."""
        self._moved_at = time.monotonic()

    def idle_for(self, now: float) -> float:
        """Return for how many seconds it has stood still, after as long as it may take."""
        return max(0.0, now - self._moved_at - self._limit)

    def stalled(self) -> bool:
        """Tell whether nothing else should wait for it."""
        return self.idle_for(time.monotonic()) >= STALLED_AFTER
