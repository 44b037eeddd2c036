"""What ends the daemon, said in its log: a service manager's journal knows lines of stderr not."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import structlog

from syncd.ledger.errors import LedgerError
from syncd.log import Log
from syncd.rules import remedies

log: Log = structlog.get_logger()


@contextmanager
def failures_told() -> Iterator[None]:
    """Log a LedgerError that leaves the block, and raise it again."""
    try:
        yield
    except LedgerError as error:
        log.error("ledger.failed", why=str(error), remedy=remedies.LEDGER)  # noqa: TRY400  a sentence
        raise
