"""Which files are opened as ledgers, with which modes, and by how many processes."""

# ruff: noqa: ASYNC240  blocking the loop of a test delays nothing

import os
import shutil
import socket
import sqlite3
import stat
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from hashlib import sha256
from pathlib import Path

import pytest

from syncd.ledger import accounts, folders, queries, schema
from syncd.ledger.database import open_ledger, owned
from syncd.ledger.errors import LedgerDiskError, LedgerUnusableError
from syncd.ledger.file import changing, maintaining, reading
from syncd.ledger.files import Content
from syncd.ledger.statements import read, write
from syncd.model import AccountId, Digest, FolderName

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
        assert db.execute("PRAGMA user_version").fetchone() == (schema.VERSION,)
        assert db.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    assert path.read_bytes()[68:72] == b"SYNC"


def test_every_change_of_the_schema_has_a_version_of_its_own() -> None:
    statements = (line.partition("--")[0] for line in schema.script().splitlines())
    layout = sha256(" ".join(" ".join(statements).split()).encode()).hexdigest()
    # After a change of schema.sql: raise schema.VERSION, note the new digest here, and write the
    # script of test_migration, which brings a ledger of the version before to this one.
    assert (schema.VERSION, layout[:16]) == (21, "0f368c8becb85faa")


@pytest.mark.parametrize("version", [1, schema.OLDEST - 1])
async def test_a_ledger_of_an_earlier_layout_is_refused_and_not_changed(
    path: Path, version: int
) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        db.execute("CREATE TABLE folder (id INTEGER PRIMARY KEY)")
        db.execute(f"PRAGMA application_id = {schema.APPLICATION_ID}")
        db.execute(f"PRAGMA user_version = {version}")
    before = path.read_bytes()
    for opened in (reading, changing, maintaining):
        advice = pytest.raises(LedgerUnusableError, match="delete it: syncd then creates a new")
        with advice, opened(path):
            pass
    with pytest.raises(LedgerUnusableError, match=f"ledger version {version}"):
        await make(path)
    assert path.read_bytes() == before


async def test_the_schema_explains_every_table_and_view(path: Path) -> None:
    await make(path)
    with reading(path) as db:
        created = db.execute(
            "SELECT name, sql FROM sqlite_schema"
            " WHERE type IN ('table', 'view') AND name NOT LIKE 'sqlite_%'"
        ).fetchall()
        kinds = {kind for (kind,) in db.execute("SELECT DISTINCT type FROM sqlite_schema")}
    assert [name for name, sql in created if "-- " not in sql] == []
    assert kinds == {"table", "index", "view"}


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


def fifo(path: Path) -> None:
    os.mkfifo(path)


def directory(path: Path) -> None:
    path.mkdir()


def endless_link(path: Path) -> None:
    path.symlink_to(path)


def socket_file(path: Path) -> None:
    with closing(socket.socket(socket.AF_UNIX)) as made:
        made.bind(str(path))


@pytest.mark.parametrize("make_other", [fifo, directory, endless_link, socket_file])
def test_what_is_not_a_regular_file_is_rejected_and_kept(
    path: Path, make_other: Callable[[Path], None]
) -> None:
    make_other(path)
    before = path.lstat()
    for opens in (owned, reading, changing):
        with pytest.raises(LedgerUnusableError, match=r"set ledger\.path"), opens(path):
            pass
    assert os.path.samestat(path.lstat(), before)
    assert [entry.name for entry in path.parent.iterdir()] == [path.name]


async def test_a_new_ledger_does_not_get_the_changes_of_a_removed_one(path: Path) -> None:
    old = path.with_name("old.db")
    await make(old)
    with closing(sqlite3.connect(old)) as db:
        db.execute("PRAGMA user_version = 999")
        for end in ("-wal", "-shm"):  # as a kill leaves them
            shutil.copy(f"{old}{end}", f"{path}{end}")
    await make(path)
    with reading(path) as db:
        assert db.execute("PRAGMA user_version").fetchone() == (schema.VERSION,)
        assert db.execute("PRAGMA integrity_check").fetchone() == ("ok",)


async def test_a_link_to_a_ledger_that_does_not_exist_yet_is_kept(path: Path) -> None:
    target = path.with_name("target.db")
    path.symlink_to(target)
    await make(path)
    assert path.readlink() == target
    with reading(target) as db:
        assert db.execute("PRAGMA integrity_check").fetchone() == ("ok",)


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


def test_a_link_at_the_name_of_an_unfinished_ledger_is_not_followed(path: Path) -> None:
    other = path.with_name("other")
    other.write_bytes(b"of another user")
    path.with_name("ledger.db.new").symlink_to(other)
    with pytest.raises(LedgerDiskError, match="symbolic links"), owned(path):
        pass
    assert other.read_bytes() == b"of another user"


@pytest.mark.parametrize("table", ["account", "folder"])
async def test_a_text_that_is_not_utf_8_is_damage(path: Path, table: str) -> None:
    await make(path)
    column = {"account": "act", "folder": "name"}[table]
    with closing(sqlite3.connect(path)) as db:
        db.execute(f"UPDATE {table} SET {column} = CAST(x'31ff' AS TEXT)")
        db.commit()
    assert "damaged" in await rejection(path)


async def test_a_value_that_syncd_never_writes_is_damage(path: Path) -> None:
    await make(path)
    named = r"damaged \(invalid literal for int.*'x'\); stop syncd"
    with pytest.raises(LedgerUnusableError, match=named), reading(path) as db:
        read(lambda _: int("x"))()(db)
    with pytest.raises(LedgerUnusableError, match=named):
        async with open_ledger(path) as ledger:
            await ledger.write(write(lambda _: int("x"))())


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
        sql = "SELECT rootpage FROM sqlite_schema WHERE name = 'api_call_by_account'"
        (page,) = db.execute(sql).fetchone()
        with path.open("r+b") as file:
            file.seek((page - 1) * 4096)
            file.write(b"\xa5" * 4096)

    async def work() -> None:
        async with open_ledger(path) as ledger:
            await ledger.read(damage())
            await ledger.read(accounts.recent_calls(AccountId("1"), 0.0, 1.0))

    with pytest.raises(LedgerUnusableError, match=r"damaged.*\.recover"):
        await work()


@pytest.mark.parametrize("version", [(3, 34, 1), (3, 36, 0)])
def test_an_sqlite_that_is_too_old_is_reported_with_its_version(version: tuple[int, ...]) -> None:
    with pytest.raises(LedgerUnusableError, match=r"3\.3[46].* 3\.37\.0"):
        schema.check_sqlite_version(version)


def test_this_sqlite_is_new_enough() -> None:
    schema.check_sqlite_version((3, 37, 0))
    schema.check_sqlite_version(sqlite3.sqlite_version_info)
