"""Whether something that [metrics] names can be used, as the log reports it."""

from __future__ import annotations

import time

import structlog

from syncd.log import Log, elapsed

log: Log = structlog.get_logger()


class Availability:
    """An address or a file: a failure is logged once, and its end."""

    def __init__(self, what: str) -> None:
        self._what = what
        self._failed_at: float | None = None

    def record_failure(self, why: str, remedy: str) -> None:
        """Record that it cannot be used now."""
        if self._failed_at is None:
            self._failed_at = time.time()
            log.warning("metrics.unavailable", what=self._what, why=why, remedy=remedy)

    def record_success(self) -> None:
        """Record that it can be used."""
        if self._failed_at is not None:
            duration = elapsed(self._failed_at, time.time())
            self._failed_at = None
            log.notice("metrics.available", what=self._what, duration=duration)


def reason(error: OSError) -> str:
    """Return why a file or an address cannot be used, without its name."""
    return (error.strerror or str(error)).lower()
