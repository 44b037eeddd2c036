"""Whether something that [metrics] names can be used, as the log reports it."""

from __future__ import annotations

import errno
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


def remedy(error: OSError, setting: str, *, is_path: bool) -> str:
    """Return what to do when the path of a file or a socket, or an address, cannot be used."""
    other = f"write another {'path' if is_path else 'address'} for {setting} and reload syncd"
    first = _FIRST_PATH if is_path else _FIRST_ADDRESS
    todo = first.get(error.errno or 0, "remove the cause that `why` names")
    return f"{todo}, or {other}; syncd tries again by itself"


_WRITABLE = (
    "make the directory writable for syncd (in a unit, also with ReadWritePaths= in a drop-in)"
)
_IN_USE = "end the program that uses it"
_LIMIT = "raise the limit of open files (in a unit, LimitNOFILE=)"
_FIRST_PATH = {
    errno.ENOENT: "create its directory",
    errno.ENOTDIR: "create its directory in place of the file that is there",
    errno.EACCES: _WRITABLE,
    errno.EPERM: _WRITABLE,
    errno.EROFS: _WRITABLE,
    errno.ENOSPC: "make room on its disk",
    errno.EDQUOT: "make room on its disk",
    errno.EADDRINUSE: _IN_USE,
    errno.EEXIST: "remove what is at this path",
    errno.EISDIR: "remove the directory at this path",
    errno.EMFILE: _LIMIT,
    errno.ENFILE: _LIMIT,
}
_FIRST_ADDRESS = {
    errno.EADDRINUSE: _IN_USE,
    errno.EADDRNOTAVAIL: "give this machine the IP address",
    errno.EACCES: "write a port above 1023",
    errno.EAFNOSUPPORT: "enable the IP version of the address on this machine",
    errno.EMFILE: _LIMIT,
    errno.ENFILE: _LIMIT,
}
"""The first thing to do, by the error."""
