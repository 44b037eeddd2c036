"""The migration of an older ledger at a start, and its log."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import structlog

from syncd.ledger import schema
from syncd.ledger.migration import Migrated, migrate
from syncd.log import Log
from syncd.threads import run_in_thread

INTERVAL = 10.0
"""Seconds between two records of the progress."""

log: Log = structlog.get_logger()


async def migrate_and_log(path: Path, progress: Callable[[], None]) -> None:
    """Migrate a ledger whose lock the caller holds, if it is older than this syncd.

    `progress` is called from a thread, whenever the migration progresses.
    """
    done = await run_in_thread(partial(_migrate, path, progress))
    if done is not None:
        log.notice(
            "ledger.migrated",
            backup=str(done.backup),
            before=done.before,
            ledger=str(path),
            seconds=round(done.seconds, 1),
            version=schema.VERSION,
        )


def _migrate(path: Path, progress: Callable[[], None]) -> Migrated | None:
    logged_at: float | None = None

    def report(before: int, step: str, done: float) -> None:
        nonlocal logged_at
        progress()
        now = time.monotonic()
        if logged_at is not None and now - logged_at < INTERVAL:
            return
        logged_at = now
        log.notice(
            "ledger.migrating",
            before=before,
            done=round(done, 2),
            ledger=str(path),
            step=step,
            version=schema.VERSION,
        )

    return migrate(path, report)
