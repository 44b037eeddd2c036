"""The status file: how a running daemon shows other processes that it works, and on what.

It has the whole report of `syncd status`, too: counting it takes long in a large ledger, and some
users of the machine can read the file, but not the ledger.

It is `status.json` in the runtime directory that systemd gives the service (RuntimeDirectory=), or
LEDGER.status.json next to the ledger. Each version replaces the last one as a whole. Its age counts
by CLOCK_BOOTTIME, so that a clock that is set does not make a daemon look dead.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from enum import Enum
from pathlib import Path

import msgspec

INTERVAL = 5.0
"""Seconds between two versions of the file."""

MISSED = 3
"""Intervals without a new version after which a process no longer reports."""

NO_REPORT = msgspec.Raw(b"null")
"""In place of a report that has not been made yet."""

_NAME = "status.json"
_RUN = Path("/run/syncd")
_MAX_SIZE = 16 * 2**20  # bytes: root reads a file that another user has written
_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


class AccountActivity(msgspec.Struct, frozen=True, kw_only=True):
    """The work of a process for one account; times in unix seconds."""

    missing: int  # images
    in_flight: int  # images
    images_per_second: float  # over the last minute
    in_step_in: str | None  # in words, as in the log; None while the account takes no calls
    retry_at: float | None  # when a failing account is called again
    why: str | None  # why its last call failed; None if it takes calls
    token_expires_at: float | None = None  # None: it does not expire, or that is not known
    budget_used: float | None = None  # percent, as in the log; None: an earlier syncd wrote this
    seconds_to_send: float | None = None  # for the missing images, once the account takes calls
    is_at_most: bool = False  # seconds_to_send assumes the smallest budget: the tier is not known


class DaemonStatus(msgspec.Struct, frozen=True, kw_only=True):
    """A process that works on a ledger; times in unix seconds."""

    command: str  # run or backfill
    version: str
    ledger: str
    pid: int
    boot_id: str | None
    started_at: float
    last_activity_at: float | None  # an image was sent or a file was read; None: not yet
    written_at: float
    written_since_boot: float  # seconds
    interval: float  # seconds until the next version
    stopped: bool  # the process has ended, and said so
    accounts: dict[str, AccountActivity]
    counted_at: float | None = None  # when `report` was last as the ledger is; None: not yet
    count_took: float = 0.0  # seconds, of the report
    report: msgspec.Raw = NO_REPORT  # a Report: decoded by those who show it

    @property
    def is_fresh(self) -> bool:
        """Whether the process still reports: it has not ended, and missed no version since."""
        booted = boot_id()
        is_this_boot = booted is None or self.boot_id is None or booted == self.boot_id
        age = since_boot() - self.written_since_boot
        return not self.stopped and is_this_boot and 0 <= age <= MISSED * self.interval


class Liveness(Enum):
    """Whether a process works on a ledger."""

    RUNNING = "running"
    SILENT = "silent"
    """A process has the ledger, and does not report: it hangs, or is a command without a report."""
    STOPPED = "stopped"
    UNKNOWN = "unknown"
    """The caller may read neither the lock nor a status file."""


def liveness(status: DaemonStatus | None, *, locked: bool | None) -> Liveness:
    """Return whether a process works on a ledger, from its status and the ledger's lock.

    `locked` is None where the lock cannot be read.
    """
    if status is not None and status.is_fresh and locked is not False:
        return Liveness.RUNNING
    if status is None and locked is None:
        return Liveness.UNKNOWN
    return Liveness.SILENT if locked else Liveness.STOPPED


def since_boot() -> float:
    """Return the seconds since the machine was started, also those that it slept."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


def boot_id() -> str | None:
    """Return the id of this boot; None where /proc/sys is hidden."""
    try:
        return _BOOT_ID.read_text("ascii").strip()
    except OSError:
        return None


class StatusFile:
    """The file of one process."""

    def __init__(self, environ: Mapping[str, str], ledger: Path) -> None:
        directory = _runtime_directory(environ)
        self.path = _beside(ledger) if directory is None else directory / _NAME
        # The runtime directory is for the service's group (RuntimeDirectoryMode=).
        self._mode = 0o600 if directory is None else 0o640

    def write(self, status: DaemonStatus) -> None:
        """Replace the file; raise OSError."""
        new = self.path.with_name(self.path.name + ".new")
        new.unlink(missing_ok=True)
        descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        with open(descriptor, "wb") as file:
            os.fchmod(descriptor, self._mode)  # whatever the umask is
            file.write(msgspec.json.encode(status))
        new.replace(self.path)


def find(environ: Mapping[str, str], ledger: Path) -> DaemonStatus | None:
    """Return the newest status of a process on this ledger that the caller may read."""
    wanted = os.path.realpath(ledger)
    found = [status for path in _places(environ, ledger) if (status := _read(path)) is not None]
    of_ledger = [status for status in found if os.path.realpath(status.ledger) == wanted]
    return max(of_ledger, key=lambda status: status.written_at, default=None)


def _places(environ: Mapping[str, str], ledger: Path) -> Iterator[Path]:
    if (directory := _runtime_directory(environ)) is not None:
        yield directory / _NAME
    yield _RUN / _NAME
    with suppress(OSError):
        yield from sorted(_RUN.glob(f"*/{_NAME}"))
    yield _beside(ledger)


def _runtime_directory(environ: Mapping[str, str]) -> Path | None:
    first = environ.get("RUNTIME_DIRECTORY", "").partition(":")[0]
    return Path(first) if first else None


def _beside(ledger: Path) -> Path:
    real = Path(os.path.realpath(ledger))  # a link and its target are one ledger
    return real.with_name(real.name + ".status.json")


def _read(path: Path) -> DaemonStatus | None:
    try:
        flags = os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK
        with open(os.open(path, flags), "rb") as file:
            return msgspec.json.decode(file.read(_MAX_SIZE), type=DaemonStatus)
    except (OSError, msgspec.MsgspecError):  # missing, not readable, or not such a file
        return None
