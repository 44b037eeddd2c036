"""The lock that lets one process at a time work on a ledger."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from syncd.ledger.errors import LedgerBusyError, LedgerDiskError


@contextmanager
def exclusive_lock(ledger: Path) -> Iterator[None]:
    """Hold the lock file next to the ledger, which contains the pid of its holder.

    The lock ends with the process. Raises LedgerBusyError when another process holds it,
    LedgerDiskError when the lock file cannot be created.
    """
    path = ledger.with_name(ledger.name + ".lock")
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        why = (error.strerror or str(error)).lower()
        raise LedgerDiskError(f"cannot write {path}: {why}; run `syncd check` for help") from None
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise LedgerBusyError(str(ledger), _pid(os.pread(descriptor, 32, 0))) from None
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
        yield
    finally:
        os.close(descriptor)


def _pid(text: bytes) -> int | None:
    return int(text) if text.strip().isdigit() else None
