"""The exit codes, after sysexits.h where it has one."""

from __future__ import annotations

from enum import IntEnum


class Exit(IntEnum):
    """How a command ended."""

    DONE = 0
    NOT_ALL = 1
    """Something was rejected, could not be done, or was not found."""
    LEDGER_UNFIT = 65  # EX_DATAERR
    CRASHED = 70  # EX_SOFTWARE
    SYSTEM = 74  # EX_IOERR
    """The system refused something: the disk is full, a right is missing."""
    LEDGER_BUSY = 75  # EX_TEMPFAIL
    CONFIGURATION = 78  # EX_CONFIG
