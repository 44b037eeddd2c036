"""The report in the status file: counted when the ledger has changed, and not too often."""

from __future__ import annotations

import time
from collections.abc import Callable

import msgspec

from syncd.daemon.counting import pause_after_count
from syncd.daemon.report import Report, account_status, folder_status, states, with_states
from syncd.daemon.runtime import Runtime
from syncd.daemon.status_file import INTERVAL, NO_REPORT
from syncd.ledger import queries


class ReportSource:
    """The source of the encoded report of one runtime."""

    def __init__(self, runtime: Runtime, clock: Callable[[], float] = time.monotonic) -> None:
        self._runtime = runtime
        self._clock = clock
        self._version: int | None = None  # of the ledger when it was last counted
        self._due = float("-inf")  # by the clock: it is not counted before
        self._ends_at = float("inf")  # when the first of its pauses ends, unix seconds
        self.report: Report | None = None
        """The last report; None: not yet."""
        self.encoded = NO_REPORT
        self.counted_at: float | None = None
        """When the report was last as the ledger is, in unix seconds."""
        self.count_took = 0.0  # seconds

    async def refresh(self) -> None:
        """Count what has changed, unless the last count is too recent for the size of the ledger.

        Nothing is counted before the engine has read the ledger.
        """
        began, now = self._clock(), time.time()
        if not self._runtime.engine.restored.is_set():
            return
        version = await self._runtime.ledger.version()
        if version == self._version and now < self._ends_at:
            self.counted_at = now
        elif began >= self._due:
            report = await self._count(now)
            self.count_took = self._clock() - began
            self._due = began + pause_after_count(self.count_took, INTERVAL)
            self._version, self.counted_at = version, now
            self._ends_at = _first_end(report)
            self.report = report
            self.encoded = msgspec.Raw(msgspec.json.encode(report))

    async def _count(self, now: float) -> Report:
        """Count one account or folder at a time, between which other reads get their turn."""
        read, accounts = self._runtime.ledger.read, self._runtime.config.accounts
        folders = await read(queries.folder_states())
        report = Report(
            needs_you=[],
            accounts={
                str(name): await read(account_status(one.id)) for name, one in accounts.items()
            },
            folders={one.name: await read(folder_status(one)) for one in folders},
        )
        names = {one.id: str(name) for name, one in accounts.items()}
        return with_states(report, await read(states(names, now)))


def _first_end(report: Report) -> float:
    pauses = (account.pause for account in report.accounts.values())
    ends = (pause.until for pause in pauses if pause is not None and pause.until is not None)
    return min(ends, default=float("inf"))
