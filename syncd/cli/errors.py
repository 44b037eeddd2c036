"""Errors that end a command: their exit codes, reasons and remedies."""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import IntEnum
from traceback import format_exception
from typing import NoReturn

import msgspec

from syncd.cli import INTERRUPTED
from syncd.cli.console import print_error
from syncd.cli.streams import flush_output
from syncd.ledger.errors import (
    LedgerBusyError,
    LedgerError,
    LedgerUnusableError,
    OtherShardError,
    flatten,
)
from syncd.log import unexpected


class Exit(IntEnum):
    """The exit codes, with the numbers of sysexits.h where it has a matching one."""

    DONE = 0
    NOT_ALL = 1
    """Something is still missing, could not be done, or was not found."""
    USAGE = 2
    """Wrong usage, as typer reports it: an option or a name that does not exist."""
    REJECTED = 3
    """A backfill sent everything that could be sent; some files were rejected."""
    PARTLY = 3
    """`syncd images`: some images were processed, and others not."""
    NOT_RUNNING = 3
    """`syncd status --check`: the daemon is not running."""
    LEDGER_UNFIT = 65  # EX_DATAERR
    UNAVAILABLE = 69  # EX_UNAVAILABLE
    """A backfill gave up an account: it is stopped, or its calls fail."""
    CRASHED = 70  # EX_SOFTWARE
    SYSTEM = 74  # EX_IOERR
    """The system reported an error: the disk is full, a permission is missing."""
    LEDGER_BUSY = 75  # EX_TEMPFAIL
    CONFIGURATION = 78  # EX_CONFIG
    INTERRUPTED = INTERRUPTED
    """A signal ended the command before it had finished."""


_FREE_SPACE = "free space on that disk, then start it again: nothing is lost"
_DISK = "check that the disk is sound and writable, then start it again"
_PERMISSION = "give syncd's user the permission, then start it again"
_OPEN_FILES = "allow it more open files (LimitNOFILE= in its unit, or ulimit -n), then start again"
_PATH = "create that directory, or correct the path in the configuration"
_MEMORY = "give it more memory (MemoryMax= in its unit), or free some, then start it again"
_PROCESSES = (
    "allow it more processes and threads (TasksMax= in its unit, or ulimit -u), then start again"
)
_FOLLOW_REASON = "do what `why` says"
_REPORT = "report it with this record; the next start continues from here, and nothing is lost"

_OF_A_FILE_SERVER = (
    *(errno.ESTALE, errno.ENOTCONN, errno.ETIMEDOUT, errno.EHOSTDOWN, errno.EHOSTUNREACH),
    *(errno.EREMOTEIO, errno.ENODEV, errno.ENXIO, errno.EUCLEAN, errno.EBADMSG),
)
"""Errors of disks that are gone or damaged, and of file servers that do not respond."""

_SYSTEM = {
    errno.ENOSPC: _FREE_SPACE,
    errno.EDQUOT: _FREE_SPACE,
    errno.EFBIG: _FREE_SPACE,
    errno.EIO: _DISK,
    errno.EROFS: _DISK,
    errno.EACCES: _PERMISSION,
    errno.EPERM: _PERMISSION,
    errno.EMFILE: _OPEN_FILES,
    errno.ENFILE: _OPEN_FILES,
    errno.ENOENT: _PATH,
    errno.ENOTDIR: _PATH,
    errno.ELOOP: _PATH,
    errno.ENAMETOOLONG: _PATH,
    errno.ENOMEM: _MEMORY,
    errno.EAGAIN: _PROCESSES,
    **dict.fromkeys(_OF_A_FILE_SERVER, _DISK),
}


class Ending(msgspec.Struct, frozen=True):
    """The end of a command; if it crashed, the cause is a bug and the traceback is shown."""

    code: Exit
    why: str
    remedy: str

    @property
    def crashed(self) -> bool:
        return self.code is Exit.CRASHED


def ending_of(error: BaseException) -> Ending:
    """Return how an error ends a command; a group with one unexpected error is a crash."""
    endings = [_ending_of_one(leaf) for leaf in flatten(error)]
    return next((ending for ending in endings if ending.crashed), endings[0])


def _ending_of_one(error: BaseException) -> Ending:
    match error:
        case LedgerUnusableError():
            return Ending(Exit.LEDGER_UNFIT, str(error), _FOLLOW_REASON)
        case LedgerBusyError():
            return Ending(Exit.LEDGER_BUSY, str(error), _FOLLOW_REASON)
        case OtherShardError():
            return Ending(Exit.CONFIGURATION, str(error), _FOLLOW_REASON)
        case LedgerError():
            return Ending(Exit.SYSTEM, str(error), _FOLLOW_REASON)
        case OSError(errno=int(number)) if number in _SYSTEM:
            file = "" if error.filename is None else f": {os.fsdecode(error.filename)}"
            return Ending(Exit.SYSTEM, f"{error.strerror}{file}", _SYSTEM[number])
        case MemoryError():
            return Ending(Exit.SYSTEM, "the system has no memory left for syncd", _MEMORY)
        case RuntimeError(args=("can't start new thread",)):
            return Ending(Exit.SYSTEM, "the system does not start another thread", _PROCESSES)
        case _:
            return Ending(Exit.CRASHED, unexpected(error), _REPORT)


def run_to_end(command: Callable[[], None]) -> None:
    """Run a command; print the error that ends it, and end the process with its exit code."""
    try:
        try:
            command()
        finally:
            flush_output()
    except BrokenPipeError:  # the reader of the output has ended
        sys.exit(Exit.NOT_ALL)
    except Exception as error:  # noqa: BLE001 - the last handler: ending_of classifies all errors
        ending = ending_of(error)
        message = f"syncd: {ending.why}"
        if ending.remedy is _PERMISSION:
            message += ": run it as root, or as the user that runs syncd"
        if ending.crashed:
            message += f"\nsyncd: {ending.remedy}\n{''.join(format_exception(error))}".rstrip()
        print_error(message, "critical" if ending.crashed else "error")
        sys.exit(ending.code)


def fail(message: str, code: Exit = Exit.NOT_ALL) -> NoReturn:
    """Print a message to stderr and end the command."""
    print_error(f"syncd: {message}")
    sys.exit(code)


@contextmanager
def ledger_required() -> Iterator[None]:
    """End the command with a message if the ledger does not exist yet."""
    try:
        yield
    except FileNotFoundError as error:
        if error.strerror is not None:  # another file: an error of the system
            raise
        fail(str(error))
