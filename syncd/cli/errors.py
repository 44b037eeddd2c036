"""What an error that ends a command means to a person: an exit code, why, and what to do."""

from __future__ import annotations

import errno
import os

import msgspec

from syncd.cli.exits import Exit
from syncd.ledger.errors import (
    LedgerBusyError,
    LedgerError,
    LedgerOutdatedError,
    LedgerUnusableError,
    flatten,
)

_ROOM = "make room on that disk, then start it again: nothing is lost"
_DISK = "look whether the disk is sound and can be written to, then start it again"
_RIGHT = "give syncd's user the right to it, then start it again"
_MORE = "let it open more files (LimitNOFILE= in its unit, or ulimit -n), then start it again"
_PLACE = "make that directory, or mend the path in the configuration"
_AS_SAID = "do what `why` says"
_REPORT = "report it, with this record; the next start goes on from there, and loses nothing"

_SYSTEM = {
    errno.ENOSPC: _ROOM,
    errno.EDQUOT: _ROOM,
    errno.EFBIG: _ROOM,
    errno.EIO: _DISK,
    errno.EROFS: _DISK,
    errno.EACCES: _RIGHT,
    errno.EPERM: _RIGHT,
    errno.EMFILE: _MORE,
    errno.ENFILE: _MORE,
    errno.ENOENT: _PLACE,
    errno.ENOTDIR: _PLACE,
}


class Ending(msgspec.Struct, frozen=True):
    """How a command ends; one that crashed has met a bug, and a person wants the traceback."""

    code: Exit
    why: str
    remedy: str

    @property
    def crashed(self) -> bool:
        return self.code is Exit.CRASHED


def ending_of(error: BaseException) -> Ending:
    """Return what an error means, also one of a group: expected if all in it are."""
    endings = [_ending_of_one(leaf) for leaf in flatten(error)]
    return next((ending for ending in endings if ending.crashed), endings[0])


def _ending_of_one(error: BaseException) -> Ending:
    match error:
        case LedgerUnusableError():
            return Ending(Exit.LEDGER_UNFIT, str(error), _AS_SAID)
        case LedgerBusyError() | LedgerOutdatedError():
            return Ending(Exit.LEDGER_BUSY, str(error), _AS_SAID)
        case LedgerError():
            return Ending(Exit.SYSTEM, str(error), _AS_SAID)
        case OSError(errno=int(number)) if number in _SYSTEM:
            of = "" if error.filename is None else f": {os.fsdecode(error.filename)}"
            return Ending(Exit.SYSTEM, f"{error.strerror}{of}", _SYSTEM[number])
        case _:
            said = str(error)
            name = type(error).__name__
            return Ending(Exit.CRASHED, f"{name}: {said}" if said else name, _REPORT)
