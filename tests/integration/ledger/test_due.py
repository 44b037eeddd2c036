"""Every fact that prevents a deletion, alone, in each of the two statements that consult it.

`due` finds the images that the account is asked about; `facts` is read again for each of them, at
last right before the DELETE is sent. Neither relies on the other.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import closing

import pytest

from syncd.ledger import condemned, deletions, files, folders, missed, replicas, schema
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
    Stat,
)
from syncd.rules.deletion import is_due

ACCOUNT, SPRING = AccountId("1"), FolderName("spring")
ROOT = RootIdentity(device=1, inode=2, filesystem=3, born_ns=4, unlinked=False)
GONE, STAYS, NEW = (Digest(bytes([n]) * 32) for n in range(3))
LATER = 1e9
"""An age of the ledger, and a unix time, at which every grace has ended."""

FACTS = {
    "a file needs it": "UPDATE replica SET wanted = 1",
    "the account does not hold it": "UPDATE replica SET hash = NULL",
    "its DELETE was sent": "UPDATE replica SET delete_sent_at = 1",
    "it is not condemned": "DELETE FROM deletion",
    "its deletion was withdrawn": "UPDATE deletion SET state = 'withdrawn'",
    "it awaits the operator": "UPDATE deletion SET state = 'held'",
    "its grace has not begun": "UPDATE deletion SET found_age = NULL",
    "its grace has not ended": f"""
        UPDATE baseline SET reviewed_age = {3 * LATER};
        UPDATE deletion SET found_age = {2 * LATER}
        """,
    "no pass has seen the scan that confirms it": "UPDATE baseline SET reviewed_age = NULL",
    "it was condemned after that scan": "UPDATE deletion SET found_age = 5",
    "its folder is suspect": "UPDATE baseline SET suspect = 'is odd'",
    "its folder was never trusted": "DELETE FROM baseline",
    "its folder keeps its images": "UPDATE folder SET deletions = 'keep'",
    "its folder no longer feeds the account": "DELETE FROM route",
    "it is kept": """
        INSERT INTO kept (account_id, image_id, folder_id, path, reason, kept_at)
        SELECT account_id, image_id, folder_id, path, 'dismissed', 1 FROM deletion
        """,
}
"""SQL that adds one fact to a ledger with one deletion that is due."""


def record(db: sqlite3.Connection, folder: int, name: bytes, digest: Digest) -> None:
    stat = Stat(device=1, inode=1, size=digest[0], mtime_ns=1, ctime_ns=1)
    its = Content(digest=digest, size=1, format="JPEG", width=1, height=1, unfit=None)
    files.record_all([(Place(folder, b"", name), stat, its)])(db)


@pytest.fixture
def db() -> Iterator[sqlite3.Connection]:
    """A ledger in which one deletion is due, of `GONE` in the file gone.jpg."""
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as opened:
        schema.create(opened)
        folder = folders.declare(SPRING, b"/spring", [ACCOUNT], Deletions.PROPAGATE)(opened)
        for name, digest in ((b"gone.jpg", GONE), (b"stays.jpg", STAYS)):
            record(opened, folder, name, digest)
            entry = Entry(hash=ImageHash(digest.hex()))
            replicas.record_held(ACCOUNT, [(digest, entry)], 1.0)(opened)
        folders.trust(folder, ROOT, "", 2, Moment(1.0, 1.0))(opened)
        ((root,),) = opened.execute("SELECT id FROM directory")
        missed.mark(2, root, [b"gone.jpg"], [])(opened)
        condemned.condemn_missed(2, Moment(2.0, 2.0))(opened)
        folders.trust(folder, ROOT, "", 1, Moment(3.0, 3.0))(opened)
        condemned.hold_excess(HoldAbove(20, 0.1), 4.0)(opened)
        yield opened


def is_found(db: sqlite3.Connection) -> bool:
    """Return whether `due` finds the image."""
    return GONE in [image.digest for image in deletions.due(ACCOUNT, LATER, LATER, 9)(db)]


def is_confirmed(db: sqlite3.Connection) -> bool:
    """Return whether the image may be deleted according to `facts`."""
    facts = deletions.facts(ACCOUNT, GONE, LATER)(db)
    return facts is not None and is_due(facts, account_open=True)


def test_a_deletion_is_due_without_any_of_these_facts(db: sqlite3.Connection) -> None:
    assert is_found(db)
    assert is_confirmed(db)


@pytest.mark.parametrize("fact", FACTS)
def test_no_account_is_asked_about_an_image_if(db: sqlite3.Connection, fact: str) -> None:
    db.executescript(FACTS[fact])
    assert not is_found(db)


@pytest.mark.parametrize("fact", FACTS)
def test_no_image_is_deleted_if(db: sqlite3.Connection, fact: str) -> None:
    db.executescript(FACTS[fact])
    assert not is_confirmed(db)


def test_a_replaced_image_is_due_once_the_account_holds_what_replaces_it(
    db: sqlite3.Connection,
) -> None:
    ((folder,),) = db.execute("SELECT id FROM folder")
    record(db, folder, b"gone.jpg", NEW)
    assert not is_found(db)
    assert not is_confirmed(db)
    replicas.record_held(ACCOUNT, [(NEW, Entry(hash=ImageHash("aa")))], 5.0)(db)
    assert is_found(db)
    assert is_confirmed(db)
