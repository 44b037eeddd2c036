"""The query plans of frequent statements: each uses an index, however many rows there are."""

import re
import sqlite3
from collections.abc import Callable, Iterator
from typing import Any, cast

import pytest

from syncd.ledger import (
    alerts,
    audits,
    condemned,
    copies,
    deletions,
    export,
    files,
    folders,
    integrity,
    queries,
    replicas,
    schema,
    vacuum,
)
from syncd.ledger.files import Content, Place
from syncd.model import AccountId, Digest, FolderName, HoldAbove, ImageHash, Stat

ONE = AccountId("1")
FILES = 3000


class Plans:
    """A connection that records the plan of each statement before it runs the statement."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db
        self.plans: list[str] = []

    def execute(self, sql: str, parameters: Any = ()) -> sqlite3.Cursor:
        if not sql.startswith("SELECT changes"):
            rows = self._db.execute(f"EXPLAIN QUERY PLAN {sql}", parameters)
            self.plans += [row[3] for row in rows]
        return self._db.execute(sql, parameters)

    def executemany(self, sql: str, rows: Any) -> None:
        for row in list(rows):
            self.execute(sql, row)


def digest(number: int) -> Digest:
    return Digest(number.to_bytes(32, "big"))


def fill(db: sqlite3.Connection) -> int:
    folder = folders.declare(FolderName("a"), b"/a", [ONE, AccountId("2")])(db)
    for n in range(FILES):
        place = Place(folder, b"d%d" % (n % 50), b"%d" % n)
        content = Content(digest=digest(n), size=7, format="PNG", width=1, height=1, unfit=None)
        files.record_all(
            [(place, Stat(device=1, inode=n, size=3, mtime_ns=4, ctime_ns=5), content)]
        )(db)
    return folder


@pytest.fixture(scope="module", params=["fresh", "sampled", "analyzed"])
def db(request: pytest.FixtureRequest) -> Iterator[sqlite3.Connection]:
    opened = sqlite3.connect(":memory:", isolation_level=None)
    schema.migrate(opened)
    fill(opened)
    if request.param == "sampled":  # as PRAGMA optimize does when the ledger is closed
        opened.execute("PRAGMA analysis_limit = 400")
    if request.param != "fresh":
        opened.execute("ANALYZE")
    yield opened
    opened.close()


STATEMENTS: dict[str, Callable[[Any], object]] = {
    "missing_after": replicas.missing_after(ONE, digest(5), 500),
    "facts": replicas.facts(ONE, [digest(n) for n in range(25)]),
    "sources": replicas.sources(ONE, digest(5)),
    "known_directory": files.known_directory(1, b"d1"),
    "known_files": files.known_files(1, b"", None),
    "known_files, a part": files.known_files(1, b"1", b"2"),
    "known_stat": files.known_stat(Place(1, b"d1", b"1")),
    "tally": queries.tally(ONE),
    "missing_bytes": queries.missing_bytes(ONE),
    "rejections": queries.rejections(ONE),
    "troubles": queries.troubles(ONE),
    "unreadable_files": queries.unreadable_files("a"),
    "account_summary": queries.account_summary(ONE),
    "folder_summary": queries.folder_summary("a"),
    "by_path": queries.by_path("a", b"d1", b"1"),
    "by_digest": queries.by_digest(digest(5)),
    "by_hash": queries.by_hash("ff00"),
    "record_all": files.record_all(
        [
            (
                Place(1, b"d1", b"1"),
                Stat(device=9, inode=9, size=9, mtime_ns=9, ctime_ns=9),
                Content(digest=digest(1), size=7, format=None, width=None, height=None, unfit=None),
            )
        ]
    ),
    "record_all_since": files.record_all_since(
        [
            (
                Place(1, b"d1", b"1"),
                Stat(device=9, inode=9, size=9, mtime_ns=9, ctime_ns=9),
                Content(digest=digest(1), size=7, format=None, width=None, height=None, unfit=None),
            )
        ],
        1.0,
    ),
    "all_alerts": alerts.all_alerts({ONE: "main"}, 1.0),
    "mark_missed": files.mark_missed(7, 3, [b"x"], [4]),
    "forget_missed": files.forget_missed(8),
    "unmark_missed": files.unmark_missed(7),
    "record_sending": replicas.record_sending(ONE, [digest(5)], 1.0),
    "record_not_held": replicas.record_not_held(ONE, ImageHash("ff00")),
    "count_missed": files.count_missed(7, 1),
    "condemn_missed": condemned.condemn_missed(8, 1.0),
    "spare_wanted": condemned.spare_wanted(),
    "due": deletions.due(ONE, 1.0, 1.0, 50),
    "deletion_facts": deletions.facts(ONE, digest(5), 1.0),
    "record_accepted": deletions.record_accepted(ONE, ImageHash("ff00"), 1.0),
    "to_confirm": deletions.to_confirm(ONE, 1.0, 50),
    "unconfirmed": deletions.unconfirmed(ONE, ImageHash("ff00")),
    "record_gone": deletions.record_gone(ONE, ImageHash("ff00")),
    "hold_excess": condemned.hold_excess(HoldAbove(20, 0.1)),
    "held_deletions": condemned.held_deletions(5),
    "holders": copies.holders(AccountId("2"), [digest(n) for n in range(25)], 1.0),
    "expected": copies.expected(AccountId("2"), [digest(n) for n in range(25)], 1.0),
    "held_after": audits.held_after(ONE, digest(5), 50),
    "known_hashes": audits.known_hashes(ONE, [ImageHash("ff00")]),
    "export": export.page(export.Key(7, b"5"), 50),
    "counts": integrity.counts(0),
    "drop_unreferenced": vacuum.drop_unreferenced(0),
    "record_trouble": replicas.record_trouble(ONE, [digest(5)], "HTTP 500"),
}


@pytest.mark.parametrize("name", STATEMENTS)
def test_no_table_that_grows_is_scanned(db: sqlite3.Connection, name: str) -> None:
    plans = Plans(db)
    STATEMENTS[name](cast("sqlite3.Connection", plans))
    assert plans.plans
    for line in plans.plans:
        assert not re.match(r"SCAN (file|replica|image|directory|answer)\b", line), plans.plans


@pytest.mark.parametrize("name", ["tally", "troubles", "missing_after"])
def test_a_periodic_statement_reads_only_an_index(db: sqlite3.Connection, name: str) -> None:
    plans = Plans(db)
    STATEMENTS[name](cast("sqlite3.Connection", plans))
    searches = [p for p in plans.plans if p.startswith("SEARCH") and "replica_rejected" not in p]
    assert searches
    assert all("COVERING INDEX" in search for search in searches)


def test_recording_a_file_reads_only_missed_directories(db: sqlite3.Connection) -> None:
    plans = Plans(db)
    STATEMENTS["record_all"](cast("sqlite3.Connection", plans))
    assert any("directory_missed" in line for line in plans.plans)
    assert not any(
        line.startswith("SEARCH directory") and line.endswith("(folder_id=?)")
        for line in plans.plans
    )


@pytest.mark.parametrize("trigger", ["file_comes", "file_goes", "file_changes"])
def test_a_trigger_of_files_finds_replicas_by_their_key(
    db: sqlite3.Connection, trigger: str
) -> None:
    (sql,) = db.execute("SELECT sql FROM sqlite_schema WHERE name = ?", (trigger,)).fetchone()
    body = sql.partition("BEGIN\n")[2]
    statements = re.sub(r"\b(OLD|NEW)\.\w+", "?", body.rpartition("END")[0]).split(";")[:-1]
    for statement in statements:
        plan = db.execute(f"EXPLAIN QUERY PLAN {statement}", (None,) * statement.count("?"))
        for line in [row[3] for row in plan]:
            assert not re.match(r"SCAN (file|replica|image|directory)\b", line), line
            if line.startswith("SEARCH replica"):
                assert line.endswith("USING PRIMARY KEY (account=? AND digest=?)"), line


def test_the_files_of_a_directory_are_stored_in_the_order_of_their_names(
    db: sqlite3.Connection,
) -> None:
    plans = Plans(db)
    STATEMENTS["known_files, a part"](cast("sqlite3.Connection", plans))
    assert [line.partition(" (")[0] for line in plans.plans] == ["SEARCH file USING PRIMARY KEY"]
