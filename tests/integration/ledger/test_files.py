"""Files in a real ledger, and the replicas that follow from them."""

import hashlib
import sqlite3
from collections.abc import Iterator
from contextlib import closing

import pytest

from syncd.ledger import files, folders, missed, replicas, schema, sources
from syncd.ledger.files import Content, Place
from syncd.ledger.kept import KeepReason
from syncd.ledger.stat_columns import stat_of
from syncd.model import AccountId, Digest, Entry, FolderName, ImageHash, Stat

ONE, TWO = AccountId("1"), AccountId("2")
DIGESTS = [Digest(hashlib.sha256(bytes([n])).digest()) for n in range(5)]
STAT = Stat(device=1, inode=2, size=3, mtime_ns=4, ctime_ns=5)


@pytest.fixture
def db() -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as opened:
        opened.execute("PRAGMA foreign_keys = ON")
        schema.create(opened)
        yield opened


def content(digest: Digest) -> Content:
    return Content(digest=digest, size=7, format="PNG", width=1, height=1, unfit=None)


def put(db: sqlite3.Connection, name: bytes, digest: Digest, directory: bytes = b"") -> None:
    folder = folders.declare(FolderName("a"), b"/a", [ONE])(db)
    files.record_all([(Place(folder, directory, name), STAT, content(digest))])(db)


def forget_files(db: sqlite3.Connection) -> None:
    """Forget every file, as after a scan that found none."""
    for directory_id, name in db.execute("SELECT directory_id, name FROM file").fetchall():
        missed.mark(1, directory_id, [name], [])(db)
    missed.forget(1, KeepReason.SUSPECT)(db)


def test_the_views_map_files_to_images_and_images_to_hashes(db: sqlite3.Connection) -> None:
    digest = Digest(hashlib.sha256(b"the bytes").digest())
    put(db, b"x.jpg", digest, b"d/e")
    replicas.record_held(ONE, [(digest, Entry(hash=ImageHash("ff00")))], 1.0)(db)
    assert db.execute("SELECT * FROM files").fetchall() == [
        ("/a/d/e/x.jpg", "a", digest.hex(), None)
    ]
    assert db.execute("SELECT * FROM replicas").fetchall() == [
        ("1", digest.hex(), "held", "ff00", None)
    ]


@pytest.mark.parametrize("known", [[], [DIGESTS[1]], DIGESTS[:4]], ids=len)
def test_each_file_has_its_image_whichever_of_them_are_new(
    db: sqlite3.Connection, known: list[Digest]
) -> None:
    for number, digest in enumerate(known):
        put(db, b"known-%d.jpg" % number, digest)
    digests = [DIGESTS[2], DIGESTS[0], DIGESTS[2], DIGESTS[1], DIGESTS[4]]
    folder = folders.declare(FolderName("a"), b"/a", [ONE])(db)
    found = [
        (Place(folder, b"d", b"%d.jpg" % number), STAT, content(digest))
        for number, digest in enumerate(digests)
    ]
    assert files.record_all(found)(db) == [True] * 5
    rows = db.execute("SELECT file, sha256 FROM files WHERE file LIKE '/a/d/%' ORDER BY file")
    assert rows.fetchall() == [(f"/a/d/{n}.jpg", digest.hex()) for n, digest in enumerate(digests)]


@pytest.mark.parametrize("path", [b"d", b"d/e"])
def test_a_missed_directory_in_which_a_file_is_seen_is_not_forgotten(
    db: sqlite3.Connection, path: bytes
) -> None:
    for number, directory in enumerate([b"d/e", b"de", b"d"]):
        put(db, b"x.jpg", DIGESTS[number], directory)
    known = files.known_directory(1, path.rpartition(b"/")[0])(db)
    assert known.directory_id is not None
    missed.mark(5, known.directory_id, [], [known.directories[path], known.directory_id])(db)
    put(db, b"new.jpg", DIGESTS[3], b"d/e")
    assert missed.forget(5, KeepReason.SUSPECT)(db) == 0
    assert len(replicas.missing_after(ONE, replicas.FIRST_MISSING, 9)(db).digests) == 4


def test_the_files_of_a_directory_are_read_in_order_and_in_parts(db: sqlite3.Connection) -> None:
    names = [b"\xff", b"a", b"a\n", b"B", b"aa"]
    for name in names:
        put(db, name, DIGESTS[0], b"d")
    put(db, b"a", DIGESTS[0], b"e")
    known = files.known_directory(1, b"d")(db).directory_id
    assert known is not None

    def between(first: bytes, end: bytes | None) -> list[bytes]:
        return [row[0] for row in files.known_files(known, first, end)(db)]

    assert between(b"", None) == sorted(names)
    assert between(b"a", b"aa") == [b"a", b"a\n"]
    assert between(b"", b"a") == [b"B"]
    assert between(b"aa", None) == [b"aa", b"\xff"]


def test_a_rejection_outlives_the_file(db: sqlite3.Connection) -> None:
    put(db, b"x.jpg", DIGESTS[0])
    forget_files(db)
    replicas.record_rejected(ONE, DIGESTS[0], "100/1487197")(db)  # its POST was in flight
    put(db, b"back.jpg", DIGESTS[0])
    assert replicas.missing_after(ONE, replicas.FIRST_MISSING, 9)(db).digests == []


def test_a_retry_leaves_no_row_of_an_unwanted_image(db: sqlite3.Connection) -> None:
    put(db, b"x.jpg", DIGESTS[0])
    replicas.record_rejected(ONE, DIGESTS[0], "100/1487197")(db)
    forget_files(db)
    assert replicas.retry_rejected()(db) == 0
    assert db.execute("SELECT * FROM replica").fetchall() == []


@pytest.mark.parametrize("inode", [0, 1, 2**63 - 1, 2**63, 2**64 - 1])
@pytest.mark.parametrize("ns", [-(10**18), 0, 2**63 - 1, 2**63, 15032385535 * 10**9])
def test_a_stat_of_any_file_system_is_read_as_it_was_recorded(
    db: sqlite3.Connection, inode: int, ns: int
) -> None:
    folder = folders.declare(FolderName("a"), b"/a", [ONE])(db)
    place = Place(folder, b"", b"x")
    stat = Stat(device=inode, inode=inode, size=3, mtime_ns=ns, ctime_ns=ns)
    files.record_all([(place, stat, content(DIGESTS[0]))])(db)
    assert files.known_stat(place)(db) == stat
    directory = files.known_directory(folder, b"")(db).directory_id
    assert directory is not None
    rows = files.known_files(directory, b"", None)(db)
    assert {row[0]: stat_of(row) for row in rows} == {b"x": stat}
    assert sources.of_image(ONE, DIGESTS[0])(db)[0].stat == stat


def test_a_recorded_file_is_reported_as_missing_only_in_the_accounts_of_its_folder(
    db: sqlite3.Connection,
) -> None:
    spring, autumn = (
        folders.declare(name, b"/" + name.encode(), [account])(db)
        for name, account in ((FolderName("spring"), ONE), (FolderName("autumn"), TWO))
    )
    put_in = (Place(spring, b"", b"y"), STAT, content(DIGESTS[0]))
    assert files.record_all([put_in])(db) == [True]
    replicas.record_held(ONE, [(DIGESTS[0], Entry(hash=ImageHash("00")))], 1.0)(db)
    found = [(Place(f, b"", b"x"), STAT, content(DIGESTS[0])) for f in (spring, autumn)]
    assert files.record_all(found)(db) == [False, True]
