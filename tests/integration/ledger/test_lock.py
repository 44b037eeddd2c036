"""One process at a time works on a ledger, by whatever path it reaches it."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from sqlite3 import connect

import pytest

from syncd.ledger.database import open_ledger, owned
from syncd.ledger.errors import LedgerBusyError, LedgerDiskError, LedgerReplacedError
from syncd.ledger.lock import exclusive_lock, is_in_use

HOLD = """
import sys
from pathlib import Path
from syncd.ledger.database import owned
with owned(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Return the path of a ledger that exists."""
    with owned(tmp_path / "ledger.db"):
        return tmp_path / "ledger.db"


@contextmanager
def holder(path: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Run another process that holds the lock."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    with process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"held\n"
        yield process
        process.kill()


def link(path: Path) -> Path:
    other = path.with_name("link.db")
    other.symlink_to(path)
    return other


def hard_link(path: Path) -> Path:
    other = path.with_name("hard.db")
    os.link(path, other)
    return other


@pytest.mark.parametrize("same", [lambda path: path, link, hard_link], ids=["path", "link", "hard"])
def test_a_second_process_learns_which_one_has_the_ledger(path: Path, same: object) -> None:
    assert callable(same)
    with holder(path) as process:
        other = same(path)
        with (
            pytest.raises(LedgerBusyError, match=rf"process {process.pid}\b") as busy,
            exclusive_lock(other),
        ):
            pass
        assert busy.value.holder == process.pid
        assert is_in_use(other)
    process.wait()
    assert not is_in_use(other)
    with exclusive_lock(other):
        pass


def test_a_second_use_in_one_process_is_busy_as_well(path: Path) -> None:
    with owned(path):
        with pytest.raises(LedgerBusyError, match=rf"process {os.getpid()}\b"), owned(path):
            pass
        assert subprocess.run(
            [sys.executable, "-c", HOLD, str(path)],
            check=False,
            stdin=subprocess.DEVNULL,
            capture_output=True,
        ).returncode
    with owned(path):
        pass


def test_the_lock_leaves_the_locks_of_sqlite_alone(path: Path) -> None:
    """Closing a descriptor of the file would drop them."""
    other = (
        "import sqlite3, sys; sqlite3.connect(sys.argv[1], timeout=0).execute('BEGIN IMMEDIATE')"
    )
    with closing(connect(path, isolation_level=None)) as db:
        db.execute("BEGIN IMMEDIATE")
        with exclusive_lock(path):
            pass
        is_in_use(path)
        words = [sys.executable, "-c", other, str(path)]
        ended = subprocess.run(words, check=False, capture_output=True)
        assert b"database is locked" in ended.stderr


def remove(path: Path) -> None:
    path.unlink()


def replace(path: Path) -> None:
    copy = path.with_name("copy.db")
    shutil.copy(path, copy)
    copy.replace(path)


@pytest.mark.parametrize("disturb", [remove, replace])
async def test_a_ledger_that_is_replaced_while_it_is_used_is_noticed(
    path: Path, disturb: object
) -> None:
    assert callable(disturb)
    with owned(path) as lock:
        async with open_ledger(path, lock=lock) as ledger:
            await ledger.data_version()
            disturb(path)
            with pytest.raises(LedgerReplacedError, match="was moved, replaced or removed"):
                await ledger.data_version()


def test_two_processes_that_create_a_ledger_at_once_share_one_file(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    words = [sys.executable, "-c", HOLD, str(path)]
    processes = [
        subprocess.Popen(
            words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        for _ in range(4)
    ]
    printed = [process.communicate()[0] for process in processes]
    assert printed.count(b"held\n") >= 1
    assert [entry.name for entry in tmp_path.iterdir() if ".new" in entry.name] == []


def test_a_directory_that_does_not_exist_is_named(tmp_path: Path) -> None:
    nowhere = tmp_path / "none" / "ledger.db"
    with pytest.raises(LedgerDiskError, match=r"cannot write .*no such file"), owned(nowhere):
        pass


def test_asking_repeatedly_opens_one_descriptor(path: Path) -> None:
    assert not is_in_use(path)
    before = len(os.listdir("/proc/self/fd"))
    for _ in range(10):
        assert not is_in_use(path)
    assert len(os.listdir("/proc/self/fd")) == before
