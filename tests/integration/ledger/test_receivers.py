"""Receivers of notifications: the position of each in the history, and the alerts it knows."""

import hashlib
import sqlite3

import pytest

from syncd.ledger import files, folders, history, receivers, replicas, schema
from syncd.ledger.files import Content, Place
from syncd.ledger.history import What
from syncd.ledger.receivers import KnownAlert, Pending, Position
from syncd.model import AccountId, Digest, Entry, FolderName, ImageHash, Stat

ONE = AccountId("1")
DIGESTS = [Digest(hashlib.sha256(bytes([n])).digest()) for n in range(30)]
HELD = ["uploaded", "copied", "restored"]
STOPPED = KnownAlert("account.stopped", "accounts.main", 5.0)


@pytest.fixture
def db() -> sqlite3.Connection:
    db = sqlite3.connect(":memory:", isolation_level=None)
    schema.create(db)
    folders.declare(FolderName("spring"), b"/spring", [ONE])(db)
    receivers.register(["new"])(db)
    return db


def find(db: sqlite3.Connection, count: int) -> None:
    stat = Stat(device=1, inode=1, size=7, mtime_ns=1, ctime_ns=1)
    files.record_all(
        [
            (
                Place(1, b"", b"%d.jpg" % n),
                stat,
                Content(digest=DIGESTS[n], size=7, format="PNG", width=1, height=1, unfit=None),
            )
            for n in range(count)
        ]
    )(db)


def hold(db: sqlite3.Connection, *numbers: int) -> None:
    held = [(DIGESTS[n], Entry(hash=ImageHash(f"hash{n}"))) for n in numbers]
    replicas.record_held(ONE, held, 1.0)(db)


def pending(db: sqlite3.Connection, limit: int = 100, *, summed: bool = False) -> Pending:
    return receivers.pending("new", HELD, limit, summed=summed)(db)


def paths(found: Pending) -> list[bytes | None]:
    return [row.path for row in found.rows]


def test_a_receiver_gets_each_image_that_is_held_after_it_was_registered(
    db: sqlite3.Connection,
) -> None:
    find(db, 3)
    hold(db, 0, 1)
    assert paths(pending(db)) == [b"0.jpg", b"1.jpg"]
    assert [(row.hash, row.digest) for row in pending(db).rows] == [
        ("hash0", DIGESTS[0]),
        ("hash1", DIGESTS[1]),
    ]
    receivers.register(["new", "later"])(db)
    assert receivers.position("later")(db) == Position(pending(db).end, None)


def test_what_a_receiver_has_accepted_is_not_pending_again(db: sqlite3.Connection) -> None:
    find(db, 3)
    hold(db, 0)
    receivers.accept("new", pending(db).end, 7.0)(db)
    hold(db, 1)
    assert paths(pending(db)) == [b"1.jpg"]
    assert receivers.position("new")(db).sent_at == 7.0


def test_a_page_ends_with_the_images_of_a_commit(db: sqlite3.Connection) -> None:
    find(db, 6)
    hold(db, 0, 1, 2)
    hold(db, 3, 4)
    first = pending(db, limit=2)
    assert paths(first) == [b"0.jpg", b"1.jpg", b"2.jpg"]
    assert first.counts == {"uploaded": 3}
    receivers.accept("new", first.end, 7.0)(db)
    assert paths(pending(db, limit=3)) == [b"3.jpg", b"4.jpg"]


def test_a_summary_counts_every_image_and_returns_some(db: sqlite3.Connection) -> None:
    find(db, 6)
    hold(db, 0, 1)
    hold(db, 2, 3)
    hold(db, 4)
    found = pending(db, limit=1, summed=True)
    assert paths(found) == [b"0.jpg", b"1.jpg"]
    assert (found.counts, found.end) == ({"uploaded": 5}, 4)


def test_rows_that_do_not_concern_a_receiver_are_passed_over(db: sqlite3.Connection) -> None:
    find(db, 2)
    found = pending(db)
    assert (found.rows, found.end, found.counts, found.removed) == ([], 1, {}, 0)
    hold(db, 0)
    assert receivers.pending("new", HELD, 100, seen=2)(db).rows == []
    receivers.skip("new", found.end)(db)
    receivers.skip("new", 0)(db)
    assert receivers.position("new")(db) == Position(1, None)


def test_rows_that_were_removed_before_they_were_accepted_are_counted(
    db: sqlite3.Connection,
) -> None:
    find(db, 4)
    for number in range(4):
        hold(db, number)
    db.execute("UPDATE history SET at = id")
    while history.forget_before(4)(db):
        pass
    found = pending(db)
    assert (found.removed, paths(found)) == (3, [b"2.jpg", b"3.jpg"])
    assert {row.what for row in found.rows} == {What.UPLOADED}


def test_a_receiver_knows_alerts_until_it_knows_that_they_have_ended(
    db: sqlite3.Connection,
) -> None:
    receivers.accept("new", 0, 7.0, begun=[STOPPED])(db)
    receivers.accept("new", 0, 8.0, begun=[KnownAlert(STOPPED.event, STOPPED.subject, 6.0)])(db)
    assert receivers.known("new")(db) == [STOPPED]
    receivers.accept("new", 0, 9.0, ended=[STOPPED])(db)
    assert receivers.known("new")(db) == []


def test_a_receiver_that_is_no_longer_registered_is_forgotten(db: sqlite3.Connection) -> None:
    receivers.accept("new", 0, 7.0, begun=[STOPPED])(db)
    receivers.register(["other"])(db)
    assert db.execute("SELECT code FROM receiver").fetchall() == [("other",)]
    assert receivers.known("new")(db) == []
    receivers.know("new", begun=[STOPPED], ended=[])(db)  # by a notification under way
    assert receivers.known("new")(db) == []
