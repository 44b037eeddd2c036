"""Kept images in a real ledger: no deletion of them is due, whatever is deleted elsewhere."""

import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing

import pytest
from msgspec.structs import replace

from syncd.ledger import condemned, deletions, files, folders, kept, missed, replicas, schema
from syncd.ledger.files import Content, Place
from syncd.ledger.kept import KeepReason, Released
from syncd.ledger.replaced import not_replaced
from syncd.ledger.wanted import refresh_next
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
    Stat,
)

ONE, TWO = AccountId("1"), AccountId("2")
SPRING, SHOP = FolderName("spring"), FolderName("shop")
ROOT = RootIdentity(device=1, inode=2, filesystem=3, born_ns=4, unlinked=False)
PICTURE, OTHER = Digest(b"p" * 32), Digest(b"o" * 32)


@pytest.fixture
def db() -> Iterator[sqlite3.Connection]:
    """A ledger with a folder `spring` that propagates, and a folder `shop` that keeps."""
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as opened:
        schema.create(opened)
        folders.declare(SPRING, b"/spring", [ONE, TWO], Deletions.PROPAGATE)(opened)
        folders.declare(SHOP, b"/shop", [ONE])(opened)
        while refresh_next()(opened):
            pass
        yield opened


def put(db: sqlite3.Connection, folder: FolderName, name: bytes, digest: Digest = PICTURE) -> None:
    """Record a file whose image every account holds, in a trusted folder."""
    stat = Stat(device=1, inode=1, size=1, mtime_ns=1, ctime_ns=1)
    its = Content(digest=digest, size=1, format="JPEG", width=1, height=1, unfit=None)
    files.record_all([(Place(id_of(db, folder), b"", name), stat, its)])(db)
    for account in (ONE, TWO):
        entry = Entry(hash=ImageHash(digest.hex()))
        replicas.record_held(account, [(digest, entry)], 1.0)(db)
    trust(db, folder)


def put_broken(db: sqlite3.Connection, name: bytes, broken: str) -> None:
    """Rewrite a file of `spring` with what an account does not get."""
    its = Content(digest=OTHER, size=1, format="JPEG", width=1, height=1, unfit=None)
    content: Content | str = its
    if broken == "unreadable":
        content = "permission denied"
    elif broken == "unsupported":
        content = replace(its, size=0, format=None, unfit="empty")
    stat = Stat(device=1, inode=1, size=9, mtime_ns=9, ctime_ns=9)
    place = Place(id_of(db, SPRING), b"", name)
    files.record_all_since([(place, stat, content)], 1.0)(db)
    if broken == "rejected":
        for account in (ONE, TWO):
            replicas.record_rejected(account, OTHER, "1487994 bad image")(db)
    trust(db, SPRING)


def now() -> Moment:
    return Moment(time.time(), time.monotonic())


def id_of(db: sqlite3.Connection, folder: FolderName) -> int:
    return int(db.execute("SELECT id FROM folder WHERE name = ?", (folder,)).fetchone()[0])


def trust(db: sqlite3.Connection, folder: FolderName) -> None:
    folders.trust(id_of(db, folder), ROOT, "", 1, now())(db)


def lose(
    db: sqlite3.Connection, folder: FolderName, name: bytes, reason: KeepReason | None = None
) -> None:
    """Let a scan miss a file: with a reason it is not a proven deletion."""
    row = db.execute(
        "SELECT id FROM directory WHERE folder_id = ? AND path = x''", (id_of(db, folder),)
    ).fetchone()
    missed.mark(7, row[0], [name], [])(db)
    if reason is None:
        condemned.condemn_missed(7, now())(db)
    else:
        missed.forget(7, reason)(db)
    trust(db, folder)


def due(db: sqlite3.Connection, account: AccountId = ONE) -> set[Digest]:
    """Return what is due long after a later whole scan and the passes before and after it."""
    condemned.hold_excess(HoldAbove(100, 1.0), now().age)(db)
    db.execute("UPDATE baseline SET trusted_age = ? WHERE trusted_age IS NOT NULL", (now().age,))
    condemned.hold_excess(HoldAbove(100, 1.0), now().age)(db)
    later = time.time() + 1e6
    return {image.digest for image in deletions.due(account, later, later, 50)(db)}


def reasons(db: sqlite3.Connection) -> list[tuple[str, str]]:
    return db.execute(
        "SELECT act, reason FROM kept JOIN account ON account.id = account_id ORDER BY act"
    ).fetchall()


def test_an_image_deleted_on_evidence_is_due_in_every_account(db: sqlite3.Connection) -> None:
    put(db, SPRING, b"a.jpg")
    lose(db, SPRING, b"a.jpg")
    assert (due(db, ONE), due(db, TWO)) == ({PICTURE}, {PICTURE})


@pytest.mark.parametrize("order", [(SHOP, SPRING), (SPRING, SHOP)])
def test_an_image_that_a_keep_folder_had_stays_in_the_accounts_of_that_folder(
    db: sqlite3.Connection, order: tuple[FolderName, FolderName]
) -> None:
    for folder in order:
        put(db, folder, b"a.jpg")
    for folder in order:
        lose(db, folder, b"a.jpg", KeepReason.SUSPECT if folder == SHOP else None)
    assert reasons(db) == [("1", "keep")]
    assert (due(db, ONE), due(db, TWO)) == (set(), {PICTURE})


def test_a_file_overwritten_in_a_keep_folder_leaves_its_image(db: sqlite3.Connection) -> None:
    put(db, SHOP, b"a.jpg")
    put(db, SPRING, b"a.jpg")
    put(db, SHOP, b"a.jpg", OTHER)
    lose(db, SPRING, b"a.jpg")
    assert reasons(db) == [("1", "keep")]
    assert due(db) == set()


def test_a_proven_deletion_in_a_keep_folder_leaves_its_image(db: sqlite3.Connection) -> None:
    put(db, SHOP, b"a.jpg")
    lose(db, SHOP, b"a.jpg")
    assert reasons(db) == [("1", "keep")]
    assert due(db) == set()


def test_one_of_two_files_in_a_keep_folder_keeps_nothing_for_good(db: sqlite3.Connection) -> None:
    put(db, SHOP, b"a.jpg")
    put(db, SHOP, b"b.jpg")
    lose(db, SHOP, b"a.jpg", KeepReason.SUSPECT)
    assert reasons(db) == []


@pytest.mark.parametrize("renamed_first", [True, False])
def test_a_rename_in_a_keep_folder_keeps_nothing_for_good(
    db: sqlite3.Connection, renamed_first: bool
) -> None:
    put(db, SHOP, b"a.jpg")
    if renamed_first:
        put(db, SHOP, b"b.jpg")
    lose(db, SHOP, b"a.jpg", KeepReason.SUSPECT)
    put(db, SHOP, b"b.jpg")
    assert reasons(db) == []


@pytest.mark.parametrize("reason", [KeepReason.SUSPECT, KeepReason.EXCLUDED])
def test_a_file_lost_without_proof_keeps_its_image_until_it_is_back(
    db: sqlite3.Connection, reason: KeepReason
) -> None:
    put(db, SPRING, b"a.jpg")
    lose(db, SPRING, b"a.jpg", reason)
    assert reasons(db) == [("1", reason), ("2", reason)]
    put(db, SHOP, b"a.jpg")  # another folder's file does not end it
    folders.declare(SHOP, b"/shop", [ONE], Deletions.PROPAGATE)(db)
    lose(db, SHOP, b"a.jpg")
    assert due(db) == set()
    put(db, SPRING, b"b.jpg")
    lose(db, SPRING, b"b.jpg")
    assert due(db) == {PICTURE}


def test_a_file_rewritten_in_a_suspect_folder_keeps_its_image(db: sqlite3.Connection) -> None:
    put(db, SPRING, b"a.jpg")
    folders.suspect(id_of(db, SPRING), "is odd", time.time())(db)
    put(db, SPRING, b"a.jpg", OTHER)
    assert reasons(db) == [("1", "suspect"), ("2", "suspect")]
    assert due(db) == set()


def test_a_suspicion_keeps_what_no_whole_scan_has_confirmed(db: sqlite3.Connection) -> None:
    put(db, SPRING, b"a.jpg")
    (directory,) = db.execute("SELECT id FROM directory").fetchone()
    missed.mark(7, directory, [b"a.jpg"], [])(db)
    condemned.condemn_missed(7, now())(db)
    folders.suspect(id_of(db, SPRING), "is odd", time.time())(db)
    trust(db, SPRING)
    assert reasons(db) == [("1", "suspect"), ("2", "suspect")]
    assert due(db) == set()


def test_a_dismissed_image_stays_although_its_next_file_is_deleted(db: sqlite3.Connection) -> None:
    put(db, SPRING, b"a.jpg")
    lose(db, SPRING, b"a.jpg")
    condemned.hold_excess(HoldAbove(0, 0.0), now().age)(db)
    assert condemned.dismiss(SPRING)(db) == 1
    put(db, SPRING, b"a.jpg")
    lose(db, SPRING, b"a.jpg")
    assert reasons(db) == [("1", "dismissed"), ("2", "dismissed")]
    assert db.execute("SELECT * FROM deletion").fetchall() == []
    assert due(db) == set()


def test_a_folder_removed_from_the_configuration_keeps_the_images_of_its_files(
    db: sqlite3.Connection,
) -> None:
    put(db, SPRING, b"a.jpg")
    put(db, SHOP, b"a.jpg")
    folders.declare(SHOP, b"/shop", [ONE, TWO], Deletions.PROPAGATE)(db)
    folders.retire_others([SHOP])(db)
    while refresh_next(1)(db):
        pass
    lose(db, SHOP, b"a.jpg")
    assert reasons(db) == [("1", "retired"), ("2", "retired")]
    assert (due(db, ONE), due(db, TWO)) == (set(), set())


def test_a_removed_mirror_keeps_its_images_and_its_pending_deletions(
    db: sqlite3.Connection,
) -> None:
    put(db, SPRING, b"a.jpg")
    put(db, SPRING, b"o.jpg", OTHER)
    lose(db, SPRING, b"a.jpg")
    folders.declare(SPRING, b"/spring", [ONE], Deletions.PROPAGATE)(db)
    while refresh_next()(db):
        pass
    condemned.spare_unrouted()(db)
    folders.declare(SPRING, b"/spring", [ONE, TWO], Deletions.PROPAGATE)(db)
    while refresh_next()(db):
        pass
    lose(db, SPRING, b"o.jpg")
    assert reasons(db) == [("2", "mirror"), ("2", "mirror")]
    assert (due(db, ONE), due(db, TWO)) == ({PICTURE, OTHER}, set())


def test_a_foreign_image_is_kept(db: sqlite3.Connection) -> None:
    put(db, SPRING, b"a.jpg")
    lose(db, SPRING, b"a.jpg")
    kept.keep(ONE, PICTURE, KeepReason.FOREIGN)(db)
    put(db, SPRING, b"a.jpg")
    lose(db, SPRING, b"a.jpg")
    assert reasons(db) == [("1", "foreign")]
    assert (due(db, ONE), due(db, TWO)) == (set(), {PICTURE})


def test_only_what_an_account_holds_or_was_sent_is_kept(db: sqlite3.Connection) -> None:
    put(db, SHOP, b"a.jpg")
    db.execute("UPDATE replica SET hash = NULL, held_at = NULL, sent_at = NULL")
    lose(db, SHOP, b"a.jpg", KeepReason.SUSPECT)
    assert reasons(db) == []


def test_a_released_image_waits_for_its_grace_and_is_then_due(db: sqlite3.Connection) -> None:
    put(db, SPRING, b"a.jpg")
    lose(db, SPRING, b"a.jpg", KeepReason.EXCLUDED)
    assert kept.release(PICTURE.hex())(db) == Released(1, 1)
    trust(db, SPRING)
    condemned.hold_excess(HoldAbove(0, 0.0), now().age)(db)  # it needs no second decision
    assert [pending.approved for pending in condemned.pending()(db)] == [1]
    assert deletions.due(ONE, time.time() - 3600, time.time(), 50)(db) == []
    assert (due(db, ONE), due(db, TWO)) == ({PICTURE}, {PICTURE})


def test_a_released_image_stays_where_no_folder_propagates_deletions(
    db: sqlite3.Connection,
) -> None:
    put(db, SHOP, b"a.jpg")
    lose(db, SHOP, b"a.jpg", KeepReason.SUSPECT)
    folders.declare(SPRING, b"/spring", [TWO], Deletions.PROPAGATE)(db)
    assert kept.release(SHOP)(db) == Released(1, 0)
    assert reasons(db) == []
    trust(db, SHOP)
    assert due(db) == set()


def test_a_released_image_stays_while_a_file_needs_it(db: sqlite3.Connection) -> None:
    put(db, SPRING, b"a.jpg")
    lose(db, SPRING, b"a.jpg", KeepReason.EXCLUDED)
    put(db, SHOP, b"a.jpg")
    kept.release(SPRING)(db)
    condemned_in = "SELECT act FROM deletion JOIN account ON account.id = account_id"
    assert db.execute(condemned_in).fetchall() == [("2",)]
    trust(db, SPRING)
    assert (due(db, ONE), due(db, TWO)) == (set(), {PICTURE})


@pytest.mark.parametrize("broken", ["unreadable", "unsupported", "rejected", "missing"])
def test_an_image_stays_while_what_replaced_it_is_not_held(
    db: sqlite3.Connection, broken: str
) -> None:
    put(db, SPRING, b"a.jpg")
    put_broken(db, b"a.jpg", broken)
    assert (due(db, ONE), due(db, TWO)) == (set(), set())
    listed = [file.why for file in not_replaced()(db)]
    assert listed == ([] if broken == "missing" else [broken])


@pytest.mark.parametrize("broken", ["unreadable", "unsupported", "rejected", "missing"])
def test_a_replaced_image_is_due_once_the_last_replacement_is_held(
    db: sqlite3.Connection, broken: str
) -> None:
    put(db, SPRING, b"a.jpg")
    put_broken(db, b"a.jpg", broken)
    put_broken(db, b"a.jpg", "missing")
    third = Digest(b"3" * 32)
    put(db, SPRING, b"a.jpg", third)
    assert PICTURE in due(db)


def test_a_replaced_image_stays_while_the_deletion_of_what_replaced_it_is_unconfirmed(
    db: sqlite3.Connection,
) -> None:
    put(db, SPRING, b"a.jpg")
    put(db, SPRING, b"a.jpg", OTHER)
    other = "image_id = (SELECT id FROM image WHERE sha256 = ?)"
    db.execute(f"UPDATE replica SET delete_sent_at = 1.0 WHERE {other}", (OTHER,))
    assert due(db) == set()
    db.execute(f"UPDATE replica SET delete_sent_at = NULL WHERE {other}", (OTHER,))
    assert due(db) == {PICTURE}


@pytest.mark.parametrize("broken", ["unreadable", "unsupported", "rejected", "missing"])
def test_a_replaced_image_is_due_once_its_file_is_deleted_on_evidence(
    db: sqlite3.Connection, broken: str
) -> None:
    put(db, SPRING, b"a.jpg")
    put_broken(db, b"a.jpg", broken)
    lose(db, SPRING, b"a.jpg")
    assert PICTURE in due(db)


def test_a_replaced_image_stays_once_its_file_is_excluded(db: sqlite3.Connection) -> None:
    put(db, SPRING, b"a.jpg")
    put_broken(db, b"a.jpg", "unsupported")
    lose(db, SPRING, b"a.jpg", KeepReason.EXCLUDED)
    assert reasons(db) == [("1", "excluded"), ("2", "excluded")]
    assert due(db) == set()


def test_the_grace_of_a_replaced_image_begins_once_its_file_can_be_read(
    db: sqlite3.Connection,
) -> None:
    put(db, SPRING, b"a.jpg")
    put_broken(db, b"a.jpg", "unreadable")
    assert condemned.pending()(db) == []  # what is not read yet is not counted
    db.execute("UPDATE deletion SET found_at = 1.0, found_age = 1.0")
    put_broken(db, b"a.jpg", "missing")
    assert db.execute("SELECT DISTINCT found_at > 1.0, found_age FROM deletion").fetchall() == [
        (1, None)
    ]


def test_a_folder_with_a_new_name_keeps_its_pending_deletions(db: sqlite3.Connection) -> None:
    put(db, SPRING, b"a.jpg")
    lose(db, SPRING, b"a.jpg")
    folders.declare(FolderName("summer"), b"/spring", [ONE, TWO], Deletions.PROPAGATE)(db)
    assert folders.retire_others([FolderName("summer"), SHOP])(db) == {}
    condemned.spare_unrouted()(db)
    assert (due(db, ONE), due(db, TWO)) == ({PICTURE}, {PICTURE})


def test_a_folder_with_a_path_above_keeps_its_files_and_pending_deletions(
    db: sqlite3.Connection,
) -> None:
    folders.declare(SPRING, b"/disk/x/spring", [ONE, TWO], Deletions.PROPAGATE)(db)
    put(db, SPRING, b"a.jpg")
    put(db, SPRING, b"o.jpg", OTHER)
    lose(db, SPRING, b"a.jpg")
    folders.declare(SPRING, b"/disk", [ONE, TWO], Deletions.PROPAGATE)(db)
    known = files.known_directory(id_of(db, SPRING), b"x")(db)
    assert list(known.directories) == [b"x/spring"]
    its = files.known_files(known.directories[b"x/spring"], b"", None)(db)
    assert [row[0] for row in its] == [b"o.jpg"]
    assert db.execute("SELECT DISTINCT path FROM deletion").fetchall() == [(b"x/spring/a.jpg",)]
    assert folders.suspects()(db) == []
    assert due(db) == {PICTURE}


def test_contents_that_alternate_are_never_wanted_and_due_at_once(db: sqlite3.Connection) -> None:
    put(db, SPRING, b"a.jpg")
    for content in (OTHER, PICTURE, OTHER, PICTURE, OTHER):
        put(db, SPRING, b"a.jpg", content)
        assert due(db) == {PICTURE, OTHER} - {content}
