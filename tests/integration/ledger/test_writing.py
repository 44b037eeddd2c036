"""A write happens as a whole or not at all, whatever ends its process; writers share commits."""

import asyncio
import signal
import sqlite3
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path

import pytest

from syncd.ledger import folders
from syncd.ledger.database import Ledger, open_ledger
from syncd.ledger.file import reading
from syncd.ledger.statements import Write, all_of, read, write
from syncd.model import FolderName


@pytest.fixture
async def ledger(tmp_path: Path) -> AsyncIterator[Ledger]:
    async with open_ledger(tmp_path / "ledger.db") as opened:
        yield opened


def folder(name: str) -> Write[int]:
    return folders.declare(FolderName(name), b"/" + name.encode(), [])


@write
def pair(db: sqlite3.Connection, number: int) -> None:
    """Insert two rows that belong together."""
    for half in "ab":
        db.execute("INSERT INTO folder (name, path) VALUES (?, x'')", (f"{number}{half}",))


@read
def all_names(db: sqlite3.Connection) -> list[str]:
    return [name for (name,) in db.execute("SELECT name FROM folder ORDER BY name")]


async def names(ledger: Ledger) -> list[str]:
    return await ledger.read(all_names())


async def test_a_read_sees_every_finished_write(ledger: Ledger) -> None:
    first = await ledger.write(folder("a"))
    assert await ledger.write(folder("a")) == first
    await ledger.write(all_of([pair(1), pair(2)]))
    assert await names(ledger) == ["1a", "1b", "2a", "2b", "a"]


async def test_mypy_and_sqlite_reject_a_write_that_is_passed_as_a_read(ledger: Ledger) -> None:
    # mypy is strict: it also reports an ignore that it does not need.
    with pytest.raises(sqlite3.OperationalError, match="readonly"):
        await ledger.read(folder("a"))  # type: ignore[arg-type]  # the claim
    assert await ledger.write(all_names()) == []  # type: ignore[arg-type]  # the claim


async def test_waiting_writers_share_few_commits_and_keep_their_order(ledger: Ledger) -> None:
    commits = 0

    def counted(statement: str) -> None:
        nonlocal commits
        commits += statement == "COMMIT"

    await ledger.write(Write(lambda db: db.set_trace_callback(counted)))
    ids = await asyncio.gather(*(ledger.write(folder(f"{n:03}")) for n in range(500)))
    await ledger.write(Write(lambda db: db.set_trace_callback(None)))
    assert ids == sorted(ids)
    assert len(await names(ledger)) == 500
    assert commits <= 5


@write
def bad(db: sqlite3.Connection) -> None:
    db.execute("INSERT INTO folder (name, path) VALUES ('half', x'')")
    raise ArithmeticError("a bug")


@write
def wrong(db: sqlite3.Connection) -> None:
    db.execute("INSERT INTO folder (name, path) VALUES ('half', x'')")
    db.execute("INSERT INTO route (folder_id, account_id, position) VALUES (999, 1, 0)")


@pytest.mark.parametrize(
    ("change", "error"), [(bad(), ArithmeticError), (wrong(), sqlite3.IntegrityError)]
)
@pytest.mark.parametrize("place", [0, 1, 2])
async def test_no_caller_gets_a_result_of_a_write_that_was_rolled_back(
    ledger: Ledger, change: Write[None], error: type[Exception], place: int
) -> None:
    changes: list[Write[object]] = [folder("a"), folder("b")]
    changes.insert(place, change)
    first = asyncio.ensure_future(
        ledger.write(folder("first"))
    )  # so that the others share a commit
    results = await asyncio.gather(*(ledger.write(c) for c in changes), return_exceptions=True)
    await first
    there = await names(ledger)
    assert "half" not in there
    assert isinstance(results[place], error)
    del results[place]
    done = [
        n for n, result in zip("ab", results, strict=True) if not isinstance(result, BaseException)
    ]
    assert there == sorted([*done, "first"])
    await ledger.write(folder("after"))


async def test_a_write_that_fails_costs_only_itself(ledger: Ledger) -> None:
    first = asyncio.ensure_future(ledger.write(folder("first")))  # the others share a commit
    results = await asyncio.gather(
        *(ledger.write(change) for change in (folder("a"), bad(), folder("b"))),
        return_exceptions=True,
    )
    await first
    assert [isinstance(result, ArithmeticError) for result in results] == [False, True, False]
    assert await names(ledger) == ["a", "b", "first"]


async def test_a_cancelled_writer_leaves_no_transaction_and_no_partial_write(
    ledger: Ledger,
) -> None:
    for number in range(200):
        task = asyncio.create_task(ledger.write(pair(number)))
        for _ in range(number % 4):
            await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    assert not await ledger.write(Write(lambda db: False))
    there = await names(ledger)
    assert {name[:-1] + "a" for name in there} | {name[:-1] + "b" for name in there} == set(there)
    with closing(sqlite3.connect(ledger.path, timeout=0, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")  # the writer holds no lock
        other.execute("ROLLBACK")


async def test_a_write_to_a_closed_ledger_fails_at_once(tmp_path: Path) -> None:
    async with open_ledger(tmp_path / "ledger.db") as closed:
        pass
    async with asyncio.timeout(5):
        with pytest.raises(ValueError, match="closed"):
            await closed.write(folder("late"))


async def test_a_reader_sees_no_partial_write(ledger: Ledger) -> None:
    async def write() -> None:
        for number in range(100):
            await ledger.write(pair(number))

    async with asyncio.TaskGroup() as tasks:
        writing = tasks.create_task(write())
        while not writing.done():
            assert len(await names(ledger)) % 2 == 0
            with reading(ledger.path) as db:
                assert db.execute("SELECT count(*) % 2 FROM folder").fetchone() == (0,)
            await asyncio.sleep(0)


WRITE = """
import asyncio, sys
from pathlib import Path
from syncd.ledger.database import open_ledger
from syncd.ledger.statements import write

@write
def pair(db, number):
    for half in "ab":
        db.execute("INSERT INTO folder (name, path) VALUES (?, x'')", (f"{number}{half}",))

async def main():
    async with open_ledger(Path(sys.argv[1])) as ledger:
        async def one(number):
            while True:
                await ledger.write(pair(number))
                print(number, flush=True)
                number += 8
        async with asyncio.TaskGroup() as tasks:
            for worker in range(8):
                tasks.create_task(one(worker))

asyncio.run(main())
"""


@pytest.mark.parametrize("after", [1, 7, 300])
def test_a_process_that_is_killed_while_it_writes_loses_no_finished_write(
    tmp_path: Path, after: int
) -> None:
    path = tmp_path / "ledger.db"
    with subprocess.Popen(
        [sys.executable, "-c", WRITE, str(path)], stdout=subprocess.PIPE
    ) as writer:
        assert writer.stdout is not None
        lines = [writer.stdout.readline() for _ in range(after)]
        writer.send_signal(signal.SIGKILL)
        lines += writer.stdout.read().splitlines(keepends=True)
    finished = {int(line) for line in lines if line.endswith(b"\n")}
    assert len(finished) >= after
    with reading(path) as db:
        assert db.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        there = {name for (name,) in db.execute("SELECT name FROM folder")}
    assert {name[:-1] + half for name in there for half in "ab"} == there
    assert {f"{number}a" for number in finished} <= there


async def test_closing_reads_only_a_sample_of_a_large_table(tmp_path: Path) -> None:
    rows = 20_000
    thousands = 0  # of instructions of SQLite's virtual machine; a row takes several

    def count() -> int:
        nonlocal thousands
        thousands += 1
        return 0

    @write
    def fill(db: sqlite3.Connection) -> None:
        paths = [(b"%d" % number,) for number in range(rows)]
        db.executemany("INSERT INTO directory (folder_id, path) VALUES (1, ?)", paths)
        db.execute("SELECT id FROM directory WHERE folder_id = 1 AND path = x''").fetchall()
        db.set_progress_handler(count, 1000)

    async with open_ledger(tmp_path / "ledger.db") as ledger:
        await ledger.write(folder("a"))
        await ledger.write(fill())
        thousands = 0
    assert thousands * 1000 < rows
    with reading(tmp_path / "ledger.db") as db:
        assert db.execute("SELECT count(*) FROM sqlite_stat1").fetchone() != (0,)
