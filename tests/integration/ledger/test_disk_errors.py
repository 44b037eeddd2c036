"""Disk errors are reported in one sentence, and leave the ledger as it was."""

import asyncio
import sqlite3
import threading
from contextlib import closing
from pathlib import Path

import pytest

from syncd.ledger import folders
from syncd.ledger.database import Ledger, open_ledger, owned
from syncd.ledger.errors import LedgerBusyError, LedgerDiskError, LedgerReplacedError
from syncd.ledger.file import changing, reading
from syncd.ledger.reader import address_of, connect
from syncd.ledger.statements import Write, write
from syncd.model import FolderName


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "ledger.db"


@write
def fill(db: sqlite3.Connection) -> None:
    """Insert more than fits into the database."""
    for number in range(2000):
        folders.declare(FolderName(f"{number}"), b"%d" % number + b"x" * 4000, [])(db)


@write
def pragma(db: sqlite3.Connection, words: str) -> None:
    """Set a pragma on the connection that writes."""
    db.execute(f"PRAGMA {words}")


@write
def nonsense(db: sqlite3.Connection) -> None:
    db.execute("SELECT nonsense")


async def work(ledger: Ledger) -> None:
    """Write too much in a nested task group, as the daemon's loops do."""
    async with asyncio.TaskGroup() as outer:
        outer.create_task(asyncio.sleep(60))
        async with asyncio.TaskGroup() as inner:
            inner.create_task(ledger.write(fill()))


async def fail(path: Path, cause: Write[None]) -> None:
    """Fail with an open ledger that has one folder."""
    async with open_ledger(path) as ledger:
        await ledger.write(folders.declare(FolderName("a"), b"/a", []))
        await ledger.write(cause)
        await work(ledger)


def folder_names(path: Path) -> list[str]:
    with reading(path) as db:
        assert db.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        return [name for (name,) in db.execute("SELECT name FROM folder")]


async def test_a_full_disk_is_reported_and_leaves_no_partial_write(path: Path) -> None:
    with pytest.raises(LedgerDiskError) as error:
        await fail(path, pragma("max_page_count = 100"))
    assert str(error.value).startswith(f"{path}: the disk or a quota is full")
    assert "make room" in str(error.value)
    assert folder_names(path) == ["a"]


async def test_a_read_only_ledger_is_reported(path: Path) -> None:
    with pytest.raises(LedgerDiskError, match="cannot be written"):
        await fail(path, pragma("query_only = 1"))
    assert folder_names(path) == ["a"]


async def test_a_deleted_ledger_is_reported_as_removed(path: Path) -> None:
    def delete_and_read() -> None:
        path.unlink()
        connect(address_of(path)).execute("SELECT * FROM folder")

    async def lose() -> None:
        async with open_ledger(path):
            delete_and_read()

    with owned(path):
        pass
    with pytest.raises(LedgerReplacedError, match="removed while syncd used it") as error:
        await lose()
    assert "nothing that was recorded is lost" not in str(error.value)


async def test_a_ledger_that_another_program_locks_is_reported_as_busy(path: Path) -> None:
    @write
    def start_locking(db: sqlite3.Connection) -> None:
        db.execute("PRAGMA busy_timeout = 10")
        threading.Thread(target=hold_lock, daemon=True).start()

    def hold_lock() -> None:
        with closing(sqlite3.connect(path, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            locked.set()
            done.wait(20)

    locked, done = threading.Event(), threading.Event()

    async def wait_and_fail() -> None:
        async with open_ledger(path) as ledger:
            await ledger.write(start_locking())
            await asyncio.to_thread(locked.wait, 20)
            await work(ledger)

    try:
        with pytest.raises(LedgerBusyError, match="another process"):
            await wait_and_fail()
    finally:
        done.set()


async def test_an_error_that_is_not_a_disk_error_is_not_translated(path: Path) -> None:
    with pytest.raises(sqlite3.OperationalError, match="nonsense"):
        await fail(path, nonsense())


def test_a_missing_directory_is_reported(path: Path) -> None:
    nowhere = path.parent / "none" / "ledger.db"
    with (
        pytest.raises(LedgerDiskError, match=r"cannot write .*no such file"),
        owned(nowhere),
    ):
        pass
    with pytest.raises(FileNotFoundError), changing(nowhere):
        pass
