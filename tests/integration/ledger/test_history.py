"""The history: which rows each change of a fact adds, and how they are found again."""

import hashlib
import sqlite3
import time
from collections.abc import Callable, Sequence

import pytest

from syncd.ledger import (
    audits,
    condemned,
    delete_calls,
    files,
    folders,
    history,
    history_rows,
    kept,
    missed,
    operator_pauses,
    replicas,
    schema,
)
from syncd.ledger.files import Content, Place
from syncd.ledger.history import What
from syncd.ledger.history_rows import Filter, Row
from syncd.ledger.kept import KeepReason
from syncd.ledger.operator_pauses import OperatorPause
from syncd.ledger.statements import Write
from syncd.model import (
    AccountId,
    Deletions,
    Digest,
    Entry,
    FolderName,
    ImageHash,
    Moment,
    RootIdentity,
    Stat,
)

ONE, TWO = AccountId("1"), AccountId("2")
SPRING = FolderName("spring")
ROOT = RootIdentity(device=1, inode=2, filesystem=3, born_ns=4, unlinked=False)
DIGESTS = [Digest(hashlib.sha256(bytes([n])).digest()) for n in range(30)]
PICTURE, OTHER = DIGESTS[:2]
HASH = ImageHash("ab12cd34")


@pytest.fixture
def db() -> sqlite3.Connection:
    db = sqlite3.connect(":memory:", isolation_level=None)
    schema.create(db)
    folder = folders.declare(SPRING, b"/spring", [ONE, TWO], Deletions.PROPAGATE)(db)
    assert folder == 1
    folders.trust(folder, ROOT, "", 30, Moment(1.0, 1.0))(db)
    return db


def find(
    db: sqlite3.Connection, name: str, content: Digest | str, *, unfit: str | None = None
) -> None:
    record_files(db, [(name, content)], unfit=unfit)


def record_files(
    db: sqlite3.Connection, found: Sequence[tuple[str, Digest | str]], *, unfit: str | None = None
) -> None:
    """Record files, each with its digest or why it could not be read, in one commit."""
    stat = Stat(device=1, inode=1, size=1, mtime_ns=1, ctime_ns=1)
    places = [(name.encode().rpartition(b"/"), content) for name, content in found]
    files.record_all(
        [
            (
                Place(1, directory, base),
                stat,
                content
                if isinstance(content, str)
                else Content(digest=content, size=1, format="PNG", width=1, height=1, unfit=unfit),
            )
            for (directory, _, base), content in places
        ]
    )(db)


def lose(db: sqlite3.Connection, *names: bytes) -> None:
    (root,) = db.execute("SELECT id FROM directory WHERE path = x''").fetchone()
    missed.mark(7, root, names, [])(db)
    condemned.condemn_missed(7, Moment(5.0, 5.0))(db)


def hold(db: sqlite3.Connection, account: AccountId = ONE, source: AccountId | None = None) -> None:
    replicas.record_held(account, [(PICTURE, Entry(hash=HASH))], 1.0, None, source)(db)


def rows(db: sqlite3.Connection, wanted: Filter | None = None, limit: int = 100) -> list[Row]:
    return history_rows.newest(wanted or Filter(), limit)(db)


def whats(db: sqlite3.Connection) -> list[str]:
    return [row.what.value for row in rows(db)]


def test_a_row_of_an_upload_has_the_path_that_the_file_had_then(db: sqlite3.Connection) -> None:
    find(db, "a.jpg", PICTURE)
    hold(db)
    find(db, "b.jpg", PICTURE)
    hold(db, TWO, ONE)
    assert [(row.what, row.account, row.path) for row in rows(db)] == [
        (What.FOUND, None, b"a.jpg"),
        (What.UPLOADED, ONE, b"a.jpg"),
        (What.FOUND, None, b"b.jpg"),
        (What.COPIED, TWO, b"b.jpg"),
    ]
    assert {row.root for row in rows(db)} == {b"/spring"}
    assert {row.digest for row in rows(db)} == {PICTURE}


def test_a_file_that_is_read_again_unchanged_adds_no_row(db: sqlite3.Connection) -> None:
    for _ in range(2):
        find(db, "a.jpg", PICTURE)
    assert whats(db) == ["found"]


def test_a_rewritten_file_is_gone_with_its_former_content(db: sqlite3.Connection) -> None:
    find(db, "a.jpg", PICTURE)
    hold(db)
    find(db, "a.jpg", OTHER)
    found = [(row.what, row.digest, row.why) for row in rows(db)][2:]
    assert found == [
        (What.GONE, PICTURE, "rewritten"),
        (What.FOUND, OTHER, None),
        (What.CONDEMNED, PICTURE, None),
    ]
    assert history_rows.images_of_path(SPRING, b"a.jpg")(db) == [1]


def test_a_file_that_cannot_be_read_is_not_found(db: sqlite3.Connection) -> None:
    find(db, "a.jpg", "permission denied")
    assert whats(db) == []


def test_an_image_that_the_api_does_not_accept_is_rejected_by_each_account(
    db: sqlite3.Connection,
) -> None:
    find(db, "a.webp", PICTURE, unfit="not a picture")
    find(db, "b.webp", PICTURE, unfit="not a picture")  # the same image
    found = [(row.what, row.account, row.why) for row in rows(db)]
    assert found == [
        (What.FOUND, None, None),
        (What.REJECTED, ONE, "not a picture"),
        (What.REJECTED, TWO, "not a picture"),
        (What.FOUND, None, None),
    ]


def test_a_rejection_is_recorded_with_its_reason(db: sqlite3.Connection) -> None:
    find(db, "a.jpg", PICTURE)
    replicas.record_rejected(ONE, PICTURE, "100/1487411 no")(db)
    assert [(r.what, r.account, r.why) for r in rows(db)][1:] == [
        (What.REJECTED, ONE, "100/1487411 no")
    ]


def test_an_image_that_is_held_is_not_recorded_as_rejected(db: sqlite3.Connection) -> None:
    find(db, "a.jpg", PICTURE)
    hold(db)
    replicas.record_rejected(ONE, PICTURE, "100/1487411 no")(db)
    assert whats(db) == ["found", "uploaded"]


@pytest.mark.parametrize("removed", [False, True])
def test_a_lost_image_that_is_sent_again_is_restored(db: sqlite3.Connection, removed: bool) -> None:
    find(db, "a.jpg", PICTURE)
    hold(db)
    lost = audits.record_removed if removed else replicas.record_not_held
    lost(ONE, HASH)(db)
    hold(db)
    hold(db)
    assert whats(db) == ["found", "uploaded", "lost", "restored", "uploaded"]
    assert [row.hash for row in rows(db)] == [None, HASH, HASH, HASH, HASH]
    assert rows(db)[2].why == (audits.REMOVED if removed else None)
    restored = rows(db, Filter(whats=["restored"]))
    assert [row.what for row in restored] == ["restored"]
    assert [row.what for row in rows(db, Filter(whats=["uploaded"]))] == ["uploaded"] * 2


def test_a_response_that_names_no_image_adds_no_row(db: sqlite3.Connection) -> None:
    db.execute("INSERT INTO image (sha256, size) VALUES (?, 1)", (PICTURE,))
    db.execute(
        "INSERT INTO history (at, what, account_id, image_id, hash) VALUES (1, 'lost', 1, 1, 'ab')"
    )
    before = db.execute("SELECT count(*) FROM history").fetchone()
    replicas.record_held(ONE, [], 1.0)(db)
    assert db.execute("SELECT count(*) FROM history").fetchone() == before


def test_a_row_has_the_hash_that_the_account_had_then(db: sqlite3.Connection) -> None:
    find(db, "a.jpg", PICTURE)
    hold(db)
    replicas.record_not_held(ONE, HASH)(db)
    again = ImageHash("ef56")
    replicas.record_held(ONE, [(PICTURE, Entry(hash=again))], 1.0)(db)
    assert [row.hash for row in rows(db)] == [None, HASH, HASH, again]


@pytest.mark.parametrize("record", [delete_calls.record_gone, delete_calls.record_absent])
def test_a_deleted_image_is_found_by_its_former_path_name_pattern_and_hash(
    db: sqlite3.Connection, record: Callable[[AccountId, ImageHash], Write[None]]
) -> None:
    find(db, "a b.jpg", PICTURE)
    find(db, "c.jpg", OTHER)
    hold(db)
    lose(db, b"a b.jpg")
    db.execute("UPDATE replica SET delete_sent_at = 1 WHERE hash IS NOT NULL")
    record(ONE, HASH)(db)
    (gone, *_, deleted) = rows(db, Filter(images=[1]))[2:]
    assert (gone.what, gone.why, gone.path) == (What.GONE, "deleted", b"a b.jpg")
    assert (deleted.what, deleted.account, deleted.hash) == (What.DELETED, ONE, HASH)
    assert deleted.path == b"a b.jpg"
    assert history_rows.images_of_path(SPRING, b"a b.jpg")(db) == [1]
    assert history_rows.images_of_path(SPRING, b"c.jpg")(db) == []
    for name in (b"a b.jpg", b"a*.jpg", b"*.jpg"):
        assert history_rows.images_of_name(name)(db) == [1], name
    assert history_rows.images_of_name(b"b.jpg")(db) == []
    assert history_rows.images_of_hash(HASH[:6], f"{HASH[:6]}~")(db) == [1]


def test_a_file_in_a_directory_is_found_by_its_base_name(db: sqlite3.Connection) -> None:
    find(db, "x/y/[1].jpg", PICTURE)
    find(db, "x/y/[1].jpg", OTHER)
    for name in (b"[1].jpg", b"[[]1*"):
        assert history_rows.images_of_name(name)(db) == [1], name
    assert history_rows.images_of_name(b"y/[1].jpg")(db) == [1]


def test_the_decisions_about_deletions_are_recorded_with_the_user(db: sqlite3.Connection) -> None:
    for n in range(3):
        find(db, f"{n}.jpg", DIGESTS[n])
        entry = Entry(hash=ImageHash(DIGESTS[n].hex()))
        replicas.record_held(ONE, [(DIGESTS[n], entry)], 1.0)(db)
    begin = history_rows.last_id()(db)

    def since() -> list[tuple[str, bytes | None, str | None, str | None]]:
        found = history_rows.after(Filter(), begin, 100)(db)
        return [(row.what.value, row.path, row.user, row.why) for row in found][2:]

    lose(db, b"0.jpg")
    db.execute("UPDATE deletion SET state = 'held'")
    assert condemned.approve(SPRING, "eva")(db) == 1
    assert since() == [("approved", b"0.jpg", "eva", None)]
    find(db, "0.jpg", DIGESTS[0])
    condemned.spare_wanted()(db)
    assert since()[1:] == [("found", b"0.jpg", None, None), ("withdrawn", b"0.jpg", None, None)]
    begin = history_rows.last_id()(db)
    lose(db, b"1.jpg")
    db.execute("UPDATE deletion SET state = 'held'")
    assert condemned.dismiss(SPRING, "tom")(db) == 1
    assert since() == [("dismissed", b"1.jpg", "tom", None)]
    assert kept.release(SPRING, "ann")(db).images == 1
    assert since()[1:] == [("released", b"1.jpg", "ann", None)]
    begin = history_rows.last_id()(db)
    kept.keep(ONE, DIGESTS[1], KeepReason.FOREIGN)(db)
    (row,) = history_rows.after(Filter(), begin, 100)(db)
    assert (row.what, row.account, row.why) == (What.KEPT, ONE, "foreign")


def test_an_image_is_kept_when_its_file_leaves_without_a_deletion(db: sqlite3.Connection) -> None:
    find(db, "a.jpg", PICTURE)
    hold(db)
    missed.mark(7, 1, [b"a.jpg"], [])(db)
    missed.forget(7, KeepReason.EXCLUDED)(db)
    assert [(row.what, row.why) for row in rows(db)][2:] == [
        (What.GONE, "excluded"),
        (What.KEPT, "excluded"),
    ]


def test_pauses_by_an_operator_are_recorded(db: sqlite3.Connection) -> None:
    pause = OperatorPause(since=1.0, until=None, why="frozen", user="eva")
    operator_pauses.begin([ONE, TWO], pause)(db)
    operator_pauses.end([TWO], "tom")(db)
    assert [(row.what, row.account, row.user, row.why) for row in rows(db)] == [
        (What.PAUSED, ONE, "eva", "frozen"),
        (What.PAUSED, TWO, "eva", "frozen"),
        (What.RESUMED, TWO, "tom", None),
    ]


def test_rows_are_selected_by_time_account_kind_image_and_number(db: sqlite3.Connection) -> None:
    for n, name in ((0, "a.jpg"), (1, "b.jpg")):
        find(db, name, DIGESTS[n])
        replicas.record_held(ONE, [(DIGESTS[n], Entry(hash=ImageHash(f"{n}" * 8)))], 1.0)(db)
    hold(db, TWO)
    db.execute("UPDATE history SET at = id * 10")
    for wanted, ids in (
        (Filter(), [1, 2, 3, 4, 5]),
        (Filter(since=30.0), [3, 4, 5]),
        (Filter(since=51.0), []),
        (Filter(accounts=[TWO]), [5]),
        (Filter(whats=["found", "copied"]), [1, 3]),
        (Filter(images=[2]), [3, 4]),
        (Filter(images=[]), []),
        (Filter(images=[1], accounts=[ONE], since=5.0), [2]),
    ):
        assert [row.id for row in rows(db, wanted)] == ids, wanted
    assert [row.id for row in rows(db, limit=2)] == [4, 5]
    assert [row.id for row in history_rows.after(Filter(), 2, 2)(db)] == [3, 4]


def test_old_rows_are_removed_in_pieces_and_the_last_one_stays(db: sqlite3.Connection) -> None:
    find(db, "a.jpg", PICTURE)
    count = 2 * history.PIECE + 5
    db.executemany(
        "INSERT INTO history (at, what, image_id) VALUES (?, 'found', 1)",
        [(n,) for n in range(count)],
    )
    db.execute("DELETE FROM history WHERE at > ?", (count,))
    assert history.forget_before(count - 3.0)(db)
    assert history.forget_before(count - 3.0)(db)
    assert not history.forget_before(count - 3.0)(db)
    assert [row.at for row in rows(db)] == [count - 3, count - 2, count - 1]
    last = history_rows.last_id()(db)
    assert not history.forget_before(time.time())(db)
    assert [row.id for row in rows(db)] == [last]


def test_an_upload_whose_other_rows_were_removed_has_the_path_of_a_file_of_its_image(
    db: sqlite3.Connection,
) -> None:
    find(db, "sub/a.jpg", PICTURE)
    hold(db)
    db.execute("DELETE FROM history WHERE what = 'found'")
    (row,) = rows(db)
    assert (row.path, row.root) == (b"sub/a.jpg", b"/spring")


def test_the_images_of_one_commit_are_one_row_and_are_read_in_their_order(
    db: sqlite3.Connection,
) -> None:
    record_files(db, [(f"{n}.jpg", DIGESTS[n]) for n in range(9)])
    held = [(DIGESTS[n], Entry(hash=ImageHash(f"{n}" * 8))) for n in range(9)]
    replicas.record_held(ONE, held, 1.0)(db)
    assert db.execute("SELECT what, length(images) FROM history").fetchall() == [
        ("found", 36),
        ("uploaded", 36),
    ]
    assert [(row.path, row.hash) for row in rows(db)] == [
        *((b"%d.jpg" % n, None) for n in range(9)),
        *((b"%d.jpg" % n, f"{n}" * 8) for n in range(9)),
    ]
    assert [row.hash for row in rows(db, limit=2)] == ["7" * 8, "8" * 8]
    assert len(history_rows.after(Filter(), 0, 2)(db)) == 9
    find(db, "9.jpg", DIGESTS[9])
    for count in (2, 9):  # SQLite searches, or Python compares
        wanted = Filter(images=range(2, 2 + count))
        found = [row.digest for row in rows(db, wanted)]
        assert found == [*DIGESTS[1 : 1 + count][:8] * 2, *DIGESTS[9 : 1 + count]]


def test_an_image_is_not_found_where_parts_of_two_ids_look_like_its_id(
    db: sqlite3.Connection,
) -> None:
    db.execute(
        "INSERT INTO history (at, what, images) VALUES (1, 'found', ?)", (history.pack([1, 1]),)
    )
    assert history.pack([256]) in history.pack([1, 1])
    assert rows(db, Filter(images=[256])) == []


@pytest.mark.parametrize("lost", [[], ["a.jpg"], ["b.jpg"], ["b.jpg", "a.jpg"], ["a.jpg", "b.jpg"]])
@pytest.mark.parametrize("at_once", [True, False])
def test_each_file_of_an_image_is_found_under_its_own_path(
    db: sqlite3.Connection, lost: list[str], at_once: bool
) -> None:
    both = [("b.jpg", PICTURE), ("a.jpg", PICTURE)]
    for some in [both] if at_once else [both[:1], both[1:]]:
        record_files(db, some)
    hold(db)
    for name in lost:
        lose(db, name.encode())
    assert [(row.what, row.path) for row in rows(db)][:3] == [
        (What.FOUND, b"b.jpg"),
        (What.FOUND, b"a.jpg"),
        (What.UPLOADED, b"a.jpg"),
    ]


@pytest.mark.parametrize("since", [-1.0, 0.0, 4.5, 5.0, 49.0, 50.0, 99.0])
def test_the_first_row_since_a_time_is_found_between_removed_ids(
    db: sqlite3.Connection, since: float
) -> None:
    assert history.first_since(db, since) == 0
    ids = [3, 4, 9, 10, 11, 30, 31, 32, 33, 50]
    db.executemany(
        "INSERT INTO history (id, at, what) VALUES (?1, ?1, 'paused')", [(i,) for i in ids]
    )
    first = history.first_since(db, since)
    assert [i for i in ids if i >= first] == [i for i in ids if i >= since]
