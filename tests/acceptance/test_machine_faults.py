"""Faults of the machine: each is logged with its reason, stops nothing else, and ends by itself.

PROOFS lists the tests of all faults, and `syncd help faults` describes them.
"""

import errno
import os
import re
import shutil
import subprocess
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest
from support.faulty_disk import EVERYTHING, SYNCS, WRITES, FaultyDisk, Op, faulty_disk
from support.mounts import own_mounts
from support.pictures import picture
from support.process import Daemon, running, syncd
from support.rig import Rig, until
from support.wall_clock import wall_clock

from syncd.logs.catalogue import CATALOGUE
from syncd.logs.sinks import stream_writer
from syncd.man.blocks import Term
from syncd.man.topics import topics
from syncd.sandbox.faults import Fault

PROOFS: dict[str, tuple[str, ...]] = {
    "daemon.failed": (
        "acceptance/test_machine_faults.py::a_faulty_disk_of_the_ledger_ends_the_process",
        "acceptance/test_machine_faults.py::a_process_that_has_reached_its_limit_of_open_files_ends",
        "acceptance/test_machine_faults.py::a_process_that_has_reached_its_limit_of_threads_ends",
        "acceptance/test_full_disk.py::a_ledger_on_a_full_disk_ends_the_process",
    ),
    "watchdog.stuck": (
        "acceptance/test_hanging.py::a_folder_that_hangs_at_the_start",
        "acceptance/test_hanging.py::a_folder_that_hangs_during_reads",
        "acceptance/test_systemd.py::a_stuck_ledger_is_logged_before",
    ),
    "folder.missing": ("acceptance/test_machine_faults.py::a_folder_on_a_faulty_disk",),
    "directory.unreadable": (
        "acceptance/test_machine_faults.py::a_folder_on_a_faulty_disk",
        "acceptance/test_unreadable.py::an_unreadable_path_is_logged_once",
    ),
    "file.unreadable": (
        "acceptance/test_machine_faults.py::a_folder_on_a_faulty_disk",
        "acceptance/test_machine_faults.py::an_image_that_cannot_be_read_when_it_is_sent",
        "acceptance/test_unreadable.py::an_unreadable_path_is_logged_once",
    ),
    "watch.limit": ("acceptance/test_alerts.py::an_error_stays_in_status_until_it_has_ended",),
    "watch.degraded": ("acceptance/test_alerts.py::an_error_stays_in_status_until_it_has_ended",),
    "status.unwritable": ("acceptance/test_machine_faults.py::status_file_and_token",),
    "metrics.unavailable": ("integration/monitoring/test_textfile.py::",),
    "log.dropped": (
        "acceptance/test_machine_faults.py::lines_of_a_log_on_a_full_disk",
        "acceptance/test_systemd.py::a_hanging_journal_delays_nothing",
    ),
    "account.stopped": (
        "acceptance/test_machine_faults.py::status_file_and_token",
        "acceptance/test_unreadable_tokens.py::a_token_that_becomes_unreadable",
    ),
    "image.retrying": (
        "acceptance/test_network_faults.py::an_image_waits_while_the_network_fails",
        "acceptance/test_network_faults.py::a_stop_does_not_wait_for_a_name_server",
        "integration/graph/test_client_failures.py::",
    ),
    "account.failing": ("integration/engine/test_call_errors.py::",),
    "notify.failing": ("integration/daemon/test_notifications.py::a_receiver_that_fails",),
    "ping.failing": ("integration/daemon/test_notifications.py::a_ping_that_fails",),
}
"""The tests of each event that a fault begins with, by the beginning of their names."""


def test_the_manual_describes_each_fault_that_a_test_causes_and_its_end() -> None:
    described = " ".join(
        f"{block.term} {block.text}"
        for block in topics()["faults"].blocks
        if isinstance(block, Term)
    )
    named = set(re.findall(r"`([a-z]+\.[a-z_]+)`", described))
    events = {event.name: event for event in CATALOGUE}
    ends = {end for name in PROOFS for end in events[name].ended_by}
    assert PROOFS.keys() <= named <= PROOFS.keys() | ends
    assert all(named & set(events[name].ended_by) for name in PROOFS if events[name].ended_by)
    for proof in (proof for proofs in PROOFS.values() for proof in proofs):
        file, _, name = proof.partition("::")
        assert f"def test_{name}" in (TESTS / file).read_text(), proof


TESTS = Path(__file__).parents[1]


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[FaultyDisk]:
    path = tmp_path / "disk"
    path.mkdir()
    with faulty_disk(path) as disk:
        yield disk


@dataclass(frozen=True)
class DiskFault:
    """A fault of the disk of a folder: how it begins, and the log lines of its begin and end."""

    error: int
    operations: frozenset[Op]
    begins: tuple[str, ...]
    ends: str


READ = frozenset({Op.READ})
LIST = frozenset({Op.READDIR})

FOLDER_FAULTS = (
    DiskFault(errno.EIO, READ, ("error event=file.unreadable", "input/output"), "file.readable"),
    DiskFault(
        errno.EIO, LIST, ("error event=directory.unreadable", "input/output"), "directory.readable"
    ),
    DiskFault(
        errno.ESTALE,
        LIST,
        ("error event=directory.unreadable", "stale file handle"),
        "directory.readable",
    ),
    DiskFault(
        errno.ENOTCONN,
        EVERYTHING,
        ("warning event=folder.missing", "transport endpoint is not connected"),
        "folder.back",
    ),
)


async def test_a_folder_on_a_faulty_disk_loses_nothing_and_delays_no_other(
    rig: Rig, disk: FaultyDisk
) -> None:
    rig.watch = 'rescan = "1s"'
    rig.per_folder = 'deletions = "propagate"'
    rig.toml = (
        f'[folders.share]\npath = "{disk.path}"\naccount = "main"\ndeletions = "propagate"\n'
        '[deletions]\ngrace = "0s"\n'
    )
    (disk.path / "old.jpg").write_bytes(picture(0))
    async with running(rig) as daemon:
        await until(lambda: daemon.logged("image.held", "old.jpg"))
        for number, fault in enumerate(FOLDER_FAULTS, 1):
            disk.fail(fault.error, fault.operations)
            if fault.operations == READ:
                (disk.path / f"{number}.jpg").write_bytes(picture(number))
            await wait_for_line(daemon, *fault.begins)
            rig.write(f"{number}.jpg", picture(100 + number))
            await held(daemon, rig.folder / f"{number}.jpg")
            disk.recover()
            await wait_for_line(daemon, f"event={fault.ends} ")
            (disk.path / f"{number}.jpg").write_bytes(picture(number))
            await held(daemon, disk.path / f"{number}.jpg")
            daemon.lines.clear()
        assert not daemon.logged("image.deleted")
        assert await daemon.end() == 0
    assert rig.holds(picture(0))


async def test_an_image_that_cannot_be_read_when_it_is_sent_is_logged_until_it_can(
    rig: Rig, disk: FaultyDisk
) -> None:
    rig.watch = 'rescan = "1s"'
    rig.toml = f'[folders.share]\npath = "{disk.path}"\naccount = "main"\n'
    rig.sandbox.faults.add(Fault("html503", on="upload"))
    (disk.path / "a.jpg").write_bytes(picture(1))
    async with running(rig) as daemon:
        await wait_for_line(daemon, "event=image.retrying", "HTTP 503")
        disk.fail(errno.EIO, READ)
        rig.sandbox.faults.clear()
        await wait_for_line(daemon, "event=image.retrying", "the file cannot be read")
        await wait_for_line(daemon, "error event=file.unreadable", "input/output error")
        disk.recover()
        await wait_for_line(daemon, "event=file.readable")
        await held(daemon, disk.path / "a.jpg")
        assert await daemon.end() == 0


YEAR = 365 * 86400  # seconds


async def test_images_are_held_while_the_clock_is_wrong_and_after_it_is_set(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = wall_clock(rig.path, monkeypatch)
    clock.set_ahead(-int(time.time()))
    async with running(rig) as daemon:
        await until(lambda: daemon.logged("timestamp=1970-01-01T00:", "event=watch.ready"))
        await held(daemon, rig.write("in-1970.jpg", picture(0)))
        clock.set_ahead(0)
        await held(daemon, rig.write("now.jpg", picture(1)))
        clock.set_ahead(-YEAR)
        await held(daemon, rig.write("a-year-ago.jpg", picture(2)))
        assert await daemon.end() == 0
    clock.set_ahead(YEAR)
    async with running(rig) as daemon:
        await held(daemon, rig.write("in-a-year.jpg", picture(3)))
        assert await daemon.end() == 0
    assert rig.sandbox.counts.repeated_uploads("1") == 0


async def wait_for_line(daemon: Daemon, *words: str) -> None:
    await until(lambda: daemon.logged(*words))


async def held(daemon: Daemon, file: Path) -> None:
    await wait_for_line(daemon, "event=image.held", str(file))


@dataclass(frozen=True)
class LedgerFault:
    """A fault of the ledger's disk, and the words of the log line with which the process ends."""

    error: int
    operations: frozenset[Op]
    why: str


LEDGER_FAULTS = (
    LedgerFault(errno.EDQUOT, frozenset({Op.WRITE}), "the disk or a quota is full; make room"),
    LedgerFault(errno.EROFS, WRITES, "its file system is mounted read-only"),
    LedgerFault(errno.EIO, SYNCS, "the disk reports an input/output error"),
    LedgerFault(errno.EIO, READ, "the disk reports an input/output error"),
    LedgerFault(errno.ESTALE, EVERYTHING, "stale file handle"),
)


async def test_a_faulty_disk_of_the_ledger_ends_the_process_and_a_start_continues(
    rig: Rig, disk: FaultyDisk
) -> None:
    config = on_disk(rig, disk)
    for number, fault in enumerate(LEDGER_FAULTS):
        async with running(rig, "run", "--config", config) as daemon:
            rig.write(f"{number}.jpg", picture(number))
            await held(daemon, rig.folder / f"{number}.jpg")
            disk.fail(fault.error, fault.operations)
            rig.write("last.jpg", picture(1000 + number))
            assert await daemon.process.wait() == 74
            failed = ("level=error event=daemon.failed", "ledger.db", fault.why, "remedy=")
            assert daemon.logged(*failed), daemon.lines
            disk.recover()
    async with running(rig, "run", "--config", config) as daemon:
        await held(daemon, rig.folder / "last.jpg")
        assert await daemon.end() == 0


def on_disk(rig: Rig, disk: FaultyDisk) -> str:
    """Return the path of a configuration whose ledger is on a disk of its own."""
    file = rig.write_config()
    file.write_text(file.read_text().replace(str(rig.ledger), f"{disk.path}/ledger.db"))
    return str(file)


async def test_status_file_and_token_on_a_faulty_disk_delay_images_and_lose_none(
    rig: Rig, disk: FaultyDisk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RUNTIME_DIRECTORY", str(disk.path))
    token = disk.path / "token"
    token.write_text(rig.sandbox.token)
    file = rig.write_config()
    named = file.read_text().replace('env = "SYNCD_TEST_TOKEN"', f'file = "{token}"')
    file.write_text(named)
    async with running(rig, "run", "--config", str(file)) as daemon:
        await until((disk.path / "status.json").exists)
        disk.fail(errno.EIO)
        await until(lambda: daemon.logged("event=status.unwritable", "input/output error"))
        await until(lambda: daemon.logged("event=account.stopped", "Input/output error"))
        rig.write("a.jpg", picture(1))
        await until(lambda: rig.rows("SELECT count(*) FROM image") == [(1,)])
        disk.recover()
        await until(lambda: daemon.logged("event=status.writable"))
        await until(lambda: daemon.logged("event=token.changed"))
        await held(daemon, rig.folder / "a.jpg")
        assert await daemon.end() == 0


async def test_commands_name_the_file_that_a_full_disk_does_not_take_and_leave_no_part(
    rig: Rig, disk: FaultyDisk
) -> None:
    rig.write("a.jpg", picture(1))
    await rig.backfill()
    token = disk.path / "token"
    token.write_text("EAAB" + "x" * 40)
    token.chmod(0o600)
    file = rig.write_config()
    config, with_token = str(file), rig.path / "token.toml"
    with_token.write_text(file.read_text().replace('env = "SYNCD_TEST_TOKEN"', f'file = "{token}"'))
    commands: tuple[tuple[str, ...], ...] = (
        ("report", f"{disk.path}/report.html", "--config", config),
        ("ledger", "backup", f"{disk.path}/backup.db", "--config", config),
        ("token", "set", "--config", str(with_token)),
    )
    disk.fail(errno.EDQUOT, frozenset({Op.WRITE}))
    for words in commands:
        ended = await syncd(rig, *words, stdin=rig.sandbox.token.encode())
        assert (ended.code, ended.err.count("\n")) == (74, 1), ended.err
        assert f"{disk.path}/" in ended.err
        assert "isk quota exceeded" in ended.err
    assert [one.name for one in disk.path.iterdir()] == ["token"]
    assert token.read_text() == "EAAB" + "x" * 40


async def test_a_process_that_has_reached_its_limit_of_open_files_ends_and_names_the_limit(
    rig: Rig,
) -> None:
    rig.watch = 'rescan = "1s"'
    async with running(rig) as daemon:
        await until(lambda: daemon.logged("event=scan.done"))
        allow_no_more_files(daemon)
        rig.write("a.jpg", picture(1))
        assert await daemon.process.wait() == 74
    assert daemon.logged("level=error event=daemon.failed", "LimitNOFILE=")
    async with running(rig) as daemon:
        await held(daemon, rig.folder / "a.jpg")
        assert await daemon.end() == 0


def allow_no_more_files(daemon: Daemon) -> None:
    process = str(daemon.process.pid)
    used = 1 + max(int(one.name) for one in Path("/proc", process, "fd").iterdir())
    run(("prlimit", f"--nofile={used}:", "--pid", process))


def run(words: Sequence[str]) -> None:
    if shutil.which("prlimit") is None:
        pytest.skip("NOT TESTED: prlimit(1), which limits resources, is not installed")
    subprocess.run(words, check=True)


async def test_a_process_that_has_reached_its_limit_of_threads_ends_and_names_the_limit(
    rig: Rig,
) -> None:
    as_another_user = as_a_limited_user()
    rig.watch = 'rescan = "1s"'
    async with running(rig, under=as_another_user) as daemon:
        await until(lambda: daemon.logged("event=scan.done"))
        process = str(daemon.process.pid)
        run((*as_another_user, "prlimit", "--nproc=1:", "--pid", process))
        rig.write("a.jpg", picture(1))
        assert await daemon.process.wait() == 74
    assert daemon.logged("level=error event=daemon.failed", "TasksMax=")


def as_a_limited_user() -> tuple[str, ...]:
    """Return the prefix of a user to whom limits of processes apply, and permissions do not."""
    if os.geteuid() != 0 or shutil.which("setpriv") is None or shutil.which("prlimit") is None:
        pytest.skip("NOT TESTED: a limit of threads needs root, setpriv(1) and prlimit(1)")
    keep = ("--inh-caps=+dac_override", "--ambient-caps=+dac_override")
    return ("setpriv", "--reuid=65533", "--clear-groups", *keep)


async def test_lines_of_a_log_on_a_full_disk_stay_whole_once_there_is_room(tmp_path: Path) -> None:
    place = tmp_path / "place"
    place.mkdir()
    with own_mounts(place) as mounts:
        mounts.mount("-t", "tmpfs", "-o", "size=4k", "tmpfs", place)
        with (mounts.inside(place) / "log").open("w") as log:
            write = stream_writer(log)
            with pytest.raises(OSError, match="No space left"):
                write([b"a" * 3000 + b"\n", b"b" * 3000 + b"\n"])
            mounts.mount("-o", "remount,size=1m", place)
            write([b"c\n"])
            write([b"d\n"])
        lines = (mounts.inside(place) / "log").read_text().splitlines()
    assert [line[0] for line in lines] == ["a", "b", "c", "d"]
