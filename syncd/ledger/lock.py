"""One process at a time for each ledger."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from syncd.ledger.errors import LedgerBusy, LedgerFails


@contextmanager
def sole_use(ledger: Path) -> Iterator[None]:
    """Hold the lock file beside the ledger; it carries the holder's pid and ends with the process.

    Raises LedgerBusy when another process holds it, LedgerFails when nothing can be made there.
    """
    path = ledger.with_name(ledger.name + ".lock")
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        why = (error.strerror or str(error)).lower()
        raise LedgerFails(f"cannot write {path}: {why}; `syncd check` says what to do") from None
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise LedgerBusy(str(ledger), _pid(os.pread(descriptor, 32, 0))) from None
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
        yield
    finally:
        os.close(descriptor)


def _pid(text: bytes) -> int | None:
    return int(text) if text.strip().isdigit() else None
