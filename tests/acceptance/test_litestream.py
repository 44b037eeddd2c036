"""A ledger that Litestream replicates, a machine that is lost, and another one that continues."""

import shutil
import signal
import sqlite3
import stat
from contextlib import closing
from pathlib import Path

import pytest
from support.ledgers import fixture
from support.litestream import Litestream, litestream
from support.pictures import picture
from support.process import running, syncd
from support.rig import Rig, until
from support.waiting import wait_until

from syncd.ledger import schema
from syncd.ledger.file import connect_writer
from syncd.ledger.lock import exclusive_lock
from syncd.ledger.migration import migrate
from syncd.ledger.vacuum import vacuum_online

HELD = "SELECT count(*) FROM replica WHERE hash IS NOT NULL"

REPLICATED, LATEST = 12, 3
"""Images that the replica knows when the machine is lost, and those that it may not know."""


@pytest.fixture
def replica(rig: Rig) -> Litestream:
    return litestream(rig.ledger)


async def test_a_restored_ledger_sends_again_only_what_the_replica_had_not_got(
    rig: Rig, replica: Litestream
) -> None:
    contents = [picture(number) for number in range(REPLICATED + LATEST)]
    for number in range(REPLICATED):
        rig.write(f"{number}.jpg", contents[number])
    async with running(rig) as daemon:
        with replica.replicating():
            await until(lambda: all(map(rig.recorded, contents[:REPLICATED])))
            replica.wait_until_replicated(HELD, [(REPLICATED,)])
            for number in range(REPLICATED, len(contents)):
                rig.write(f"{number}.jpg", contents[number])
            await until(lambda: all(map(rig.holds, contents)))
        await daemon.end(signal.SIGKILL)
    replica.lose()

    replica.restore()
    assert stat.S_IMODE(rig.ledger.stat().st_mode) == 0o600
    ended = await syncd(rig, "ledger", "check", "--config", str(rig.write_config()))
    assert ended.code == 0, ended.out
    async with running(rig) as daemon:
        await until(lambda: all(map(rig.recorded, contents)))
        with replica.replicating():  # from the new machine, into the same place
            replica.wait_until_replicated(HELD, [(len(contents),)])
        assert await daemon.end() == 0
    assert rig.sandbox.counts.repeated_uploads("1") <= LATEST
    assert rig.sandbox.counts.calls("1", "delete") == 0
    assert all(map(rig.holds, contents))


def add_images(db: sqlite3.Connection, number: int) -> None:
    db.execute(
        """
        INSERT INTO image (sha256, size)
        WITH RECURSIVE counted (n) AS (
            SELECT 1 UNION ALL SELECT n + 1 FROM counted WHERE n < ?
        )
        SELECT randomblob(32), n FROM counted
        """,
        (number,),
    )


def salt(wal: Path) -> bytes:
    """Return the number of a WAL, which changes when SQLite begins again at its start."""
    return wal.read_bytes()[16:24]


def test_checkpoints_a_migration_and_a_vacuum_work_next_to_litestream(tmp_path: Path) -> None:
    fixture.write(schema.OLDEST, ledger := tmp_path / "ledger.db")
    replica, wal = litestream(ledger), tmp_path / "ledger.db-wal"
    images = "SELECT count(*), sum(id) FROM image"
    with exclusive_lock(ledger), replica.replicating():
        replica.wait_until_replicated("PRAGMA user_version", [(schema.OLDEST,)])
        migrate(ledger, lambda *_: None)
        with closing(connect_writer(ledger)) as db:
            add_images(db, 100_000)
            before = salt(wal)

            def begins_again() -> bool:
                add_images(db, 1)
                return salt(wal) != before

            wait_until(begins_again)  # the WAL does not grow without end
            db.execute("DELETE FROM image WHERE id > 1000 AND id % 100")
            vacuum_online(db)
            left = db.execute(images).fetchall()
            replica.wait_until_replicated(images, left)
    replica.lose()
    replica.restore()
    with closing(sqlite3.connect(ledger)) as db:
        assert db.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert db.execute("PRAGMA user_version").fetchone() == (schema.VERSION,)
        assert db.execute(images).fetchall() == left


def test_a_backup_is_replicated_that_was_restored_while_litestream_was_stopped(
    tmp_path: Path,
) -> None:
    fixture.write(schema.OLDEST, ledger := tmp_path / "ledger.db")
    replica = litestream(ledger)
    version = "PRAGMA user_version"
    with replica.replicating():
        with exclusive_lock(ledger):
            done = migrate(ledger, lambda *_: None)
        assert done is not None
        replica.wait_until_replicated(version, [(schema.VERSION,)])
    for end in ("-wal", "-shm"):
        ledger.with_name(ledger.name + end).unlink(missing_ok=True)
    shutil.copy(done.backup, ledger)
    with replica.replicating():
        replica.wait_until_replicated(version, [(schema.OLDEST,)])
