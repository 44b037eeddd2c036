"""Whether a directory with another inode is the one that was there before."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing

import pytest

from syncd.ledger import directories, folders, schema
from syncd.ledger.directories import Moved, Renumbered
from syncd.model import AccountId, FolderName

BEFORE, OTHER, THIRD = 10, 20, 30


@pytest.fixture
def db() -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as opened:
        schema.create(opened)
        folders.declare(FolderName("a"), b"/a", [AccountId("1")])(opened)
        directories.ensure_directory(opened, 1, b"d")
        scan(opened, 1, BEFORE, same=False)
        yield opened


def scan(db: sqlite3.Connection, number: int, inode: int, *, same: bool) -> None:
    """Conclude a scan; `same` if it found a known file unchanged in the directory."""
    directories.note_renumbered(1, number, [Renumbered(b"d", inode, same=same)])(db)
    directories.record_same(1, number)(db)
    directories.forget_renumbered(number)(db)


def inode(db: sqlite3.Connection) -> int:
    (found,) = db.execute("SELECT inode FROM directory WHERE path = ?", (b"d",)).fetchone()
    return int(found)


def test_a_file_that_was_recorded_in_another_directory_does_not_prove_it_the_former_one(
    db: sqlite3.Connection,
) -> None:
    scan(db, 2, OTHER, same=False)
    scan(db, 3, OTHER, same=True)
    assert inode(db) == BEFORE


def test_a_directory_that_another_one_had_replaced_is_known_by_its_files(
    db: sqlite3.Connection,
) -> None:
    scan(db, 2, OTHER, same=False)
    scan(db, 3, THIRD, same=True)  # it is back, and a remount has given it another number
    assert inode(db) == THIRD


def test_a_directory_that_is_accepted_in_place_of_another_is_known_by_its_files(
    db: sqlite3.Connection,
) -> None:
    directories.note_renumbered(1, 2, [Renumbered(b"d", OTHER, same=False)])(db)
    directories.record_replaced(1, 2)(db)
    scan(db, 3, THIRD, same=True)
    scan(db, 4, OTHER, same=True)
    assert inode(db) == OTHER


def add_file(db: sqlite3.Connection, path: bytes, name: bytes, stat: tuple[int, ...]) -> None:
    directory = directories.ensure_directory(db, 1, path)
    db.execute(
        """
        INSERT INTO file (directory_id, name, device, inode, size, mtime_ns, ctime_ns)
        VALUES (?, ?, ?, ?, ?, ?, ?)
        """,
        (directory, name, *stat),
    )


STAT = (1, 2, 3, 4, 5)  # device, inode, size, mtime_ns, ctime_ns


@pytest.mark.parametrize(
    ("path", "name", "stat", "is_moved"),
    [
        (b"e/f", b"x.jpg", STAT, True),
        (b"e/f", b"y.jpg", STAT, False),
        (b"e", b"x.jpg", STAT, False),
        (b"e/ff", b"x.jpg", STAT, False),
        *((b"e/f", b"x.jpg", (*STAT[:i], 9, *STAT[i + 1 :]), False) for i in range(len(STAT))),
    ],
)
@pytest.mark.parametrize("is_new", [False, True], ids=["in place of another", "at a new path"])
def test_a_directory_was_moved_if_its_inode_and_an_unchanged_file_are_elsewhere(
    db: sqlite3.Connection,
    path: bytes,
    name: bytes,
    stat: tuple[int, ...],
    *,
    is_moved: bool,
    is_new: bool,
) -> None:
    add_file(db, b"d/f", b"x.jpg", STAT)
    add_file(db, path, name, stat)
    if not is_new:
        directories.note_renumbered(1, 2, [Renumbered(b"e", THIRD, same=False)])(db)
        directories.record_same(1, 2)(db)
    both = [Renumbered(b"d", OTHER, same=False), Renumbered(b"e", BEFORE, same=False)]
    directories.note_renumbered(1, 3, both)(db)
    directories.record_same(1, 3)(db)
    found = [Moved(b"d", BEFORE, b"e")] if is_moved else []
    assert directories.moved(1, 3)(db) == found
    directories.record_moved(1, 3, found)(db)
    assert inode(db) == (OTHER if is_moved else BEFORE)


def test_a_directory_was_not_moved_to_one_that_was_never_found_with_its_inode(
    db: sqlite3.Connection,
) -> None:
    for path in (b"d", b"e"):
        add_file(db, path, b"x.jpg", STAT)
    both = [Renumbered(b"d", OTHER, same=False), Renumbered(b"e", THIRD, same=False)]
    directories.note_renumbered(1, 3, both)(db)
    directories.record_same(1, 3)(db)
    assert directories.moved(1, 3)(db) == []
