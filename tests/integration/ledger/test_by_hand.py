"""Images that `syncd images` sends or deletes, next to a folder that propagates deletions."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing

import pytest

from syncd.ledger import (
    audits,
    by_hand,
    condemned,
    deletions,
    files,
    folders,
    kept,
    replicas,
    requests,
    schema,
)
from syncd.ledger.files import Content, Place
from syncd.ledger.wanted import refresh_next
from syncd.model import (
    AccountId,
    Deletions,
    Digest,
    Entry,
    FolderName,
    ImageHash,
    Moment,
    RootIdentity,
    Sent,
    Stat,
)

ONE, TWO = AccountId("1"), AccountId("2")
SPRING = FolderName("spring")
ROOT = RootIdentity(device=1, inode=2, filesystem=3, born_ns=4, unlinked=False)
PICTURE = Digest(b"p" * 32)
HASH = ImageHash("f" * 32)
CONTENT = Content(digest=PICTURE, size=9, format="JPEG", width=1, height=1, unfit=None)
NOW = Moment(2.0, 2.0)
BY_HAND = [(ONE, PICTURE, "by_hand")]


@pytest.fixture
def db() -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as opened:
        schema.create(opened)
        folders.declare(SPRING, b"/spring", [ONE, TWO], Deletions.PROPAGATE)(opened)
        while refresh_next()(opened):
            pass
        yield opened


def put(db: sqlite3.Connection) -> None:
    """Record a file with the picture."""
    stat = Stat(device=1, inode=1, size=1, mtime_ns=1, ctime_ns=1)
    files.record_all([(Place(1, b"", b"a.jpg"), stat, CONTENT)])(db)
    folders.trust(1, ROOT, "", 1, Moment(1.0, 1.0))(db)


def delete_file(db: sqlite3.Connection) -> None:
    """Let a scan find that the file was deleted."""
    (directory,) = db.execute("SELECT id FROM directory").fetchone()
    db.execute("INSERT INTO missed VALUES (?, ?, 7)", (directory, b"a.jpg"))
    condemned.condemn_missed(7, NOW)(db)


def upload(db: sqlite3.Connection, account: AccountId = ONE) -> None:
    entry = Entry(hash=HASH, name="a.jpg")
    by_hand.record_uploaded(account, [(CONTENT, entry)], 1.0, Sent(1.0, 0), "eva")(db)


def copy(db: sqlite3.Connection) -> None:
    entry = Entry(hash=HASH, name="a.jpg")
    by_hand.record_copied(ONE, (TWO, HASH), entry, 1.0, Sent(1.0, 0), "eva")(db)


def kept_images(db: sqlite3.Connection) -> list[tuple[str, bytes, str]]:
    return [(image.account, image.digest, image.reason) for image in kept.kept_images()(db)]


def known(db: sqlite3.Connection) -> set[ImageHash]:
    return audits.known_hashes(ONE, [HASH])(db)


def is_missing(db: sqlite3.Connection) -> bool:
    return bool(replicas.count_missing(ONE, 10)(db))


def test_an_upload_that_no_file_wants_is_kept_and_known(db: sqlite3.Connection) -> None:
    upload(db)
    assert kept_images(db) == BY_HAND
    assert known(db) == {HASH}
    assert by_hand.wanted(ONE, [HASH])(db) == set()
    (row,) = db.execute("SELECT what, user FROM history WHERE what = 'kept'").fetchall()
    assert row == ("kept", "eva")


def test_an_upload_by_hand_is_not_deleted_after_a_file_of_it_came_and_was_deleted(
    db: sqlite3.Connection,
) -> None:
    upload(db)
    put(db)
    assert not is_missing(db)  # the file needs no upload
    delete_file(db)
    assert deletions.due(ONE, 1e9, 1e9, 10)(db) == []
    assert db.execute("SELECT * FROM deletion").fetchall() == []


def test_an_upload_that_a_file_wants_is_held_and_not_kept(db: sqlite3.Connection) -> None:
    put(db)
    assert is_missing(db)
    upload(db)
    assert not is_missing(db)
    assert by_hand.wanted(ONE, [HASH])(db) == {HASH}
    assert kept_images(db) == []
    delete_file(db)
    assert db.execute("SELECT account_id FROM deletion").fetchall() == [(1,)]


def test_a_copy_is_recorded_with_the_bytes_that_the_source_is_known_to_hold(
    db: sqlite3.Connection,
) -> None:
    upload(db, TWO)
    copy(db)
    assert sorted(kept_images(db)) == [*BY_HAND, (TWO, PICTURE, "by_hand")]
    assert known(db) == {HASH}


def test_a_copy_of_unknown_bytes_is_known_by_its_hash(db: sqlite3.Connection) -> None:
    copy(db)
    assert kept_images(db) == []
    assert known(db) == {HASH}
    by_hand.record_deleted(ONE, HASH, 0.0)(db)
    assert known(db) == set()


def test_an_image_that_was_deleted_by_hand_is_no_longer_kept(db: sqlite3.Connection) -> None:
    upload(db)
    by_hand.record_deleting(ONE, HASH, 2.0, 3.0)(db)
    by_hand.record_deleted(ONE, HASH, 0.0)(db)
    assert kept_images(db) == []
    assert known(db) == set()


def test_a_wanted_image_that_was_deleted_by_hand_is_missing(db: sqlite3.Connection) -> None:
    put(db)
    upload(db)
    by_hand.record_deleting(ONE, HASH, 2.0, 3.0)(db)
    assert not is_missing(db)  # it may still be there
    by_hand.record_deleted(ONE, HASH, 0.0)(db)
    assert is_missing(db)


def test_a_rejected_deletion_by_hand_leaves_the_image_held(db: sqlite3.Connection) -> None:
    put(db)
    upload(db)
    by_hand.record_deleting(ONE, HASH, 2.0, 3.0)(db)
    by_hand.record_not_deleted(ONE, HASH)(db)
    (facts,) = replicas.facts(ONE, [PICTURE])(db).values()
    assert facts.held
    assert db.execute("SELECT delete_sent_at FROM replica WHERE account_id = 1").fetchone() == (
        None,
    )


def test_an_image_kept_by_hand_is_released_by_its_hash(db: sqlite3.Connection) -> None:
    upload(db)
    assert kept.release(HASH, "eva")(db) == kept.Released(1, 1)
    assert db.execute("SELECT path FROM deletion").fetchall() == [(b"a.jpg",)]


def test_each_change_by_hand_is_a_request_to_a_running_daemon(db: sqlite3.Connection) -> None:
    upload(db)
    copy(db)
    by_hand.record_deleted(ONE, HASH, 0.0)(db)
    by_hand.record_not_deleted(ONE, HASH)(db)
    assert requests.count()(db) == 4
