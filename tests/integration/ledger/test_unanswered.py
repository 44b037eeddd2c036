"""The ledger's records of calls without a response, and of the images that they sent."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing

import pytest
from msgspec.structs import replace

from syncd.ledger import condemned, files, folders, kept, missed, replicas, schema, unanswered
from syncd.ledger.files import Content, Place
from syncd.ledger.kept import KeepReason
from syncd.ledger.unanswered import UnansweredImage
from syncd.model import (
    AccountId,
    Deletions,
    Digest,
    Entry,
    FolderName,
    HoldAbove,
    ImageHash,
    ImageStatus,
    Listed,
    Moment,
    Sent,
    Stat,
)
from syncd.rules.unanswered import Copied, Named, SentCalls

ACCOUNT = AccountId("1")
ONE, TWO = (Digest(bytes([n]) * 32) for n in (1, 2))
STAT = Stat(device=1, inode=2, size=3, mtime_ns=4, ctime_ns=5)
SENT_AT, ENDED = 1000.0, 1001.0
FOUND = Listed(
    hash=ImageHash("ff00"),
    name="a.jpg",
    status=ImageStatus.ACTIVE,
    created_at=SENT_AT,
    used=False,
    pixels=(40, 30),
)


@pytest.fixture
def db() -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as opened:
        schema.create(opened)
        folders.declare(FolderName("a"), b"/a", [ACCOUNT], Deletions.PROPAGATE)(opened)
        yield opened


def put(db: sqlite3.Connection, name: bytes, digest: Digest) -> None:
    content = Content(digest=digest, size=7, format="JPEG", width=40, height=30, unfit=None)
    files.record_all([(Place(1, b"", name), STAT, content)])(db)


def drop(db: sqlite3.Connection, name: bytes) -> None:
    missed.mark(7, 1, [name], [])(db)
    condemned.condemn_missed(7, Moment(1.0, 1.0))(db)


def send(db: sqlite3.Connection, name: str = "a.jpg", at: float = SENT_AT) -> list[Digest]:
    return replicas.record_sending(ACCOUNT, {ONE: Named(name)}, Sent(at, 0))(db)


def left(db: sqlite3.Connection, before: float = ENDED) -> UnansweredImage | None:
    return unanswered.next_condemned(ACCOUNT, before)(db)


def settle(db: sqlite3.Connection, image: UnansweredImage, found: Listed | None) -> bool:
    return unanswered.settle(ACCOUNT, image, ENDED, found)(db)


def count(db: sqlite3.Connection, table: str) -> int:
    return int(db.execute(f"SELECT count(*) FROM {table}").fetchone()[0])


@pytest.fixture
def image(db: sqlite3.Connection) -> UnansweredImage:
    """Return an image that was sent without a response, and whose file was deleted."""
    put(db, b"a.jpg", ONE)
    send(db)
    drop(db, b"a.jpg")
    found = left(db)
    assert found is not None
    return found


def test_an_image_is_remembered_with_every_way_in_which_it_was_sent(db: sqlite3.Connection) -> None:
    put(db, b"a.jpg", ONE)
    send(db)
    send(db, at=SENT_AT + 0.5)
    send(db, "b.jpg", SENT_AT + 0.6)
    copies = {ONE: Copied(ImageHash("ee"))}
    replicas.record_sending(ACCOUNT, copies, Sent(SENT_AT + 0.7, 0))(db)
    drop(db, b"a.jpg")
    assert left(db) == UnansweredImage(
        digest=ONE,
        pixels=(40, 30),
        file=b"/a/a.jpg",
        calls=(
            SentCalls(Copied(ImageHash("ee")), SENT_AT + 0.7, SENT_AT + 0.7),
            SentCalls(Named("a.jpg"), SENT_AT, SENT_AT + 0.5),
            SentCalls(Named("b.jpg"), SENT_AT + 0.6, SENT_AT + 0.6),
        ),
    )


def test_only_an_image_that_a_file_needs_and_that_is_missing_is_sent(
    db: sqlite3.Connection,
) -> None:
    assert send(db) == []
    put(db, b"a.jpg", ONE)
    assert send(db) == [ONE]
    replicas.record_held(ACCOUNT, [(ONE, Entry(hash=FOUND.hash))], 1.0)(db)
    assert send(db) == []
    drop(db, b"a.jpg")
    replicas.record_not_held(ACCOUNT, FOUND.hash)(db)
    assert send(db) == []
    assert count(db, "unanswered") == 0


def test_a_call_whose_response_arrived_is_forgotten(db: sqlite3.Connection) -> None:
    put(db, b"a.jpg", ONE)
    send(db)
    assert count(db, "unanswered") == 1
    replicas.record_held(ACCOUNT, [(ONE, Entry(hash=FOUND.hash))], 1.0)(db)
    assert count(db, "unanswered") == 0


def test_a_call_that_rejected_the_image_is_forgotten(db: sqlite3.Connection) -> None:
    put(db, b"a.jpg", ONE)
    send(db)
    replicas.record_rejected(ACCOUNT, ONE, "100/1487411")(db)
    assert count(db, "unanswered") == 0
    drop(db, b"a.jpg")
    image = left(db)
    assert image is not None
    assert image.calls == ()
    assert not settle(db, image, None)
    assert count(db, "deletion") == 0
    assert count(db, "replica") == 1  # its file may return: it is still rejected


def test_an_image_is_not_looked_up_while_its_call_may_last(db: sqlite3.Connection) -> None:
    put(db, b"a.jpg", ONE)
    send(db)
    drop(db, b"a.jpg")
    assert left(db, SENT_AT) is None
    assert left(db, SENT_AT + 0.001) is not None


def test_an_image_is_not_looked_up_before_its_file_is_deleted(db: sqlite3.Connection) -> None:
    put(db, b"a.jpg", ONE)
    send(db)
    assert left(db) is None


def test_an_image_that_is_found_is_held_and_its_grace_begins(
    db: sqlite3.Connection, image: UnansweredImage
) -> None:
    assert settle(db, image, FOUND)
    assert db.execute("SELECT hash, sent_at FROM replica").fetchone() == (FOUND.hash, SENT_AT)
    assert db.execute("SELECT state, found_age FROM deletion").fetchone() == ("waiting", None)
    assert count(db, "unanswered") == 0
    assert left(db) is None
    what = "SELECT what, account_id FROM history ORDER BY id DESC LIMIT 1"
    assert db.execute(what).fetchone() == ("uploaded", 1)


def test_images_that_are_found_count_when_too_many_are_deleted_at_once(
    db: sqlite3.Connection, image: UnansweredImage
) -> None:
    assert condemned.hold_excess(HoldAbove(0, 0), 9.0)(db) == []
    assert settle(db, image, FOUND)
    condemned.hold_excess(HoldAbove(0, 0), 9.0)(db)
    assert db.execute("SELECT state, found_age FROM deletion").fetchone() == ("held", 9.0)


def test_an_image_that_is_not_found_is_forgotten(
    db: sqlite3.Connection, image: UnansweredImage
) -> None:
    assert not settle(db, image, None)
    assert [count(db, table) for table in ("replica", "deletion", "unanswered")] == [0, 0, 0]


def test_an_image_is_not_taken_for_one_that_the_account_holds_for_another_content(
    db: sqlite3.Connection, image: UnansweredImage
) -> None:
    put(db, b"b.jpg", TWO)
    replicas.record_held(ACCOUNT, [(TWO, Entry(hash=FOUND.hash))], 1.0)(db)
    assert not settle(db, image, FOUND)
    assert db.execute("SELECT hash FROM replica").fetchall() == [(FOUND.hash,)]
    assert count(db, "deletion") == 0


def test_an_image_whose_file_returns_during_the_lookup_is_missing(
    db: sqlite3.Connection, image: UnansweredImage
) -> None:
    put(db, b"a.jpg", ONE)
    for found in (FOUND, None):
        assert not settle(db, image, found)
    assert db.execute("SELECT state FROM replicas").fetchall() == [("missing",)]
    assert count(db, "unanswered") == 1


def test_an_image_that_is_sent_during_the_lookup_is_looked_up_again(
    db: sqlite3.Connection, image: UnansweredImage
) -> None:
    put(db, b"a.jpg", ONE)
    send(db, at=ENDED)
    drop(db, b"a.jpg")
    for found in (FOUND, None):
        assert not settle(db, image, found)
    assert left(db, ENDED) is None
    assert left(db, ENDED + 1) == replace(image, calls=(SentCalls(Named("a.jpg"), SENT_AT, ENDED),))


def test_the_calls_of_an_image_that_was_condemned_long_ago_are_forgotten(
    db: sqlite3.Connection, image: UnansweredImage
) -> None:
    assert image.calls
    condemned.drop_unheld(2.0)(db)
    assert [count(db, table) for table in ("replica", "deletion", "unanswered")] == [0, 0, 0]


def test_the_hashes_of_responses_are_known_also_after_the_images_were_deleted(
    db: sqlite3.Connection,
) -> None:
    hashes = [ImageHash("aa"), ImageHash("bb"), ImageHash("cc")]
    put(db, b"a.jpg", ONE)
    replicas.record_held(ACCOUNT, [(ONE, Entry(hash=ImageHash("aa")))], 1.0)(db)
    db.execute("INSERT INTO own (account_id, hash, sent_at, deleted_at) VALUES (1, 'bb', 1, 2)")
    assert unanswered.other_hashes(ACCOUNT, hashes)(db) == {"aa", "bb"}
    assert unanswered.other_hashes(ACCOUNT, hashes)(db) == {"aa", "bb"}


def test_an_image_that_was_kept_is_sought_once_it_is_released(db: sqlite3.Connection) -> None:
    put(db, b"a.jpg", ONE)
    send(db)
    missed.mark(7, 1, [b"a.jpg"], [])(db)
    missed.forget(7, KeepReason.SUSPECT)(db)
    assert left(db) is None
    kept.release(ONE.hex())(db)
    found = left(db)
    assert found is not None
    assert settle(db, found, FOUND)
    assert count(db, "unanswered") == 0
