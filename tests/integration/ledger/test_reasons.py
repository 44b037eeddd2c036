"""The reasons of an account's images, when a server gives each image a message of its own."""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing

import pytest

from syncd.ledger import files, folders, queries, replicas, schema
from syncd.ledger.files import Content, Place
from syncd.ledger.queries import MOST_REASONS, Count
from syncd.ledger.statements import Write
from syncd.model import AccountId, Digest, FolderName, Stat

ONE = AccountId("1")
DIGESTS = [Digest(bytes([n]) * 32) for n in range(2 * MOST_REASONS)]
STAT = Stat(device=1, inode=2, size=3, mtime_ns=4, ctime_ns=5)


@pytest.fixture
def db() -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as opened:
        schema.create(opened)
        folder = folders.declare(FolderName("a"), b"/a", [ONE])(opened)
        for digest in DIGESTS:
            content = Content(digest=digest, size=7, format="PNG", width=1, height=1, unfit=None)
            files.record_all([(Place(folder, b"", digest.hex().encode()), STAT, content)])(opened)
        yield opened


Record = Callable[[Digest, str], Write[None]]
Reading = Callable[[sqlite3.Connection], list[Count]]
REASONS: dict[str, tuple[Record, Reading]] = {
    "rejections": (
        lambda digest, why: replicas.record_rejected(ONE, digest, why),
        queries.rejections(ONE),
    ),
    "troubles": (
        lambda digest, why: replicas.record_trouble(ONE, [digest], why),
        queries.troubles(ONE),
    ),
}


@pytest.mark.parametrize("kind", REASONS)
def test_only_the_most_frequent_of_many_reasons_are_counted(
    db: sqlite3.Connection, kind: str
) -> None:
    record, read = REASONS[kind]
    for number, digest in enumerate(DIGESTS):
        record(digest, f"1: request {number:03}" if number < len(DIGESTS) - 2 else "1: twice")(db)
    counts = read(db)
    assert counts[0] == Count("1: twice", 2)
    assert len(counts) == MOST_REASONS
