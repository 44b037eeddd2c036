"""An account that is moved to the ledger of another machine, in two real ledgers."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from syncd.ledger import moved_account
from syncd.ledger.file import connect_writer
from syncd.model import AccountId

ACCOUNT, OTHER = AccountId("7"), AccountId("8")


@pytest.fixture
def source(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    """A ledger with two accounts, and a row of account 7 in every table about accounts."""
    with closing(connect_writer(tmp_path / "source.db")) as db:
        db.executescript(
            """
            INSERT INTO account (id, act, tier, largest_body)
                VALUES (5, '8', NULL, 0), (6, '7', 'standard', 9);
            INSERT INTO folder (id, name, path) VALUES (3, 'spring', x'2f73');
            INSERT INTO directory (id, folder_id, parent_id, path)
                VALUES (1, 3, NULL, x''), (2, 3, 1, x'61');
            INSERT INTO image (id, sha256, size)
                VALUES (11, zeroblob(32), 1), (12, randomblob(32), 2), (13, randomblob(32), 3);
            INSERT INTO route VALUES (3, 6, 0), (3, 5, 1);
            INSERT INTO replica (account_id, image_id, wanted, hash)
                VALUES (6, 12, 1, 'h12'), (6, 13, 0, 'h13'), (5, 11, 1, 'x');
            INSERT INTO deletion (account_id, image_id, folder_id, path, directory_id, found_at,
                found_age, state)
                VALUES (6, 13, 3, x'612f62', 2, 5.0, 100.0, 'held');
            INSERT INTO kept VALUES (6, 12, 3, x'63', 'keep', 1.0);
            INSERT INTO unanswered VALUES (6, 12, 'name a', 1.0, 2.0);
            INSERT INTO own VALUES (6, 'gone', 1.0, 2.0);
            INSERT INTO former_hash VALUES (12, 6, 'old');
            INSERT INTO audit (account_id, position, began_at, ended_at) VALUES (6, 12, 3.0, 1.0);
            INSERT INTO learned
                VALUES (6, 0, 'body_size', 5, 1.0, 2.0), (6, 5, 'no_copy', NULL, 1.0, 2.0);
            INSERT INTO pause (account_id, kind, why, since, consecutive)
                VALUES (6, 'stopped', 'w', 1.0, 1);
            INSERT INTO operator_pause VALUES (6, 1.0, NULL, 'w', 'u');
            INSERT INTO api_call (account_id, at, points, images, process)
                VALUES (6, 1.0, 3, 1, 0), (6, 1.0, 3, 1, 0);
            INSERT INTO kept_hash VALUES (6, 'k', 1.0);
            INSERT INTO activity
                VALUES (3, 6, 9, 1, 50, 2, 3, 700, 60), (3, 5, 1, 0, 1, 0, 0, 2, 0);
            """
        )
        yield db


@pytest.fixture
def target(tmp_path: Path, source: sqlite3.Connection) -> Iterator[sqlite3.Connection]:
    """A ledger with other ids, in which the source is attached."""
    with closing(connect_writer(tmp_path / "target.db")) as db:
        db.executescript(
            """
            INSERT INTO account (id, act) VALUES (1, '9');
            INSERT INTO image (id, sha256, size)
                VALUES (1, x'0101010101010101010101010101010101010101010101010101010101010101', 1);
            """
        )
        db.execute("ATTACH ? AS other", (str(tmp_path / "source.db"),))
        yield db


def transact(db: sqlite3.Connection, statement: Any) -> None:
    db.execute("BEGIN IMMEDIATE")
    statement(db)
    db.execute("COMMIT")


def facts(db: sqlite3.Connection) -> dict[str, list[Any]]:
    """Return what a ledger has about account 7, with digests and names in place of ids."""
    image = "(SELECT hex(sha256) FROM main.image WHERE id = image_id)"
    folder = "(SELECT name FROM main.folder WHERE id = folder_id)"
    columns = {
        "replica": f"{image}, hash",
        "deletion": f"{image}, {folder}, path, found_at, state,"
        " (SELECT path FROM main.directory WHERE id = directory_id)",
        "kept": f"{image}, {folder}, path, reason, kept_at",
        "unanswered": f"{image}, sent_as, first_at, last_at",
        "kept_hash": "hash, kept_at",
        "own": "hash, sent_at, deleted_at",
        "former_hash": f"{image}, hash",
        "audit": "ended_at",
        "learned": "what, value, since, retry_at",
        "pause": "kind, why, since, until, consecutive, remedy",
        "operator_pause": "since, until, why, user",
        "api_call": "at, points, images",
        "activity": "hour, calls, throttled, uploaded, copied, deleted, budget, blocked",
    }
    return {
        table: db.execute(
            f"SELECT {what} FROM main.{table}"
            " WHERE account_id = (SELECT id FROM main.account WHERE act = '7') ORDER BY 1, 2"
            if "," in what
            else f"SELECT {what} FROM main.{table}"
            " WHERE account_id = (SELECT id FROM main.account WHERE act = '7')"
        ).fetchall()
        for table, what in columns.items()
    }


def test_each_table_about_accounts_is_moved_or_left_on_purpose(target: sqlite3.Connection) -> None:
    tables = target.execute("SELECT name FROM main.sqlite_schema WHERE type = 'table'").fetchall()
    about = {
        table
        for (table,) in tables
        if any(row[1] == "account_id" for row in target.execute(f"PRAGMA table_info({table})"))
    }
    assert about == {*moved_account.TABLES, *moved_account.ROUTES, "history"}


@pytest.mark.parametrize("times", [1, 2])
def test_a_moved_account_has_every_fact_in_the_target_however_often_it_is_moved(
    source: sqlite3.Connection, target: sqlite3.Connection, times: int
) -> None:
    expected = facts(source)
    assert all(expected.values())
    expected["learned"] = [row for row in expected["learned"] if row[0] != "no_copy"]
    for _ in range(times):  # the process ended before the source was changed
        transact(target, moved_account.receive(ACCOUNT, "/a.db", "ann"))
    transact(source, moved_account.release(ACCOUNT, "/b.db", "ann"))
    assert facts(target) == expected
    assert target.execute("SELECT found_age, wanted FROM deletion, replica").fetchall() == [
        (None, 0),
        (None, 0),
    ]
    row = "SELECT tier, largest_body FROM main.account WHERE act = '7'"
    assert target.execute(row).fetchone() == ("standard", 9)
    assert not target.execute("PRAGMA main.foreign_key_check").fetchall()


def test_a_released_account_leaves_the_others_as_they_were(source: sqlite3.Connection) -> None:
    transact(source, moved_account.release(ACCOUNT, "/b.db", "ann"))
    assert not moved_account.has(ACCOUNT)(source)
    assert moved_account.has(OTHER)(source)
    assert source.execute("SELECT count(*) FROM route").fetchone() == (1,)
    assert not source.execute("PRAGMA foreign_key_check").fetchall()


def test_both_ledgers_record_a_move(source: sqlite3.Connection, target: sqlite3.Connection) -> None:
    transact(target, moved_account.receive(ACCOUNT, "/a.db", "ann"))
    transact(source, moved_account.release(ACCOUNT, "/b.db", "ann"))
    for db, where in ((target, "from /a.db"), (source, "to /b.db")):
        rows = db.execute(
            "SELECT act, what, why, user FROM main.history"
            " JOIN main.account ON account.id = account_id"
        )
        assert rows.fetchall() == [("7", "moved", where, "ann")]


def test_the_target_keeps_what_its_own_files_require(
    source: sqlite3.Connection, target: sqlite3.Connection
) -> None:
    transact(target, moved_account.receive(ACCOUNT, "/a.db", "ann"))
    target.execute("UPDATE replica SET wanted = 1 WHERE hash = 'h12'")
    transact(target, moved_account.receive(ACCOUNT, "/a.db", "ann"))
    rows = target.execute("SELECT hash, wanted FROM replica ORDER BY 1").fetchall()
    assert rows == [("h12", 1), ("h13", 0)]
