"""Which files are opened as ledgers, with which modes, and by how many processes."""

# ruff: noqa: ASYNC240  blocking the loop of a test delays nothing

import os
import shutil
import sqlite3
import stat
import threading
from collections.abc import Iterator
from contextlib import closing
from hashlib import sha256
from pathlib import Path

import pytest

from syncd.ledger import accounts, files, folders, queries, schema
from syncd.ledger.backup import back_up
from syncd.ledger.database import (
    changing,
    maintaining,
    open_ledger,
    owned,
    reading,
    reading_any_version,
)
from syncd.ledger.errors import LedgerOutdatedError, LedgerUnusableError
from syncd.ledger.files import Content, Place
from syncd.ledger.statements import read
from syncd.model import AccountId, Digest, FolderName, Stat

CONTENT = Content(digest=Digest(bytes(32)), size=7, format="PNG", width=1, height=1, unfit=None)
FOLDER = folders.declare(FolderName("a"), b"/a", [AccountId("1")])


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "ledger.db"


@pytest.fixture(autouse=True)
def every_thread_ends() -> Iterator[None]:
    before = set(threading.enumerate())
    yield
    for thread in set(threading.enumerate()) - before:
        thread.join(5)
        assert not thread.is_alive(), "a connection was left open: the exit would hang"


async def make(path: Path) -> None:
    async with open_ledger(path) as ledger:
        await ledger.write(FOLDER)


def modes(path: Path) -> dict[str, int]:
    return {
        entry.name: stat.S_IMODE(entry.stat().st_mode)
        for entry in path.parent.iterdir()
        if entry.name.startswith(path.name)
    }


@pytest.mark.parametrize("umask", [0o000, 0o022, 0o077])
async def test_only_its_owner_can_read_a_ledger_whatever_the_umask(path: Path, umask: int) -> None:
    before = os.umask(umask)
    try:
        with owned(path):
            async with open_ledger(path) as ledger:
                await ledger.write(FOLDER)
                assert modes(path) == dict.fromkeys(
                    ["ledger.db", "ledger.db-wal", "ledger.db-shm"], 0o600
                )
    finally:
        os.umask(before)


async def test_a_ledger_is_marked_with_its_application_and_version(path: Path) -> None:
    await make(path)
    with closing(sqlite3.connect(path)) as db:
        assert db.execute("PRAGMA application_id").fetchone() == (schema.APPLICATION_ID,)
        assert db.execute("PRAGMA user_version").fetchone() == (schema.current_version(),)
        assert db.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    assert path.read_bytes()[68:72] == b"SYNC"


RELEASED = {
    1: "0783dec18ec0a1c555820f90c4f3b93647a91c5b2eb4066a179306af655cbff4",
    2: "7365eb215c5358cc0bd4e148a63ae5bffb37d1418bffa0bed3b8e870a2761f8f",
    3: "417faf8de9c18588202ebdd629295f82b9fde122c4c90e50bc6192420b1e4bfe",
    4: "ea248908afebc435cd71354cf4f4016a8f53ba6fbe0ad13b52e16458baf354ba",
    5: "3a6fe4f20635f8aeb56e2c9c2baec2d62b7528493fbdcf3d2f4a8fb451318a0f",
    6: "492a02d190110296bd247343190ee341481feb12f000487d0f8616fcd9095131",
}
"""The SHA-256 of each migration. They have made ledgers: a change is a new migration."""


def test_a_released_migration_is_never_changed() -> None:
    assert {
        version: sha256(text.encode()).hexdigest() for version, text in schema.migrations()
    } == RELEASED


WITHOUT_SPENDING = "DROP TABLE call; ALTER TABLE account DROP COLUMN tier;"
"""Removes the table and the column that some ledgers of the first version lack."""


@pytest.mark.parametrize("also", ["", WITHOUT_SPENDING], ids=["whole", "without spending"])
async def test_an_older_ledger_is_migrated_with_its_content(path: Path, also: str) -> None:
    one = AccountId("1")
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        (_, first), *_ = schema.migrations()
        db.executescript(first + also)
        db.execute("INSERT INTO account (account, alone_until) VALUES ('1', 7.0)")
        db.execute(f"PRAGMA application_id = {schema.APPLICATION_ID}")
        db.execute("PRAGMA user_version = 1")
        db.execute("PRAGMA journal_mode = WAL")
        db.execute("INSERT INTO folder (name, path) VALUES ('a', x'2f61')")
        db.execute("INSERT INTO route (folder_id, account) VALUES (1, '1')")
        stat = Stat(device=1, inode=2, size=3, mtime_ns=4, ctime_ns=5)
        found = [(Place(1, b"", name), stat, CONTENT) for name in (b"a.png", b"b.png")]
        files.record_all(found)(db)

    @read
    def wanted(db: sqlite3.Connection) -> list[tuple[str, bytes, int]]:
        return db.execute("SELECT account, digest, files FROM replica").fetchall()

    async with open_ledger(path) as ledger:
        assert await ledger.read(wanted()) == [("1", CONTENT.digest, 2)]
        await ledger.write(files.mark_missed(7, 1, [b"a.png"], []))
        await ledger.write(files.forget_missed(7))
        assert await ledger.read(wanted()) == [("1", CONTENT.digest, 1)]
        await ledger.write(files.record_all([(Place(1, b"", b"b.png"), stat, "Permission denied")]))
        assert await ledger.read(wanted()) == []
        assert await ledger.read(accounts.batching_off_until(one)) == 7.0
        await ledger.write(accounts.record_tier(one, "standard"))
        assert await ledger.read(accounts.tier(one)) == "standard"
        await ledger.write(accounts.record_call(one, accounts.SpentCall(8.0, 3, 25), 0.0))
        assert len(await ledger.read(accounts.recent_calls(one, 0.0))) == 1
    with closing(sqlite3.connect(path)) as db:
        assert db.execute("PRAGMA user_version").fetchone() == (schema.current_version(),)


async def test_other_processes_read_and_change_the_ledger_while_the_daemon_runs(path: Path) -> None:
    async with open_ledger(path) as ledger:
        await ledger.write(FOLDER)
        with reading(path) as db:
            assert db.execute("SELECT name FROM folder").fetchall() == [("a",)]
        before = await ledger.data_version()
        await ledger.write(folders.record_trouble(1, "x"))
        assert await ledger.data_version() == before
        with changing(path) as db:
            folders.record_trouble(1, "changed")(db)
        assert await ledger.data_version() != before
        assert (await ledger.read(queries.folder_summary("a"))).state.trouble == "changed"


def test_a_missing_or_empty_ledger_is_reported_as_missing(path: Path) -> None:
    for _ in range(2):
        with pytest.raises(FileNotFoundError, match="syncd run"), reading(path):
            pass
        with pytest.raises(FileNotFoundError, match="syncd run"), changing(path):
            pass
        path.touch()


async def test_commands_do_not_work_on_the_ledger_of_an_older_daemon(path: Path) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        (version, first), *_ = schema.migrations()
        db.executescript(first)
        db.execute(f"PRAGMA application_id = {schema.APPLICATION_ID}")
        db.execute(f"PRAGMA user_version = {version}")
        db.execute("PRAGMA journal_mode = WAL")
    for opened in (reading, changing, maintaining):
        with pytest.raises(LedgerOutdatedError, match="restart the daemon"), opened(path):
            pass
    back_up(path, path.with_name("backup.db"), lambda _: None)
    with reading_any_version(path.with_name("backup.db")) as db:
        assert db.execute("PRAGMA user_version").fetchone() == (version,)
    await make(path)
    with reading(path):
        pass


async def test_an_empty_file_and_the_remains_of_a_crash_are_replaced_by_a_ledger(
    path: Path,
) -> None:
    path.touch()
    path.with_name("ledger.db.new").write_bytes(b"half a ledger")
    path.with_name("ledger.db.new-journal").write_bytes(b"half a journal")
    await make(path)
    with reading(path) as db:
        assert db.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    assert sorted(p.name for p in path.parent.iterdir() if ".new" in p.name) == []


async def rejection(path: Path) -> str:
    """Return the message with which the file is rejected, and assert that it is unchanged."""
    before, times = path.read_bytes(), path.stat().st_mtime_ns
    with pytest.raises(LedgerUnusableError) as error:
        async with open_ledger(path):
            pass
    for opened in (reading, changing):
        with pytest.raises(LedgerUnusableError), opened(path):
            pass
    assert path.read_bytes() == before
    assert path.stat().st_mtime_ns == times
    assert str(path) in str(error.value)
    return str(error.value)


@pytest.mark.parametrize(
    "content",
    [b"x", b"hello, I am a text\n" * 50, b"\x00" * 8192, b"SQLite format 3\x00", b"\xff\xd8" * 99],
)
async def test_a_file_that_is_not_a_database_is_rejected(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    assert "not a ledger" in await rejection(path)


@pytest.mark.parametrize("application", [0, 1, 0x0F055112])
async def test_the_database_of_another_program_is_rejected(path: Path, application: int) -> None:
    with closing(sqlite3.connect(path)) as db:
        db.execute(f"PRAGMA application_id = {application}")
        db.execute("CREATE TABLE theirs (x)")
        db.commit()
    assert "another program" in await rejection(path)
    assert sorted(os.listdir(path.parent)) == ["ledger.db"]


async def test_a_newer_ledger_is_rejected(path: Path) -> None:
    await make(path)
    with closing(sqlite3.connect(path)) as db:
        db.execute("PRAGMA user_version = 999")
    assert "newer syncd" in await rejection(path)


async def test_a_newer_ledger_is_rejected_even_if_only_its_wal_has_the_version(path: Path) -> None:
    await make(path)
    aside = path.with_name("aside.db")
    with closing(sqlite3.connect(path)) as db:
        db.execute("PRAGMA user_version = 999")
        for end in ("", "-wal"):  # as a crash would leave them
            shutil.copy(f"{path}{end}", f"{aside}{end}")
    wal = Path(f"{aside}-wal").read_bytes()
    assert "newer syncd" in await rejection(aside)
    assert Path(f"{aside}-wal").read_bytes() == wal


@pytest.mark.parametrize("kept", [100, 4096, 4097, 20_000, -4096, -1])
async def test_a_truncated_ledger_is_rejected(path: Path, kept: int) -> None:
    await make(path)
    whole = path.read_bytes()
    path.write_bytes(whole[:kept])
    assert "damaged" in await rejection(path)


async def test_a_ledger_with_overwritten_pages_is_rejected(path: Path) -> None:
    await make(path)
    whole = path.read_bytes()
    with closing(sqlite3.connect(path)) as db:
        rows = db.execute("SELECT rootpage FROM sqlite_schema WHERE type = 'table'").fetchall()
    assert len(rows) >= 9
    for page in [1, *(page for (page,) in rows)]:
        start, end = max(100, (page - 1) * 4096), page * 4096
        path.write_bytes(whole[:start] + b"\xa5" * (end - start) + whole[end:])
        assert "damaged" in await rejection(path)


async def test_damage_that_is_found_later_is_reported_as_damage(path: Path) -> None:
    await make(path)

    @read
    def damage(db: sqlite3.Connection) -> None:
        sql = "SELECT rootpage FROM sqlite_schema WHERE name = 'directory_missed'"
        (page,) = db.execute(sql).fetchone()
        with path.open("r+b") as file:
            file.seek((page - 1) * 4096)
            file.write(b"\xa5" * 4096)

    async def work() -> None:
        async with open_ledger(path) as ledger:
            await ledger.read(damage())
            await ledger.write(files.unmark_all_missed())

    with pytest.raises(LedgerUnusableError, match=r"damaged.*\.recover"):
        await work()


@pytest.mark.parametrize("version", [(3, 34, 1), (3, 36, 0)])
def test_an_sqlite_that_is_too_old_is_reported_with_its_version(version: tuple[int, ...]) -> None:
    with pytest.raises(LedgerUnusableError, match=r"3\.3[46].* 3\.37\.0"):
        schema.check_sqlite_version(version)


def test_this_sqlite_is_new_enough() -> None:
    schema.check_sqlite_version((3, 37, 0))
    schema.check_sqlite_version(sqlite3.sqlite_version_info)
