"""Requests for more time while a start progresses, or waits for a network that does not respond."""

import asyncio
import sqlite3
from contextlib import closing
from pathlib import Path

from support.notify_socket import service_manager
from support.rig import until

from syncd.daemon.notify import Notifier
from syncd.daemon.startup import MAX_SILENCE, StartProgress, start_timeout_extended
from syncd.ledger import schema

EXTEND = "EXTEND_TIMEOUT_USEC"


def test_a_start_without_progress_requests_no_time() -> None:
    progress = StartProgress()
    began = progress.progressed_at
    assert progress.needs_time(began + MAX_SILENCE - 1)
    assert not progress.needs_time(began + MAX_SILENCE + 1)
    progress.is_waiting_for_network = True
    assert progress.needs_time(began + 100 * MAX_SILENCE)


async def test_time_is_requested_repeatedly_until_the_start_has_ended(tmp_path: Path) -> None:
    with (
        service_manager(tmp_path / "notify") as manager,
        start_timeout_extended(Notifier(manager.address), interval=0.02) as progress,
    ):
        await until(lambda: manager.count(EXTEND) > 2)
        progress.progressed_at -= MAX_SILENCE + 1
        requests = manager.count(EXTEND)
        await asyncio.sleep(0.1)  # five intervals
        assert manager.count(EXTEND) == requests, "nothing progressed"
        progress.is_waiting_for_network = True
        await until(lambda: manager.count(EXTEND) > requests)
        progress.has_ended = True
        requests = manager.count(EXTEND)
        await asyncio.sleep(0.1)
        assert manager.count(EXTEND) == requests


def test_a_migration_reports_progress(tmp_path: Path) -> None:
    counting = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100000)"
    long = (schema.current_version() + 1, f"CREATE TABLE counted AS {counting} SELECT i FROM n;")
    every = [*schema.migrations(), long]
    reports: list[None] = []
    with closing(sqlite3.connect(tmp_path / "ledger.db", isolation_level=None)) as db:
        schema.migrate(db)
        schema.migrate(db, lambda: reports.append(None), every)
        assert len(reports) > 5
        reports.clear()
        assert db.execute(f"{counting} SELECT max(i) FROM n").fetchone() == (100000,)
        assert not reports, "a later query reports none"
