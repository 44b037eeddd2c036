"""Equal records are counted, not repeated: one a minute, and then how many there were."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from threading import RLock, Timer

import structlog

from syncd.log import LEVELS, Log
from syncd.logs.forms import message
from syncd.logs.record import Record

log: Log = structlog.get_logger()

MINUTE = 60.0

MOST = 500
"""Records that are remembered at once; the oldest is forgotten first."""

_EACH_COUNTS = ("stats", "log.", "config.", "daemon.")
"""What comes on its period, or answers a person."""

_OF_ONE_IMAGE = ("sha256", "hash")
"""Fields of what is said once of each image: most of the log, and never equal."""


@dataclass(slots=True)
class _Said:
    record: Record
    text: str
    at: float
    times: int = 0  # that an equal one was not written


class Repeats:
    """Remembers what was written in the last minute; leaving the context says what was counted.

    A notice tells that a state began or ended: after it, equal words are news.
    """

    def __init__(
        self,
        period: float = MINUTE,
        most: int = MOST,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._period = period
        self._most = most
        self._clock = clock
        self._said: dict[tuple[str, str], _Said] = {}  # by level and text, the oldest first
        self._timer: Timer | None = None
        self._lock = RLock()  # collecting garbage may log, too

    def __enter__(self) -> Repeats:
        return self

    def __exit__(self, *_: object) -> None:
        self._forget(math.inf)
        with self._lock:
            if self._timer is not None:
                self._timer.cancel()

    def again(self, record: Record) -> bool:
        """Tell whether an equal record was written less than a minute ago, and count it then."""
        if record.level == "notice":
            self._forget(math.inf)
            return False
        fields = record.fields
        if any(name in fields for name in _OF_ONE_IMAGE) or record.event.startswith(_EACH_COUNTS):
            return False
        now = self._clock()
        self._forget(now)
        text = message(record)
        with self._lock:
            said = self._said.get((record.level, text))
            if said is None:
                self._said[record.level, text] = _Said(record, text, now)
                return False
            said.times += 1
            self._wind(now)
            return True

    def _forget(self, now: float) -> None:
        """Forget what a minute has passed of, and what is too much; say what was counted of it."""
        over: list[_Said] = []
        with self._lock:
            while self._said:
                key = next(iter(self._said))
                recent = self._said[key].at + self._period > now
                if recent and len(self._said) <= self._most:
                    break
                over.append(self._said.pop(key))
        for said in over:
            if said.times:
                log.log(
                    LEVELS[said.record.level],
                    "log.repeated",
                    repeated=said.record.event,
                    times=said.times,
                    seconds=round(self._clock() - said.at, 1),
                    what=said.text,
                )

    def _wind(self, now: float) -> None:
        """Have what was counted said in time, also when nothing else is logged."""
        due = next((said.at + self._period for said in self._said.values() if said.times), None)
        if due is None or self._timer is not None:
            return
        self._timer = Timer(max(0.0, due - now), self._ring)
        self._timer.daemon = True
        self._timer.start()

    def _ring(self) -> None:
        self._forget(self._clock())
        with self._lock:
            self._timer = None
            self._wind(self._clock())
