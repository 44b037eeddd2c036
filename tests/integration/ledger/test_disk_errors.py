"""What the disk refuses to the ledger ends in a sentence, and in a ledger that is as it was."""

import asyncio
import sqlite3
import threading
from contextlib import closing
from pathlib import Path

import pytest

from syncd.ledger import folders
from syncd.ledger.database import Ledger, changing, open_ledger, reading
from syncd.ledger.errors import LedgerBusyError, LedgerDiskError
from syncd.ledger.lock import exclusive_lock
from syncd.ledger.statements import Write, write
from syncd.model import FolderName


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "ledger.db"


@write
def fill(db: sqlite3.Connection) -> None:
    """Write more than there is room for."""
    for number in range(2000):
        folders.declare(FolderName(f"{number}"), b"x" * 4000, [])(db)


@write
def pragma(db: sqlite3.Connection, words: str) -> None:
    """Set a pragma on the connection that writes."""
    db.execute(f"PRAGMA {words}")


@write
def nonsense(db: sqlite3.Connection) -> None:
    db.execute("SELECT nonsense")


async def work(ledger: Ledger) -> None:
    """Fail as the daemon's loops do: somewhere below, in a group of tasks."""
    async with asyncio.TaskGroup() as outer:
        outer.create_task(asyncio.sleep(60))
        async with asyncio.TaskGroup() as inner:
            inner.create_task(ledger.write(fill()))


async def fail(path: Path, trouble: Write[None]) -> None:
    """Come into trouble while a ledger is open that knows one folder."""
    async with open_ledger(path) as ledger:
        await ledger.write(folders.declare(FolderName("a"), b"/a", []))
        await ledger.write(trouble)
        await work(ledger)


def folder_names(path: Path) -> list[str]:
    with reading(path) as db:
        assert db.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        return [name for (name,) in db.execute("SELECT name FROM folder")]


async def test_a_full_disk_is_a_sentence_and_nothing_is_half_done(path: Path) -> None:
    with pytest.raises(LedgerDiskError) as error:
        await fail(path, pragma("max_page_count = 100"))
    assert str(error.value).startswith(f"{path}: the disk or a quota is full")
    assert "make room" in str(error.value)
    assert folder_names(path) == ["a"]


async def test_a_ledger_that_may_only_be_read_is_a_sentence(path: Path) -> None:
    with pytest.raises(LedgerDiskError, match="cannot be written"):
        await fail(path, pragma("query_only = 1"))
    assert folder_names(path) == ["a"]


async def test_a_ledger_that_another_program_keeps_is_taken(path: Path) -> None:
    @write
    def taken(db: sqlite3.Connection) -> None:
        db.execute("PRAGMA busy_timeout = 10")
        threading.Thread(target=keep, daemon=True).start()

    def keep() -> None:
        with closing(sqlite3.connect(path, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            kept.set()
            done.wait(20)

    kept, done = threading.Event(), threading.Event()

    async def wait_and_fail() -> None:
        async with open_ledger(path) as ledger:
            await ledger.write(taken())
            await asyncio.to_thread(kept.wait, 20)
            await work(ledger)

    try:
        with pytest.raises(LedgerBusyError, match="another process"):
            await wait_and_fail()
    finally:
        done.set()


async def test_what_is_no_trouble_of_the_ledger_stays_what_it_is(path: Path) -> None:
    with pytest.raises(sqlite3.OperationalError, match="nonsense"):
        await fail(path, nonsense())


def test_a_place_where_nothing_can_be_made_is_a_sentence(path: Path) -> None:
    nowhere = path.parent / "none" / "ledger.db"
    with (
        pytest.raises(LedgerDiskError, match=r"cannot write .*no such file"),
        exclusive_lock(nowhere),
    ):
        pass
    with pytest.raises(FileNotFoundError), changing(nowhere):
        pass
