"""The alerts of the ledger, and a signal when the ledger has changed: read once for all receivers.

Readers take `changed` before they read the ledger, and then wait for it.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping, Sequence

from syncd.ledger import alerts
from syncd.ledger.alerts import Alert
from syncd.ledger.database import Ledger
from syncd.model import AccountId

POLL = 1.0
"""Seconds between two looks at the ledger's version, which read nothing else."""

LONGEST = 30.0
"""Seconds after which the alerts are read although the ledger is the same: pauses end by time."""

_SHARE = 20.0
"""The time between two reads of the alerts is at least this many times as long as one takes."""


class Feed:
    """The alerts as they are now, and a signal for changes of the ledger."""

    def __init__(self, ledger: Ledger, names: Mapping[AccountId, str], poll: float = POLL) -> None:
        self._ledger = ledger
        self._names = names
        self._poll = poll
        self.alerts: Sequence[Alert] | None = None
        """The alerts that need the operator; None before they were read."""
        self.changed = asyncio.Event()
        """Set after the next change, and then replaced."""

    async def run(self) -> None:
        """Follow the ledger until cancelled."""
        version, read_at = None, float("-inf")
        while True:
            now, found = time.monotonic(), await self._ledger.version()
            took = 0.0
            if found != version or now - read_at >= LONGEST:
                await self.refresh()
                version, read_at = found, now
                took = time.monotonic() - now
            await asyncio.sleep(max(self._poll, _SHARE * took))

    async def refresh(self) -> None:
        """Read the alerts now, and wake those that wait."""
        self.alerts = await self._ledger.read(alerts.all_alerts(self._names, time.time()))
        changed, self.changed = self.changed, asyncio.Event()
        changed.set()
