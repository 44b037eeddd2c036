"""Folders whose name or path has changed in the configuration, in a real ledger."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing

import pytest

from syncd.ledger import files, folders, history_rows, missed, replicas, schema
from syncd.ledger.files import Content, Place
from syncd.ledger.history_rows import Filter
from syncd.ledger.kept import KeepReason
from syncd.model import AccountId, Deletions, Digest, Entry, FolderName, ImageHash, Stat

ONE = AccountId("1")
SPRING, AUTUMN, WINTER = FolderName("spring"), FolderName("autumn"), FolderName("winter")


@pytest.fixture
def db() -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as opened:
        opened.execute("PRAGMA foreign_keys = ON")
        schema.create(opened)
        yield opened


def declare(db: sqlite3.Connection, name: FolderName, path: bytes) -> int:
    return folders.declare(name, path, [ONE], Deletions.PROPAGATE)(db)


def put(db: sqlite3.Connection, folder_id: int, path: bytes) -> None:
    """Record a file with an image of its own, which the account holds."""
    digest = Digest(path.ljust(32, b"."))
    its = Content(digest=digest, size=1, format="JPEG", width=1, height=1, unfit=None)
    directory, _, name = path.rpartition(b"/")
    stat = Stat(device=1, inode=1, size=1, mtime_ns=1, ctime_ns=1)
    files.record_all([(Place(folder_id, directory, name), stat, its)])(db)
    replicas.record_held(ONE, [(digest, Entry(hash=ImageHash(digest.hex())))], 1.0)(db)


def paths(db: sqlite3.Connection, folder_id: int) -> list[bytes]:
    """Return the paths of a folder's files, after a check that its directories are a tree."""
    rows = db.execute(
        """
        WITH RECURSIVE tree (id, path) AS (
            SELECT id, path FROM directory WHERE folder_id = ?1 AND parent_id IS NULL
            UNION ALL
            SELECT directory.id, directory.path
            FROM directory JOIN tree ON directory.parent_id = tree.id
        )
        SELECT iif(path = x'', name, CAST(path || '/' || name AS BLOB))
        FROM tree JOIN file ON directory_id = id
        """,
        (folder_id,),
    )
    found = sorted(path for (path,) in rows)
    count = "SELECT count(*) FROM file JOIN directory ON id = directory_id WHERE folder_id = ?"
    assert db.execute(count, (folder_id,)).fetchone() == (len(found),)
    return found


@pytest.mark.parametrize(
    ("to", "inside"),
    [
        (b"/disk/x", [b"in.jpg", b"x/deep.jpg", b"y/deep.jpg"]),
        (b"/disk/x/x", [b"deep.jpg"]),
        (b"/disk/x/x/unknown", []),
        (b"/disk/unknown/x", []),
    ],
)
def test_a_folder_with_a_path_below_has_the_files_there_and_keeps_all_other_images(
    db: sqlite3.Connection, to: bytes, inside: list[bytes]
) -> None:
    names = [b"out.jpg", b"x/in.jpg", b"x/x/deep.jpg", b"x/y/deep.jpg", b"xx/out.jpg"]
    folder_id = declare(db, SPRING, b"/disk")
    for name in names:
        put(db, folder_id, name)
    assert declare(db, SPRING, to) == folder_id
    assert paths(db, folder_id) == inside
    prefix = to.removeprefix(b"/disk/") + b"/"
    outside = [name for name in names if name.removeprefix(prefix) not in inside]
    kept = db.execute("SELECT path, reason FROM kept ORDER BY path").fetchall()
    assert kept == [(name, "excluded") for name in outside]
    assert db.execute("SELECT * FROM missed").fetchall() == []


def test_a_path_that_becomes_wider_and_narrow_again_loses_no_file(db: sqlite3.Connection) -> None:
    folder_id = declare(db, SPRING, b"/disk/x/x")
    for name in (b"a.jpg", b"x/b.jpg"):
        put(db, folder_id, name)
    declare(db, SPRING, b"/disk")
    assert paths(db, folder_id) == [b"x/x/a.jpg", b"x/x/x/b.jpg"]
    declare(db, SPRING, b"/disk/x/x")
    assert paths(db, folder_id) == [b"a.jpg", b"x/b.jpg"]
    assert db.execute("SELECT * FROM kept").fetchall() == []


def test_a_file_that_is_gone_is_found_below_another_path_of_its_folder(
    db: sqlite3.Connection,
) -> None:
    folder_id = declare(db, SPRING, b"/disk/x")
    put(db, folder_id, b"a.jpg")
    (root,) = db.execute("SELECT id FROM directory").fetchone()
    missed.mark(1, root, [b"a.jpg"], [])(db)
    missed.forget(1, KeepReason.SUSPECT)(db)
    for path, relative in ((b"/disk", b"x/a.jpg"), (b"/disk/x", b"a.jpg")):
        declare(db, SPRING, path)
        assert history_rows.images_of_path(SPRING, relative)(db) == [1]
        rows = history_rows.newest(Filter(images=[1]), 9)(db)
        assert {(row.root, row.path) for row in rows} == {(path, relative)}


def test_folders_that_exchange_their_names_in_a_circle_keep_their_files(
    db: sqlite3.Connection,
) -> None:
    ids = [
        declare(db, name, path)
        for name, path in ((SPRING, b"/a"), (AUTUMN, b"/b"), (WINTER, b"/c"))
    ]
    assert declare(db, SPRING, b"/b") == ids[1]
    assert declare(db, AUTUMN, b"/c") == ids[2]
    assert declare(db, WINTER, b"/a") == ids[0]
    assert folders.retire_others([SPRING, AUTUMN, WINTER])(db) == {}


def test_a_name_given_to_the_path_of_a_removed_folder_retires_the_removed_name(
    db: sqlite3.Connection,
) -> None:
    spring, autumn = declare(db, SPRING, b"/a"), declare(db, AUTUMN, b"/b")
    assert declare(db, SPRING, b"/b") == autumn
    assert list(folders.retire_others([SPRING])(db)) == ["autumn"]
    (name,) = db.execute("SELECT name FROM folder WHERE id = ?", (spring,)).fetchone()
    assert name == "autumn"


def test_a_new_name_belongs_to_the_fed_folder_of_two_that_had_its_path(
    db: sqlite3.Connection,
) -> None:
    spring, _ = declare(db, SPRING, b"/a"), declare(db, AUTUMN, b"/b")
    folders.retire_others([SPRING])(db)
    assert declare(db, SPRING, b"/b") == spring
    assert declare(db, WINTER, b"/b") == spring
