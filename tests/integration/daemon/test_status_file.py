"""The status file on disk: where it is, who may read it, and which one belongs to a ledger."""

import os
import stat
from pathlib import Path

import msgspec
import pytest

from syncd.daemon.status_file import DaemonStatus, StatusFile, find


def status(ledger: Path, pid: int = 7, written_at: float = 100.0) -> DaemonStatus:
    return DaemonStatus(
        command="run",
        version="0.1.0",
        ledger=str(ledger),
        pid=pid,
        boot_id=None,
        started_at=50.0,
        last_activity_at=None,
        written_at=written_at,
        written_since_boot=12.0,
        interval=5.0,
        stopped=False,
        accounts={},
    )


@pytest.fixture
def ledger(tmp_path: Path) -> Path:
    path = tmp_path / "ledger.db"
    path.touch()
    return path


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.mark.parametrize("umask", [0o000, 0o077])
def test_the_file_next_to_the_ledger_is_for_its_owner_alone(ledger: Path, umask: int) -> None:
    file = StatusFile({}, ledger)
    before = os.umask(umask)
    try:
        file.write(status(ledger))
    finally:
        os.umask(before)
    assert file.path == ledger.with_name("ledger.db.status.json")
    assert mode(file.path) == 0o600
    assert sorted(path.name for path in ledger.parent.iterdir()) == [ledger.name, file.path.name]
    assert find({}, ledger) == status(ledger)


def test_the_file_in_the_runtime_directory_is_for_the_group(ledger: Path, tmp_path: Path) -> None:
    directory = tmp_path / "run"
    directory.mkdir()
    environ = {"RUNTIME_DIRECTORY": f"{directory}:/run/other"}
    before = os.umask(0o077)
    try:
        StatusFile(environ, ledger).write(status(ledger))
    finally:
        os.umask(before)
    assert mode(directory / "status.json") == 0o640
    assert find(environ, ledger) == status(ledger)
    assert find({}, ledger) is None


def test_a_file_is_replaced_as_a_whole_even_after_a_crash(ledger: Path) -> None:
    file = StatusFile({}, ledger)
    file.path.with_name(file.path.name + ".new").write_bytes(b"the begin of a ver")
    for pid in (1, 2):
        file.write(status(ledger, pid))
    found = find({}, ledger)
    assert found is not None
    assert found.pid == 2


def test_the_newest_status_of_this_ledger_is_found_and_not_one_of_another(
    ledger: Path, tmp_path: Path
) -> None:
    environ = {"RUNTIME_DIRECTORY": str(tmp_path)}
    other = tmp_path / "other.db"
    (tmp_path / "status.json").write_bytes(msgspec.json.encode(status(other, written_at=900.0)))
    assert find(environ, ledger) is None
    StatusFile({}, ledger).write(status(ledger, pid=1, written_at=100.0))
    assert find(environ, ledger) == status(ledger, pid=1, written_at=100.0)
    StatusFile(environ, ledger).write(status(ledger, pid=2, written_at=200.0))
    assert find(environ, ledger) == status(ledger, pid=2, written_at=200.0)


def test_a_ledger_is_recognised_through_a_link(ledger: Path, tmp_path: Path) -> None:
    link = tmp_path / "link.db"
    link.symlink_to(ledger)
    environ = {"RUNTIME_DIRECTORY": str(tmp_path)}
    StatusFile(environ, ledger).write(status(ledger))
    assert find(environ, link) == status(ledger)


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"pid": 7}', b"\xff\x00", b"null"])
def test_a_file_that_is_not_a_status_is_ignored(ledger: Path, content: bytes) -> None:
    StatusFile({}, ledger).path.write_bytes(content)
    assert find({}, ledger) is None


def test_no_link_fifo_or_directory_is_read_as_a_status(ledger: Path, tmp_path: Path) -> None:
    path = StatusFile({}, ledger).path
    real = tmp_path / "real.json"
    real.write_bytes(msgspec.json.encode(status(ledger)))
    path.symlink_to(real)
    assert find({}, ledger) is None
    path.unlink()
    os.mkfifo(path)
    assert find({}, ledger) is None
    path.unlink()
    path.mkdir()
    assert find({}, ledger) is None
