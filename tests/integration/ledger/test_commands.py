"""`syncd ledger backup`, `check` and `vacuum`, with and without a running daemon."""

# ruff: noqa: ASYNC240  blocking the loop of a test delays nothing

import sqlite3
import stat
from contextlib import closing
from hashlib import sha256
from pathlib import Path

import pytest
from support.pictures import picture
from support.process import Ended, running, syncd
from support.rig import Rig, until

from syncd.ledger import backup, files, folders, integrity, missed, replicas, vacuum
from syncd.ledger.database import open_ledger, owned
from syncd.ledger.file import changing, maintaining, reading
from syncd.ledger.files import Content, Place
from syncd.ledger.kept import KeepReason
from syncd.ledger.wanted import refresh_next
from syncd.model import AccountId, Digest, Entry, FolderName, ImageHash, Stat

ONE = AccountId("1")
STAT = Stat(device=1, inode=2, size=3, mtime_ns=4, ctime_ns=5)


async def on_ledger(rig: Rig, *words: str) -> Ended:
    return await syncd(rig, "ledger", *words, "--config", str(rig.write_config()))


def digest(number: int) -> Digest:
    return Digest(sha256(b"%d" % number).digest())


def content(number: int) -> Content:
    return Content(digest=digest(number), size=7, format="PNG", width=1, height=1, unfit=None)


async def fill(path: Path, count: int = 20) -> int:
    async with open_ledger(path) as ledger:
        folder = await ledger.write(folders.declare(FolderName("spring"), b"/s", [ONE]))
        await ledger.write(
            files.record_all(
                [(Place(folder, b"", b"%d" % n), STAT, content(n)) for n in range(count)]
            )
        )
    return folder


def execute(path: Path, *statements: str) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        for statement in statements:
            db.execute(statement)


def rows(path: Path, sql: str) -> list[tuple[object, ...]]:
    with closing(sqlite3.connect(path)) as db:
        return db.execute(sql).fetchall()


def names_next_to(path: Path) -> set[str]:
    return {entry.name for entry in path.parent.iterdir()}


async def test_a_backup_made_while_the_daemon_runs_is_a_complete_ledger(rig: Rig) -> None:
    first, second = picture(1), picture(2)
    rig.write("a.png", first)
    copy = rig.path / "backup" / "ledger.db"
    copy.parent.mkdir()
    async with running(rig):
        await until(lambda: rig.recorded(first) is not None)
        ended = await on_ledger(rig, "backup", str(copy))
        assert ended.code == 0, ended.err
        rig.write("b.png", second)
        await until(lambda: rig.recorded(second) is not None)
    assert names_next_to(copy) == {"ledger.db"}
    assert stat.S_IMODE(copy.stat().st_mode) == 0o600
    # A daemon that starts with the backup sends only the image that is not in it.
    for end in ("", "-wal", "-shm"):
        Path(f"{rig.ledger}{end}").unlink(missing_ok=True)
    copy.rename(rig.ledger)
    calls = rig.sandbox.counts.images()
    await rig.backfill()
    assert rig.sandbox.counts.images() == calls + 1
    assert rig.recorded(first) is not None


async def test_a_backup_is_a_snapshot_while_another_process_writes(tmp_path: Path) -> None:
    path, copy = tmp_path / "ledger.db", tmp_path / "copy.db"
    await fill(path, 2000)
    steps = []

    def write_meanwhile(done: float) -> None:
        steps.append(done)
        execute(path, "UPDATE replica SET last_error = 'x' || coalesce(last_error, '')")

    backup.back_up(path, copy, write_meanwhile, step=5)
    assert steps == sorted(steps)
    assert len(steps) > 10
    assert rows(copy, "SELECT DISTINCT last_error FROM replica") == [(None,)]


async def test_a_backup_overwrites_only_an_older_backup(rig: Rig) -> None:
    await fill(rig.ledger)
    copy, words = rig.path / "copy.db", rig.path / "words"
    words.write_text("mine")
    link = rig.path / "link"
    link.symlink_to(words)
    assert (await on_ledger(rig, "backup", str(copy))).code == 0
    before = copy.stat().st_ino
    execute(rig.ledger, "DELETE FROM file")
    for target in (copy, words, link):
        ended = await on_ledger(rig, "backup", str(target))
        assert (ended.code, ended.out) == (1, "")
        assert "exists already" in ended.err
    assert copy.stat().st_ino == before
    for target, why in (
        (words, "is not a backup"),
        (link, "not a regular file"),
        (rig.path, "not a regular file"),
    ):
        ended = await on_ledger(rig, "backup", "--replace", str(target))
        assert ended.code == 1
        assert why in ended.err
    assert words.read_text() == "mine"
    assert (await on_ledger(rig, "backup", "--replace", str(copy))).code == 0
    assert rows(copy, "SELECT count(*) FROM file") == [(0,)]


async def test_a_ledger_in_use_is_not_overwritten_by_a_backup(rig: Rig) -> None:
    await fill(rig.ledger)
    with owned(rig.ledger):
        ended = await on_ledger(rig, "backup", "--replace", str(rig.ledger))
    assert ended.code == 1
    assert "in use as a ledger" in ended.err


async def test_a_stopped_ledger_is_not_overwritten_by_a_backup(rig: Rig) -> None:
    await fill(rig.ledger)
    other, copy = rig.path / "other.db", rig.path / "copy.db"
    await fill(other)
    ended = await on_ledger(rig, "backup", "--replace", str(other))
    assert ended.code == 1
    assert "is a ledger, not a backup" in ended.err
    assert (await on_ledger(rig, "backup", str(copy))).code == 0
    assert (await on_ledger(rig, "backup", "--replace", str(copy))).code == 0
    await fill(copy)  # restored and used, it is a ledger
    ended = await on_ledger(rig, "backup", "--replace", str(copy))
    assert "is a ledger, not a backup" in ended.err


async def test_a_file_that_is_created_during_a_backup_is_not_overwritten(tmp_path: Path) -> None:
    path, copy = tmp_path / "ledger.db", tmp_path / "copy.db"
    await fill(path)

    def create(_done: float) -> None:
        copy.write_text("mine")

    with pytest.raises(backup.BackupError, match="meanwhile"):
        backup.back_up(path, copy, create)
    assert copy.read_text() == "mine"
    assert not any(name.startswith(".copy.db") for name in names_next_to(copy))


def damage(path: Path) -> None:
    """Overwrite a page that is not read when the ledger is opened."""
    execute(path, "PRAGMA wal_checkpoint(TRUNCATE)")
    (root,) = rows(path, "SELECT rootpage FROM sqlite_schema WHERE name = 'file_by_image'")[0]
    assert isinstance(root, int)
    with path.open("r+b") as file:
        file.seek((root - 1) * 4096)
        file.write(b"\xff" * 4096)


async def test_a_backup_of_a_damaged_ledger_does_not_replace_an_older_backup(rig: Rig) -> None:
    copy = rig.path / "copy.db"
    await fill(rig.ledger, 500)
    assert (await on_ledger(rig, "backup", str(copy))).code == 0
    before = copy.stat().st_ino
    damage(rig.ledger)
    ended = await on_ledger(rig, "backup", "--replace", str(copy))
    assert ended.code == 65
    assert "is damaged" in ended.err
    assert copy.stat().st_ino == before
    assert not any(name.startswith(".copy.db") for name in names_next_to(copy))


async def test_a_backup_reports_a_missing_ledger_and_a_missing_directory(rig: Rig) -> None:
    ended = await on_ledger(rig, "backup", str(rig.path / "copy.db"))
    assert ended.code == 1
    assert "no ledger at" in ended.err
    await fill(rig.ledger)
    ended = await on_ledger(rig, "backup", str(rig.path / "no" / "copy.db"))
    assert ended.code == 74
    assert ended.err.endswith("cannot be written: No such file or directory\n")


async def test_check_finds_a_sound_ledger_sound_while_the_daemon_runs(rig: Rig) -> None:
    rig.write("a.png", picture(1))
    async with running(rig):
        await until(lambda: rig.recorded(picture(1)) is not None)
        ended = await on_ledger(rig, "check")
    assert (ended.code, ended.err) == (0, "")
    assert [line[:3] for line in ended.out.splitlines()] == ["ok "] * 3


async def test_check_exits_with_65_for_damaged_pages(rig: Rig) -> None:
    await fill(rig.ledger, 500)
    damage(rig.ledger)
    ended = await on_ledger(rig, "check")
    assert ended.code == 65
    assert "is damaged" in ended.err


@pytest.mark.parametrize(
    "wrong",
    [
        "UPDATE replica SET wanted = 0 WHERE image_id = (SELECT min(image_id) FROM replica)",
        "UPDATE replica SET wanted = 0 WHERE image_id = (SELECT max(image_id) FROM replica)",
        "DELETE FROM replica WHERE image_id = (SELECT image_id FROM file WHERE name = x'33')",
        """INSERT INTO account (id, act) VALUES (9, '9');
        INSERT INTO replica (account_id, image_id, wanted) VALUES (9, 1, 1)""",
    ],
)
async def test_check_finds_a_replica_that_does_not_match_the_files(rig: Rig, wrong: str) -> None:
    await fill(rig.ledger)
    assert (await on_ledger(rig, "check")).code == 0
    execute(rig.ledger, *wrong.split(";"))
    ended = await on_ledger(rig, "check")
    assert ended.code == 65
    assert "BAD wanted replicas" in ended.out
    assert ended.out.count("    replica of ") == 1
    assert "does not match its files" in ended.err


async def test_check_finds_a_dangling_reference(rig: Rig) -> None:
    await fill(rig.ledger)
    execute(rig.ledger, "DELETE FROM image WHERE id = (SELECT min(id) FROM image)")
    ended = await on_ledger(rig, "check")
    assert ended.code == 65
    assert "BAD references" in ended.out
    assert "a row of file refers to a row of image that does not exist" in ended.out


async def test_counts_are_right_after_folders_are_added_and_removed(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    folder = await fill(path)
    with changing(path) as db:
        files.record_all([(Place(folder, b"", b"again"), STAT, content(1))])(db)
        other = folders.declare(FolderName("b"), b"/b", [ONE, AccountId("2")])(db)
        files.record_all([(Place(other, b"", b"1"), STAT, content(1))])(db)
        files.record_all([(Place(other, b"", b"2"), STAT, "Permission denied")])(db)
        folders.retire_others([FolderName("b")])(db)
        while refresh_next(3)(db):
            pass
    with reading(path) as db:
        assert [found for found in integrity.all_wanted(db) if found] == []


async def test_vacuum_drops_only_unreferenced_images(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    folder = await fill(path, 6)
    with changing(path) as db:
        # 0 has a file, 1 is held, 2 is rejected, 3 is condemned, 4 is unreferenced, and 5 is in
        # the history.
        replicas.record_held(ONE, [(digest(1), Entry(hash=ImageHash("ff")))], 1.0)(db)
        replicas.record_rejected(ONE, digest(2), "no")(db)
        missed.mark(1, 1, [b"1", b"2", b"3", b"4", b"5"], [])(db)
        missed.forget(1, KeepReason.SUSPECT)(db)
        forget = "DELETE FROM history WHERE image_id <> (SELECT id FROM image WHERE sha256 = ?)"
        db.execute(forget, (digest(5),))
        db.execute(
            "INSERT INTO deletion (account_id, image_id, folder_id, path, found_at)"
            " SELECT 1, id, ?, x'', 1 FROM image WHERE sha256 = ?",
            (folder, digest(3)),
        )
    with maintaining(path) as db:
        assert sum(vacuum.drop_all_unreferenced(db)) == 1
        kept = {row[0] for row in db.execute("SELECT sha256 FROM image")}
    assert kept == {digest(n) for n in (0, 1, 2, 3, 5)}
    with reading(path) as db:
        assert integrity.references()(db) == []


async def test_vacuum_shrinks_the_file_while_the_daemon_continues(rig: Rig) -> None:
    folder = await fill(rig.ledger, 20_000)
    with changing(rig.ledger) as db:
        missed.mark(1, 1, [], [1])(db)
        assert missed.forget(1, KeepReason.SUSPECT)(db) == 20_000
        db.execute("DELETE FROM history")
    assert folder
    first, second = picture(1), picture(2)
    rig.write("a.png", first)
    async with running(rig) as daemon:
        await until(lambda: rig.recorded(first) is not None)
        ended = await on_ledger(rig, "vacuum")
        assert ended.code == 0, ended.err
        assert ended.out.startswith("20,000 images removed")
        assert rig.ledger.stat().st_size < 500_000
        rig.write("b.png", second)
        await until(lambda: rig.recorded(second) is not None)
        assert await daemon.end() == 0
    assert (await on_ledger(rig, "check")).code == 0


async def test_vacuum_of_a_large_ledger_is_aborted_before_it_blocks_the_daemon(rig: Rig) -> None:
    await fill(rig.ledger, 5000)
    execute(rig.ledger, "DELETE FROM file", "PRAGMA wal_checkpoint(TRUNCATE)")
    size = rig.ledger.stat().st_size
    with maintaining(rig.ledger) as db:
        with pytest.raises(vacuum.VacuumAbortedError, match="stop the daemon"):
            vacuum.vacuum_online(db, limit=0.0)
        assert not db.in_transaction
        assert rig.ledger.stat().st_size == size
        # `vacuum` has no limit.
        vacuum.vacuum(db)
    assert rig.ledger.stat().st_size < size


async def test_no_command_creates_a_missing_ledger(rig: Rig) -> None:
    for word in ("check", "vacuum"):
        ended = await on_ledger(rig, word)
        assert ended.code == 1
        assert "no ledger at" in ended.err
    assert not any(name.startswith("ledger") for name in names_next_to(rig.ledger))
