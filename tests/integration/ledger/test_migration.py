"""Ledgers of earlier layouts are migrated, after a backup, as a whole or not at all."""

import json
import os
import re
import shutil
import sqlite3
import stat
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs
from support.ledgers import fixture
from support.mounts import own_mounts
from support.process import syncd
from support.rig import Rig

from syncd.check.facts import LedgerState
from syncd.check.ledger import ledger_facts
from syncd.cli.confirm import confirm_changes
from syncd.config import load
from syncd.config.selection import select
from syncd.daemon.credentials import opener
from syncd.daemon.migration import migrate_and_log
from syncd.ledger import folders, schema
from syncd.ledger.database import open_ledger
from syncd.ledger.errors import LedgerOutdatedError, LedgerUnusableError
from syncd.ledger.file import create, reading
from syncd.ledger.lock import exclusive_lock
from syncd.ledger.migration import KEPT, Migrated, backups, migrate
from syncd.model import FolderName

EARLIER = [version for version in fixture.versions() if version < schema.VERSION]

BACKUP = re.compile(r"ledger\.db\.\d{8}T\d{6}Z-v(\d+)\.backup")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "ledger.db"


def migrated(version: int, path: Path) -> None:
    """Write the fixture of a layout and migrate it."""
    fixture.write(version, path)
    with exclusive_lock(path):
        migrate(path, lambda *_: None)


def migrate_now(path: Path) -> Migrated:
    with exclusive_lock(path):
        done = migrate(path, lambda *_: None)
    assert done is not None
    return done


def layout(path: Path) -> set[tuple[str, str, str]]:
    """Return what SQLite has of tables, indexes and views, without comments and spaces."""
    with closing(sqlite3.connect(path)) as db:
        rows = db.execute(
            "SELECT type, name, sql FROM sqlite_schema"
            " WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite_%'"
        ).fetchall()
    return {(kind, name, _normal(sql)) for kind, name, sql in rows}


def _normal(sql: str) -> str:
    """Return SQL in one spelling; SQLite quotes the name of a table that was renamed."""
    without = re.sub(r"--.*", "", sql).replace('"', "")
    return re.sub(r"\s*([(),])\s*", r"\1", " ".join(without.split())).strip()


def content(path: Path) -> list[str]:
    with closing(sqlite3.connect(path)) as db:
        return list(db.iterdump())


def covers(now: Any, then: Any) -> bool:
    """Return whether all that was printed then is printed now; there may be more fields."""
    match then:
        case dict():
            return all(key in now and covers(now[key], value) for key, value in then.items())
        case list():
            return len(now) == len(then) and all(map(covers, now, then))
        case _:
            return bool(now == then)


def test_each_layout_has_a_script_and_a_fixture() -> None:
    """A change of schema.sql needs both; make.py makes the fixture."""
    scripts = Path(schema.__file__).with_name("migrations").glob("*.sql")
    assert sorted(int(file.stem) for file in scripts) == [
        *range(schema.OLDEST + 1, schema.VERSION + 1)
    ]
    assert fixture.versions() == [*range(schema.OLDEST, schema.VERSION + 1)]


@pytest.mark.parametrize("version", fixture.versions())
def test_each_table_of_a_fixture_has_rows(path: Path, version: int) -> None:
    fixture.write(version, path)
    with closing(sqlite3.connect(path)) as db:
        tables = db.execute("SELECT name FROM sqlite_schema WHERE type = 'table'").fetchall()
        empty = [t for (t,) in tables if db.execute(f"SELECT 1 FROM {t}").fetchone() is None]
        assert (empty, db.execute("PRAGMA foreign_key_check").fetchall()) == ([], [])


@pytest.mark.parametrize("version", fixture.versions())
def test_a_migrated_ledger_has_the_schema_of_a_new_one(path: Path, version: int) -> None:
    migrated(version, path)
    create(new := path.with_name("new.db"))
    assert layout(path) == layout(new)
    with closing(sqlite3.connect(path)) as db, closing(sqlite3.connect(new)) as other:
        for pragma in ("user_version", "application_id", "journal_mode"):
            read = f"PRAGMA {pragma}"
            assert db.execute(read).fetchone() == other.execute(read).fetchone()
        assert db.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert db.execute("PRAGMA foreign_key_check").fetchall() == []
        for (table,) in other.execute("SELECT name FROM sqlite_schema WHERE type = 'table'"):
            if other.execute(f"SELECT 1 FROM {table}").fetchone():
                assert db.execute(f"SELECT 1 FROM {table}").fetchone(), f"{table} has no row"


@pytest.mark.parametrize("version", fixture.versions())
def test_commands_print_the_same_after_a_migration(path: Path, version: int) -> None:
    migrated(version, path)
    now, then = fixture.printed(path), fixture.expected(version)
    assert [name for name in then if not covers(now[name], then[name])] == []


@pytest.mark.parametrize("version", EARLIER)
def test_the_backup_is_the_ledger_as_it_was(path: Path, version: int) -> None:
    fixture.write(version, path)
    path.chmod(0o640)
    before = content(path)
    done = migrate_now(path)
    assert (done.before, [done.backup]) == (version, backups(path))
    assert BACKUP.fullmatch(done.backup.name)[1] == str(version)  # type: ignore[index]
    assert content(done.backup) == before
    assert stat.S_IMODE(done.backup.stat().st_mode) == 0o640
    shutil.copy(done.backup, path)  # a return to the former version, and a second upgrade
    for end in ("-wal", "-shm"):
        Path(f"{path}{end}").unlink(missing_ok=True)
    assert migrate_now(path).before == version
    assert len(backups(path)) == 1


def test_a_ledger_of_this_layout_is_left_alone(path: Path) -> None:
    create(path)
    with exclusive_lock(path):
        assert migrate(path, lambda *_: None) is None
    assert backups(path) == []


def test_only_the_newest_backups_are_kept(path: Path) -> None:
    fixture.write(schema.OLDEST, path)
    others = [path.with_name(f"ledger.db.2020010{n}T000000Z-v{n}.backup") for n in range(1, 5)]
    for other in others:
        other.touch()
    (keep := path.with_name("ledger.db.backup")).touch()
    done = migrate_now(path)
    assert backups(path) == [*others[1 - KEPT :], done.backup]
    assert keep.exists()


def test_a_killed_migration_changes_nothing_and_is_made_again(path: Path) -> None:
    fixture.write(schema.OLDEST, path)
    ended = subprocess.run(
        [sys.executable, "-m", "support.ledgers.killed", str(path)],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        check=True,
        capture_output=True,
        text=True,
    )
    lines = [json.loads(line) for line in ended.stdout.splitlines()]
    killed, ends = lines[::2], lines[1::2]
    before = [version for version, _ in killed].count(schema.OLDEST)
    assert before >= 10, "the kills were not at each statement"
    assert [version for version, _ in killed] == sorted(version for version, _ in killed)
    assert {version for version, _ in ends} == {schema.VERSION}
    for _, files in ends:
        assert [name for name in files if "backup" in name] == [
            name for name in files if BACKUP.fullmatch(name)
        ]
        assert len([name for name in files if BACKUP.fullmatch(name)]) == 1


async def test_a_migration_needs_room_for_its_backup(path: Path, rig: Rig) -> None:
    disk = rig.path / "disk"
    disk.mkdir()
    fixture.write(schema.OLDEST, path)
    config = fixture.config_of(path)
    config.write_text(config.read_text().replace(str(path), f"{disk}/ledger.db"))
    words = ("ledger", "migrate", "--config", str(config))
    with own_mounts(disk) as mounts:
        mounts.mount("-t", "tmpfs", "-o", "size=20m", "tmpfs", disk)
        mounts.run("cp", path, disk)
        ended = await syncd(rig, *words, under=mounts.under)
        assert (ended.code, "make room" in ended.err) == (74, True), ended.err
        # That of an interrupted migration makes room for another one.
        mounts.mount("-o", "remount,size=40m", disk)
        interrupted = f"{disk}/ledger.db.20200101T000000Z-v{schema.OLDEST}.backup"
        mounts.run("dd", "if=/dev/zero", f"of={interrupted}", "bs=1M", "count=15")
        ended = await syncd(rig, *words, under=mounts.under)
        assert ended.code == 0, ended.err
        assert len(list(mounts.inside(disk).glob("*.backup"))) == 1


READS = [
    ("status",),
    ("find", "1.png"),
    ("log",),
    ("export",),
    ("deletions", "list"),
    ("ledger", "check"),
    ("ledger", "vacuum"),
]
CHANGES = [("pause", "main"), ("retry",)]


@pytest.mark.parametrize("words", [*READS, *CHANGES], ids=" ".join)
def test_commands_name_what_migrates_an_older_ledger(path: Path, words: tuple[str, ...]) -> None:
    fixture.write(schema.OLDEST, path)
    before = content(path)
    ended = fixture.run(path, *words)
    assert isinstance(ended.exception, LedgerOutdatedError)
    assert "start the daemon, or run `syncd ledger migrate`" in str(ended.exception)
    with exclusive_lock(path):
        ended = fixture.run(path, *words)
        assert "restart the daemon" in str(ended.exception)
    assert content(path) == before


def test_a_move_names_a_user_of_an_older_target_only_if_there_is_one(path: Path) -> None:
    older = path.with_name("older.db")
    fixture.write(schema.VERSION, path)
    fixture.write(schema.OLDEST, older)
    with closing(sqlite3.connect(path)) as db:
        (account,) = db.execute(
            "SELECT act FROM account JOIN replica ON account.id = account_id"
        ).fetchone()
    ended = fixture.run(path, "ledger", "move", f"act_{account}", "--to", str(older))
    assert isinstance(ended.exception, LedgerOutdatedError), ended.output
    assert str(older) in str(ended.exception)
    assert "start the daemon, or run `syncd ledger migrate`" in str(ended.exception)


def test_an_older_ledger_is_sound_for_a_check(path: Path) -> None:
    fixture.write(schema.OLDEST, path)
    assert "the next start backs it up and migrates it" in fixture.run(path, "check").stdout


def test_a_check_reports_a_disk_without_room_for_the_backup(path: Path) -> None:
    fixture.write(schema.OLDEST, path)
    assert ledger_facts(path).state is LedgerState.OUTDATED
    os.truncate(path, 2**42)  # sparse
    assert ledger_facts(path).state is LedgerState.FULL


def test_an_older_ledger_can_be_backed_up(path: Path) -> None:
    fixture.write(schema.OLDEST, path)
    ended = fixture.run(path, "ledger", "backup", str(copy := path.with_name("copy.db")))
    assert ended.exit_code == 0, ended.output
    assert content(copy) == content(path)


def test_the_command_migrates_once_no_process_uses_the_ledger(path: Path) -> None:
    fixture.write(schema.OLDEST, path)
    with exclusive_lock(path):
        assert "is in use by process" in str(fixture.run(path, "ledger", "migrate").exception)
    ended = fixture.run(path, "ledger", "migrate")
    assert f"version {schema.OLDEST} before, {schema.VERSION} now" in ended.stdout
    assert str(backups(path)[0]) in ended.stdout
    assert "already" in fixture.run(path, "ledger", "migrate").stdout


def test_a_backfill_on_a_terminal_migrates_before_its_question(
    path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    fixture.write(schema.OLDEST, path)
    config = load(fixture.config_of(path), {"SYNCD_TEST_TOKEN": "t" * 40})
    confirm_changes(config, select(config), opener(config, {}, lambda _: None))
    assert str(backups(path)[0]) in capsys.readouterr().err
    with reading(path):
        pass


async def test_a_process_from_before_a_migration_writes_nothing_after_it(path: Path) -> None:
    def migrate_by_a_newer_syncd() -> None:
        with closing(sqlite3.connect(path, isolation_level=None)) as other:
            other.execute(f"PRAGMA user_version = {schema.VERSION + 1}")

    async def write_late() -> None:
        async with open_ledger(path) as ledger:
            migrate_by_a_newer_syncd()
            await ledger.write(folders.declare(FolderName("late"), b"/late", []))

    create(path)
    with pytest.raises(LedgerUnusableError, match="newer syncd"):
        await write_late()
    with closing(sqlite3.connect(path)) as db:
        assert db.execute("SELECT * FROM folder").fetchall() == []


async def test_a_start_logs_the_migration_and_its_backup(path: Path) -> None:
    fixture.write(schema.OLDEST, path)
    steps: list[None] = []
    with capture_logs() as logs, exclusive_lock(path):
        await migrate_and_log(path, lambda: steps.append(None))
    assert [line["event"] for line in logs] == ["ledger.migrating", "ledger.migrated"]
    assert logs[0]["step"] == "backup"
    assert logs[1]["backup"] == str(backups(path)[0])
    assert (logs[1]["before"], logs[1]["version"]) == (schema.OLDEST, schema.VERSION)
    assert len(steps) >= 2, "each is a reason for more time from systemd"
