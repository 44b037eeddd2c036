"""Requests for more time while a start progresses, or waits for a network that does not respond."""

import asyncio
from pathlib import Path

from support.notify_socket import service_manager
from support.pictures import picture
from support.rig import Rig, until

from syncd.daemon.folders import declare
from syncd.daemon.notify import Notifier
from syncd.daemon.startup import MAX_SILENCE, StartProgress, start_timeout_extended
from syncd.ledger.database import open_ledger, owned

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


async def test_a_change_of_routes_reports_progress(rig: Rig) -> None:
    rig.write("a.png", picture(1, "PNG"))
    await rig.backfill()
    rig.accounts = {"main": "1", "eu": "2"}
    rig.mirrors = ("eu",)
    reports: list[None] = []
    with owned(rig.ledger) as lock:
        async with open_ledger(rig.ledger, lock) as ledger:
            await declare(rig.config(), ledger, lambda: reports.append(None), files_per_step=1)
    assert len(reports) == 1
