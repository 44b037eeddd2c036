"""The age of a ledger: the seconds for which a daemon has run on it.

The grace of deletions is counted in it, and not in differences of the wall clock: that may be wrong
at a boot, or be set while a deletion waits. Each reconcile pass records the age. Time in which no
daemon runs does not count; time in which the machine is suspended does.
"""

from __future__ import annotations

import sqlite3
import time

from syncd.ledger.statements import read
from syncd.model import Moment


class AgeClock:
    """The age of an open ledger; `opened_at` is its age now, in seconds."""

    def __init__(self, opened_at: float) -> None:
        self._offset = opened_at - time.clock_gettime(time.CLOCK_BOOTTIME)

    def now(self) -> Moment:
        """Return this moment by the wall clock and as an age of the ledger."""
        return Moment(time.time(), time.clock_gettime(time.CLOCK_BOOTTIME) + self._offset)


@read
def recorded(db: sqlite3.Connection) -> float:
    """Return the greatest age that the ledger has recorded, in seconds: it never runs backwards."""
    (age,) = db.execute(
        """
        SELECT max(seconds, coalesce((SELECT max(trusted_age) FROM baseline), 0))
        FROM ledger_age
        """
    ).fetchone()
    return float(age)
