"""How long an account's missing images have waited, as its stats line reports it."""

import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing

import pytest

from syncd.ledger import files, folders, missed, queries, replicas, schema
from syncd.ledger.files import Content, Place
from syncd.ledger.kept import KeepReason
from syncd.ledger.wanted import refresh_next
from syncd.model import AccountId, Digest, Entry, FolderName, ImageHash, Sent, Stat
from syncd.rules.unanswered import Named

ONE, TWO = AccountId("1"), AccountId("2")
DIGESTS = [Digest(bytes([n]) * 32) for n in range(3)]
HASH = ImageHash("ff00")
AGO = 1000


@pytest.fixture
def db() -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as opened:
        schema.create(opened)
        folders.declare(FolderName("a"), b"/a", [ONE])(opened)
        yield opened


def put(db: sqlite3.Connection, name: bytes, number: int) -> None:
    content = Content(digest=DIGESTS[number], size=7, format="PNG", width=1, height=1, unfit=None)
    files.record_all(
        [(Place(1, b"", name), Stat(device=1, inode=2, size=3, mtime_ns=4, ctime_ns=5), content)]
    )(db)


def drop(db: sqlite3.Connection, name: bytes) -> None:
    missed.mark(7, 1, [name], [])(db)
    missed.forget(7, KeepReason.SUSPECT)(db)


def let_time_pass(db: sqlite3.Connection) -> None:
    db.execute("UPDATE replica SET wanted_at = wanted_at - ?", (AGO,))


def waits(db: sqlite3.Connection, account: AccountId = ONE) -> float | None:
    """Return for how many seconds the oldest missing image of the account has waited."""
    since = queries.tally(account)(db).waiting_since
    return None if since is None else time.time() - since


def just_now(seconds: float | None) -> bool:
    return seconds is not None and -1 < seconds < AGO / 2


def long_ago(seconds: float | None) -> bool:
    return seconds is not None and AGO - 1 < seconds < 1.5 * AGO


def test_an_image_waits_from_its_first_file_on(db: sqlite3.Connection) -> None:
    assert waits(db) is None
    put(db, b"a", 0)
    assert just_now(waits(db))
    let_time_pass(db)
    put(db, b"again", 0)
    put(db, b"b", 1)
    assert long_ago(waits(db))
    replicas.record_held(ONE, [(DIGESTS[0], Entry(hash=HASH))], 1.0)(db)
    assert just_now(waits(db))
    replicas.record_held(ONE, [(DIGESTS[1], Entry(hash=ImageHash("ff01")))], 1.0)(db)
    assert waits(db) is None


def test_a_rewritten_file_is_another_image_that_begins_to_wait(db: sqlite3.Connection) -> None:
    put(db, b"a", 0)
    let_time_pass(db)
    put(db, b"a", 1)
    assert just_now(waits(db))


def test_an_image_starts_to_wait_again_when_its_file_returns(db: sqlite3.Connection) -> None:
    put(db, b"a", 0)
    sent = replicas.record_sending(ONE, {DIGESTS[0]: Named("a")}, Sent(1.0, 0))
    sent(db)  # so that its row is kept
    let_time_pass(db)
    drop(db, b"a")
    assert waits(db) is None
    put(db, b"a", 0)
    assert just_now(waits(db))


def test_an_image_that_an_account_has_lost_waits_from_then_on(db: sqlite3.Connection) -> None:
    put(db, b"a", 0)
    replicas.record_held(ONE, [(DIGESTS[0], Entry(hash=HASH))], 1.0)(db)
    let_time_pass(db)
    replicas.record_not_held(ONE, HASH)(db)
    assert just_now(waits(db))


def test_a_rejected_image_that_is_retried_waits_from_then_on(db: sqlite3.Connection) -> None:
    put(db, b"a", 0)
    replicas.record_rejected(ONE, DIGESTS[0], "why")(db)
    let_time_pass(db)
    assert waits(db) is None
    replicas.retry_rejected()(db)
    assert just_now(waits(db))


def test_every_image_begins_to_wait_for_a_new_mirror(db: sqlite3.Connection) -> None:
    put(db, b"a", 0)
    let_time_pass(db)
    folders.declare(FolderName("a"), b"/a", [ONE, TWO])(db)
    assert not refresh_next()(db)
    assert long_ago(waits(db))
    assert just_now(waits(db, TWO))
