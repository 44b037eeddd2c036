"""Condemned images in a real ledger: which are due, and when."""

import hashlib
import sqlite3

from syncd.ledger import (
    condemned,
    delete_calls,
    deletions,
    files,
    folders,
    missed,
    replicas,
    schema,
)
from syncd.ledger.files import Content, Place
from syncd.model import (
    AccountId,
    Deletions,
    Digest,
    Entry,
    FolderName,
    HoldAbove,
    ImageHash,
    Moment,
    RootIdentity,
    Sent,
    Stat,
)
from syncd.rules.deletion import is_due

ACCOUNT, SPRING = AccountId("1"), FolderName("spring")
ROOT = RootIdentity(device=1, inode=2, filesystem=3, born_ns=4, unlinked=False)
DIGESTS = [Digest(hashlib.sha256(bytes([n])).digest()) for n in range(30)]


def content(digest: Digest) -> Content:
    return Content(digest=digest, size=1, format="JPEG", width=1, height=1, unfit=None)


def a_ledger_with_images() -> tuple[sqlite3.Connection, int]:
    """Open a ledger in memory, with a trusted folder whose images are all held."""
    db = sqlite3.connect(":memory:", isolation_level=None)
    schema.create(db)
    folder = folders.declare(SPRING, b"/spring", [ACCOUNT], Deletions.PROPAGATE)(db)
    for n, digest in enumerate(DIGESTS):
        place = Place(folder, b"", b"%d.jpg" % n)
        stat = Stat(device=1, inode=n, size=1, mtime_ns=1, ctime_ns=1)
        files.record_all([(place, stat, content(digest))])(db)
    held = [(digest, Entry(hash=ImageHash(digest.hex()))) for digest in DIGESTS]
    replicas.record_held(ACCOUNT, held, 1.0)(db)
    folders.trust(folder, ROOT, "", len(DIGESTS), Moment(1.0, 1.0))(db)
    return db, folder


def scan(db: sqlite3.Connection, folder: int, number: int, missing: range) -> None:
    """Record a trusted whole scan that began at the second `number` and missed files."""
    row = db.execute("SELECT id FROM directory WHERE folder_id = ?", (folder,)).fetchone()
    missed.mark(number, row[0], [b"%d.jpg" % n for n in missing], [])(db)
    condemned.condemn_missed(number, Moment(number, number))(db)
    folders.trust(folder, ROOT, "", len(DIGESTS) - len(missing), Moment(number, number))(db)


def is_due_now(db: sqlite3.Connection, digest: Digest) -> bool:
    facts = deletions.facts(ACCOUNT, digest, 1e9)(db)
    return facts is not None and is_due(facts, account_open=True)


def due(db: sqlite3.Connection) -> set[Digest]:
    """Return the images that are due long after every grace period."""
    found = {d.digest for d in deletions.due(ACCOUNT, 1e9, 1e9, 100)(db)}
    known = {d for d in DIGESTS if is_due_now(db, d)}
    assert found == known
    return found


def test_no_deletion_is_due_before_a_pass_could_hold_it() -> None:
    db, folder = a_ledger_with_images()
    rule = HoldAbove(20, 0.1)
    scan(db, folder, 2, range(5))
    assert due(db) == set()
    condemned.hold_excess(rule, 9.0)(db)
    assert due(db) == set(DIGESTS[:5])
    scan(db, folder, 3, range(5, 30))
    assert due(db) == set(DIGESTS[:5])
    condemned.hold_excess(rule, 9.0)(db)
    assert due(db) == set()
    (held,) = condemned.held_deletions(1)(db)
    assert held.images == len(DIGESTS)


def test_an_image_that_syncd_deleted_and_sends_again_is_remembered_as_its_own() -> None:
    db, folder = a_ledger_with_images()
    scan(db, folder, 2, range(1))
    condemned.hold_excess(HoldAbove(20, 0.1), 9.0)(db)
    db.execute("UPDATE replica SET sent_at = 10.0, clock_offset = 0")
    (first,) = deletions.due(ACCOUNT, 1e9, 1e9, 100)(db)
    assert first.own is None
    delete_calls.record_sending(ACCOUNT, first, 1e9, 20.0, 30.0, lambda _: True)(db)
    delete_calls.record_gone(ACCOUNT, first.hash, 5.0)(db)
    place = Place(folder, b"", b"0.jpg")
    stat = Stat(device=1, inode=0, size=1, mtime_ns=1, ctime_ns=1)
    files.record_all([(place, stat, content(DIGESTS[0]))])(db)
    entry = Entry(hash=ImageHash(DIGESTS[0].hex()))
    replicas.record_held(ACCOUNT, [(DIGESTS[0], entry)], 30.0, Sent(30.0, 0))(db)
    scan(db, folder, 3, range(1))
    condemned.hold_excess(HoldAbove(20, 0.1), 9.0)(db)
    (again,) = deletions.due(ACCOUNT, 1e9, 1e9, 100)(db)
    assert (again.sent, again.own) == (Sent(30.0, 0), (10.0, 25.0))


def test_a_suspect_folder_has_no_due_deletion_until_it_is_trusted_again() -> None:
    db, folder = a_ledger_with_images()
    scan(db, folder, 2, range(5))
    condemned.hold_excess(HoldAbove(20, 0.1), 9.0)(db)
    folders.suspect(folder, "is odd", 3.0)(db)
    assert due(db) == set()
    folders.trust(folder, ROOT, "", 25, Moment(4.0, 4.0))(db)
    assert due(db) == set(DIGESTS[:5])


NOW, DAY, YEARS = 1e9, 24 * 3600.0, 10 * 365 * 24 * 3600.0


def due_at(db: sqlite3.Connection, now: float) -> int:
    return len(deletions.due(ACCOUNT, 1e9, now, 100)(db))


def to_confirm_at(db: sqlite3.Connection, now: float) -> int:
    return len(delete_calls.to_confirm(ACCOUNT, now, 100)(db))


def test_a_deletion_is_not_put_off_beyond_the_longest_wait() -> None:
    db, folder = a_ledger_with_images()
    scan(db, folder, 2, range(1))
    condemned.hold_excess(HoldAbove(20, 0.1), 9.0)(db)
    for ahead, count in ((0.0, 1), (DAY, 0), (YEARS, 1)):
        db.execute("UPDATE deletion SET retry_at = ?", (NOW + ahead,))
        assert due_at(db, NOW) == count, "a time years ahead was recorded by a wrong clock"


def test_a_confirmation_is_not_put_off_beyond_the_longest_wait() -> None:
    db, _ = a_ledger_with_images()
    for ahead, count in ((0.0, 1), (DAY, 0), (YEARS, 1)):
        db.execute(
            "UPDATE replica SET delete_sent_at = 1, check_at = ? WHERE image_id = 1",
            (NOW + ahead,),
        )
        assert to_confirm_at(db, NOW) == count


def test_every_stored_time_that_delays_something_is_bounded() -> None:
    """Let a new column of that kind fail, so that its bound gets a test.

    `until` of a pause: u/rules and engine/paused; the times of `learned`, `images_charged_until`
    and `doubted_at`: their rules. `operator_pause.until` has no bound: the operator has chosen it,
    and `syncd status` shows it.
    """
    db, _ = a_ledger_with_images()
    columns = {
        f"{table}.{column}"
        for (table,) in db.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")
        for (_, column, *_) in db.execute(f"PRAGMA table_info({table})")
        if column.endswith(("retry_at", "check_at", "until", "doubted_at"))
    }
    assert columns == {
        "account.images_charged_until",
        "deletion.retry_at",
        "learned.retry_at",
        "operator_pause.until",
        "pause.until",
        "replica.check_at",
        "replica.doubted_at",
    }
