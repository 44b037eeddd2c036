"""The exit codes, after sysexits.h where it has one."""

from __future__ import annotations

from enum import IntEnum


class Exit(IntEnum):
    """How a command ended."""

    DONE = 0
    NOT_ALL = 1
    """Something was rejected, could not be done, or was not found."""
    LEDGER_UNFIT = 65  # EX_DATAERR
    LEDGER_FAILS = 74  # EX_IOERR
    LEDGER_BUSY = 75  # EX_TEMPFAIL
    CONFIGURATION = 78  # EX_CONFIG
