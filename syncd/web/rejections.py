"""The log of rejected logins: one record a minute, however many attempts there are."""

from __future__ import annotations

import asyncio

import structlog

from syncd.log import Log

log: Log = structlog.get_logger()

EVERY = 60.0
"""Seconds between two records."""


class Rejections:
    """The rejected logins of one process: the first is logged at once, those after it as a sum."""

    def __init__(self, every: float = EVERY) -> None:
        self._every = every
        self._timer: asyncio.TimerHandle | None = None
        self._attempts = 0
        self._client = ""

    def record(self, client: str) -> None:
        """Record an attempt from an address."""
        self._attempts += 1
        self._client = client
        if self._timer is None:
            self._log()

    def close(self) -> None:
        """Log the attempts that no record has yet."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._attempts:
            log.warning("web.rejected", attempts=self._attempts, client=self._client)
            self._attempts = 0

    def _log(self) -> None:
        """Log the attempts since the last record; if there were any, wait before the next one."""
        found = self._attempts
        self.close()
        if found:
            self._timer = asyncio.get_running_loop().call_later(self._every, self._log)
