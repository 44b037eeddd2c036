"""A folder on a disk that hangs: it is reported, and blocks neither other folders nor the exit."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.faulty_disk import ATTRIBUTES, EVERYTHING, FaultyDisk, Op, faulty_disk
from support.notify_socket import Manager, service_manager
from support.pictures import picture
from support.process import running
from support.rig import Rig, until

from syncd.ledger.alerts import all_alerts
from syncd.ledger.file import reading
from syncd.sandbox.faults import Fault

EXIT_DEADLINE = 10.0  # seconds, with nothing in flight; the unit allows 60


@pytest.fixture
def share(tmp_path: Path) -> Iterator[FaultyDisk]:
    path = tmp_path / "share"
    path.mkdir()
    with faulty_disk(path) as share:
        yield share


@pytest.fixture
def rig(rig: Rig, share: FaultyDisk) -> Rig:
    rig.toml = f'[folders.share]\npath = "{share.path}"\naccount = "main"'
    rig.workers = 1
    return rig


@pytest.fixture
def manager(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Manager]:
    with service_manager(tmp_path / "notify") as manager:
        monkeypatch.setenv("NOTIFY_SOCKET", manager.address)
        monkeypatch.setenv("WATCHDOG_USEC", "2000000")
        monkeypatch.delenv("WATCHDOG_PID", raising=False)
        yield manager


def alerts(rig: Rig) -> set[tuple[str, str]]:
    """Return event and subject of each alert that `syncd status` shows."""
    with reading(rig.ledger) as db:
        return {(alert.event, alert.subject) for alert in all_alerts({}, time.time())(db)}


async def test_a_folder_that_hangs_at_the_start_is_reported_and_blocks_no_other(
    rig: Rig, share: FaultyDisk, manager: Manager
) -> None:
    (share.path / "a.jpg").write_bytes(picture(1))
    share.hang()
    rig.write("b.jpg", picture(2))
    async with running(rig) as daemon:
        await until(lambda: daemon.logged("error", "watchdog.stuck", "watcher of share", "remedy"))
        await until(lambda: rig.recorded(picture(2)) is not None)
        await until(lambda: manager.count("READY=1") == 1)
        pings = manager.count("WATCHDOG=1")
        await until(lambda: manager.count("WATCHDOG=1") > pings + 3)
        assert daemon.count("watchdog.stuck") == 1
        assert not daemon.logged("about to be restarted")
        await until(lambda: alerts(rig) == {("watchdog.stuck", "folders.share")})
        share.recover()
        await until(lambda: daemon.logged("watchdog.recovered", "watcher of share", "duration"))
        await until(lambda: alerts(rig) == set())
        await until(lambda: rig.recorded(picture(1)) is not None)
        assert await daemon.end() == 0


async def test_a_link_to_a_disk_that_hangs_blocks_no_local_folder(
    rig: Rig, share: FaultyDisk, manager: Manager
) -> None:
    link = rig.path / "link"
    link.symlink_to(share.path)
    rig.toml = f'[folders.share]\npath = "{link}"\naccount = "main"'
    (share.path / "a.jpg").write_bytes(picture(1))
    share.hang()
    async with running(rig) as daemon:
        await until(lambda: daemon.logged("watch.ready", "folder=spring"))
        rig.write("b.jpg", picture(2))
        await until(lambda: rig.recorded(picture(2)) is not None)
        assert not daemon.logged("watch.ready", "folder=share")
        share.recover()
        await until(lambda: daemon.logged("watch.ready", "folder=share"))
        await until(lambda: rig.recorded(picture(1)) is not None)
        assert await daemon.end() == 0


async def test_a_watch_that_hangs_while_it_is_built_does_not_block_the_process(
    rig: Rig, share: FaultyDisk, manager: Manager
) -> None:
    share.hang(EVERYTHING - ATTRIBUTES)  # building the watch would hang and hold the GIL
    async with running(rig) as daemon:
        await until(lambda: daemon.logged("error", "watchdog.stuck", "watcher of share"))
        rig.write("b.jpg", picture(2))
        await until(lambda: rig.recorded(picture(2)) is not None)
        share.recover()
        await until(lambda: daemon.logged("watch.ready", "folder=share"))
        assert await daemon.end() == 0


async def test_a_stop_does_not_wait_for_a_hanging_folder(
    rig: Rig, share: FaultyDisk, manager: Manager
) -> None:
    (share.path / "a.jpg").write_bytes(picture(1))
    async with running(rig) as daemon:
        await until(lambda: rig.recorded(picture(1)) is not None)
        share.hang()
        await until(lambda: share.waiting > 0)
        began = time.monotonic()
        assert await daemon.end() == 0
        assert time.monotonic() - began < EXIT_DEADLINE
    assert daemon.logged("daemon.stopped")


async def test_a_folder_that_hangs_during_reads_blocks_only_its_own_readers(
    rig: Rig, share: FaultyDisk, manager: Manager
) -> None:
    for i in range(200):  # a batch for every reader
        (share.path / f"{i}.jpg").write_bytes(picture(i))
    share.hang(frozenset({Op.READ}))
    async with running(rig) as daemon:
        await until(lambda: share.waiting > 0)
        await until(lambda: daemon.logged("watchdog.stuck", "reader of share"))
        rig.write("b.jpg", picture(1000))
        await until(lambda: rig.recorded(picture(1000)) is not None)
        assert not daemon.logged("watchdog.stuck", "of spring")
        share.recover()
        await until(lambda: daemon.logged("watchdog.recovered", "reader of share"))
        await until(lambda: all(rig.recorded(picture(i)) is not None for i in range(200)))
        assert await daemon.end() == 0


async def test_images_that_cannot_be_read_block_no_worker(
    rig: Rig, share: FaultyDisk, manager: Manager
) -> None:
    (share.path / "a.jpg").write_bytes(picture(1))
    rig.sandbox.faults.add(Fault("html503", on="upload"))
    async with running(rig) as daemon:
        await until(lambda: rig.rows("SELECT count(*) FROM file") == [(1,)])
        assert await daemon.end() == 0
    rig.sandbox.faults.clear()
    share.hang(frozenset({Op.READ}))
    async with running(rig) as daemon:
        await until(lambda: share.waiting > 0)
        rig.write("b.jpg", picture(2))
        await until(lambda: rig.recorded(picture(2)) is not None)
        assert rig.recorded(picture(1)) is None
        assert daemon.logged("image.retrying", "the disk of its folder does not respond")
        share.recover()
        await until(lambda: rig.recorded(picture(1)) is not None)
        assert await daemon.end() == 0


async def test_a_hanging_folder_that_had_worked_long_enough_causes_a_restart(
    rig: Rig, share: FaultyDisk, manager: Manager, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WATCHDOG_USEC", "400000")
    async with running(rig) as daemon:
        await until(
            lambda: manager.count("WATCHDOG=1") > 30
        )  # six seconds, which counts as long enough here
        share.hang()
        await until(
            lambda: daemon.logged("watchdog.stuck", "watcher of share", "about to be restarted")
        )
        pings, at = manager.count("WATCHDOG=1"), time.monotonic()
        await until(lambda: time.monotonic() > at + 1.0)  # five times the interval of the pings
        assert manager.count("WATCHDOG=1") == pings
        share.recover()
        await until(lambda: manager.count("WATCHDOG=1") > pings)
        assert await daemon.end() == 0
