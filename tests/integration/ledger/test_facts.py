"""Histories of facts in a real ledger, beside a plain Python model of what they add up to."""

import hashlib
import sqlite3
from collections import Counter
from dataclasses import dataclass
from typing import Any, TypeVar

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from syncd.ledger import files, folders, queries, replicas, schema
from syncd.ledger.files import Content, KnownDirectory, Place
from syncd.ledger.queries import Tally
from syncd.ledger.stat_columns import stat_of
from syncd.ledger.statements import Write
from syncd.model import AccountId, Digest, Entry, FolderName, ImageHash, Stat

T = TypeVar("T")

ACCOUNTS = [AccountId("1"), AccountId("2"), AccountId("3")]
FOLDERS = [FolderName("spring"), FolderName("autumn")]
DIRECTORIES = [b"", b"d", b"d/e", b"d/e/f", b"de", b"\xff\n"]
NAMES = [b"a.jpg", b"b.jpg", b"\xfe.jpg"]
DIGESTS = [Digest(hashlib.sha256(bytes([n])).digest()) for n in range(5)]
UNFIT = DIGESTS[4]

accounts = st.sampled_from(ACCOUNTS)
some_folder = st.sampled_from(FOLDERS)
digests = st.sampled_from(DIGESTS)
places = st.tuples(some_folder, st.sampled_from(DIRECTORIES), st.sampled_from(NAMES))
scans = st.integers(1, 3)
wide = st.integers(0, 2**64 - 1)

Spot = tuple[FolderName, bytes]
Where = tuple[FolderName, bytes, bytes]


def open_memory() -> sqlite3.Connection:
    db = sqlite3.connect(":memory:", isolation_level=None)
    db.execute("PRAGMA foreign_keys = ON")
    schema.migrate(db)
    return db


@dataclass
class Row:
    """What stands in replica beside the count."""

    held: bool = False
    rejected: bool = False


class Facts(RuleBasedStateMachine):
    """The ledger and the model hear of the same things in the same order."""

    def __init__(self) -> None:
        super().__init__()
        self.db = open_memory()
        self.stat = 0
        self.routes: dict[FolderName, set[AccountId]] = {}
        self.ids: dict[FolderName, int] = {}
        self.files: dict[Where, Digest | None] = {}
        self.stats: dict[Where, Stat | None] = {}
        self.directories: set[Spot] = set()
        self.missed_files: dict[Where, int] = {}
        self.missed_directories: dict[Spot, int] = {}
        self.unfit: dict[Digest, bool] = {}  # of every image that was ever read
        self.rows: dict[tuple[AccountId, Digest], Row] = {}
        for name in FOLDERS:
            self.configured(name, {ACCOUNTS[0]})

    def teardown(self) -> None:
        self.db.close()

    def make(self, change: Write[T]) -> T:
        self.db.execute("BEGIN IMMEDIATE")
        result = change(self.db)
        self.db.execute("COMMIT")
        return result

    def settle(self) -> None:
        """Give the model its rows: each has a reason to be."""
        for key in self.counts:
            self.rows.setdefault(key, Row(rejected=self.unfit[key[1]]))
        self.rows = {
            key: row
            for key, row in self.rows.items()
            if self.counts[key] or row.held or row.rejected
        }

    @property
    def counts(self) -> Counter[tuple[AccountId, Digest]]:
        return Counter(
            (account, digest)
            for (folder, _, _), digest in self.files.items()
            if digest is not None
            for account in self.routes[folder]
        )

    @rule(name=some_folder, to=st.sets(accounts))
    def configured(self, name: FolderName, to: set[AccountId]) -> None:
        self.ids[name] = self.make(folders.declare(name, f"/{name}".encode(), list(to)))
        self.routes[name] = to
        self.settle()

    @rule(kept=st.sets(some_folder))
    def some_folders_are_configured_no_more(self, kept: set[FolderName]) -> None:
        gone = self.make(folders.retire_others(list(kept)))
        assert set(gone) == {name for name in FOLDERS if name not in kept and self.routes[name]}
        for name in gone:
            self.routes[FolderName(name)] = set()
        self.settle()

    def new_stat(self) -> Stat:
        self.stat += 1
        return Stat(
            device=2**64 - 1,
            inode=2**64 - self.stat,
            size=self.stat,
            mtime_ns=-self.stat,
            ctime_ns=2**63 + self.stat,
        )

    def seen(self, where: Where) -> Place:
        folder, directory, name = where
        above = directory
        while (folder, above) not in self.directories or above:
            self.directories.add((folder, above))
            self.missed_directories.pop((folder, above), None)
            if not above:
                break
            above = above.rpartition(b"/")[0]
        self.missed_directories.pop((folder, b""), None)
        self.missed_files.pop(where, None)
        return Place(self.ids[folder], directory, name)

    @rule(where=places, digest=digests)
    def a_file_comes_or_changes(self, where: Where, digest: Digest) -> None:
        place, stat = self.seen(where), self.new_stat()
        unfit = "no image" if digest == UNFIT else None
        content = Content(
            digest=digest, size=7, format=None if unfit else "PNG", width=1, height=1, unfit=unfit
        )
        self.make(files.record_all([(place, stat, content)]))
        self.files[where], self.stats[where] = digest, stat
        self.unfit.setdefault(digest, digest == UNFIT)
        self.settle()

    @rule(where=places)
    def a_file_cannot_be_read(self, where: Where) -> None:
        self.make(files.record_all([(self.seen(where), self.new_stat(), "Permission denied")]))
        self.files[where], self.stats[where] = None, None
        self.settle()

    @rule(scan=scans, where=places)
    def a_scan_misses_a_file(self, scan: int, where: Where) -> None:
        folder, directory, name = where
        known = files.known_directory(self.ids[folder], directory)(self.db)
        if known.directory_id is not None:
            self.make(files.mark_missed(scan, known.directory_id, [name], []))
            if where in self.files:
                self.missed_files[where] = scan

    @rule(scan=scans, folder=some_folder, directory=st.sampled_from(DIRECTORIES[1:]))
    def a_scan_misses_a_directory(self, scan: int, folder: FolderName, directory: bytes) -> None:
        above = directory.rpartition(b"/")[0]
        known = files.known_directory(self.ids[folder], above)(self.db)
        if known.directory_id is not None and directory in known.directories:
            lost = known.directories[directory]
            self.make(files.mark_missed(scan, known.directory_id, [], [lost]))
            self.missed_directories[folder, directory] = scan

    @rule(scan=scans)
    def a_scan_is_believed(self, scan: int) -> None:
        lost = {spot for spot, by in self.missed_directories.items() if by == scan}
        gone = {
            (folder, path)
            for folder, path in self.directories
            if any(folder == f and (path == p or path.startswith(p + b"/")) for f, p in lost)
        }
        lost_files = {
            where
            for where in self.files
            if self.missed_files.get(where) == scan or where[:2] in gone
        }
        assert self.make(files.forget_missed(scan)) == len(lost_files)
        for where in lost_files:
            del self.files[where], self.stats[where]
            self.missed_files.pop(where, None)
        self.directories -= gone
        for spot in gone:
            self.missed_directories.pop(spot, None)
        self.settle()

    @rule(scan=scans)
    def a_scan_is_doubted(self, scan: int) -> None:
        self.make(files.unmark_missed(scan))
        self.missed_files = {w: by for w, by in self.missed_files.items() if by != scan}
        self.missed_directories = {s: b for s, b in self.missed_directories.items() if b != scan}

    @rule()
    def a_process_starts(self) -> None:
        self.make(files.unmark_all_missed())
        self.missed_files, self.missed_directories = {}, {}

    @rule(account=accounts, held=st.sets(digests, max_size=3))
    def an_account_holds(self, account: AccountId, held: set[Digest]) -> None:
        entries = [
            (digest, Entry(hash=ImageHash(digest.hex()[:8]), name="n", width=1, height=1))
            for digest in held
        ]
        self.make(replicas.record_held(account, entries, 1.0))
        for digest in held:
            self.rows[account, digest] = Row(held=True)

    @rule(account=accounts, digest=digests)
    def an_account_rejects(self, account: AccountId, digest: Digest) -> None:
        self.make(replicas.record_rejected(account, digest, "100/1487197", 1.0))
        row = self.rows.setdefault((account, digest), Row())
        row.rejected = not row.held

    @rule(account=accounts, digest=digests)
    def a_try_fails(self, account: AccountId, digest: Digest) -> None:
        self.make(replicas.record_trouble(account, [digest], "HTTP 500"))

    @rule()
    def a_person_asks_again(self) -> None:
        rejected = sum(row.rejected and self.counts[key] > 0 for key, row in self.rows.items())
        assert self.make(replicas.retry_rejected()) == rejected
        self.unfit = dict.fromkeys(self.unfit, False)
        for row in self.rows.values():
            row.rejected = False
        self.settle()

    @invariant()
    def the_rows_are_the_counted_truth(self) -> None:
        rows = self.db.execute(
            "SELECT account, digest, files, hash IS NOT NULL, rejected IS NOT NULL FROM replica"
        )
        counts = self.counts
        assert {(a, d): (n, bool(h), bool(r)) for a, d, n, h, r in rows} == {
            key: (counts[key], row.held, row.rejected) for key, row in self.rows.items()
        }

    @invariant()
    def the_answers_agree(self) -> None:
        counts = self.counts
        for account in ACCOUNTS:
            wanted = {d for a, d in counts if a == account}
            held = {d for d in wanted if self.rows[account, d].held}
            rejected = {d for d in wanted if self.rows[account, d].rejected}
            missing = wanted - held - rejected
            tally = queries.tally(account)(self.db)
            since = tally.waiting_since
            assert tally == Tally(
                wanted=len(wanted),
                held=len(held),
                missing=len(missing),
                rejected=len(rejected),
                waiting_since=since,
            )
            assert (since is None) == (not missing)
            assert self.pages(account) == sorted(missing)
            assert queries.missing_bytes(account)(self.db) == 7 * len(missing)
            facts = replicas.facts(account, DIGESTS)(self.db)
            assert {d for d, f in facts.items() if f.wanted} == wanted
            assert {d for d, f in facts.items() if f.wanted and f.held} == held
            reasons = queries.rejections(account)(self.db)
            assert sum(count.count for count in reasons) == len(rejected)

    def pages(self, account: AccountId) -> list[Digest]:
        found: list[Digest] = []
        while page := replicas.missing_after(account, found[-1] if found else b"", 2)(self.db):
            assert len(page) <= 2
            found += page
        return found

    @invariant()
    def every_wanted_image_has_its_files_as_sources(self) -> None:
        for account, digest in [(a, d) for a in ACCOUNTS for d in DIGESTS]:
            found = replicas.sources(account, digest, 99)(self.db)
            assert {(s.folder_id, s.directory, s.name): s.stat for s in found} == {
                (self.ids[folder], directory, name): self.stats[folder, directory, name]
                for (folder, directory, name), held in self.files.items()
                if held == digest and account in self.routes[folder]
            }

    @invariant()
    def the_tree_is_what_was_seen(self) -> None:
        for folder in FOLDERS:
            for path in DIRECTORIES:
                known = files.known_directory(self.ids[folder], path)(self.db)
                assert (known.directory_id is not None) == ((folder, path) in self.directories)
                assert files_of(self.db, known) == {
                    name: stat
                    for (f, directory, name), stat in self.stats.items()
                    if (f, directory) == (folder, path)
                }

    @invariant()
    def nothing_hangs_in_the_air(self) -> None:
        assert self.db.execute("PRAGMA foreign_key_check").fetchall() == []


Facts.TestCase.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)


class TestFacts(Facts.TestCase):  # type: ignore[misc,valid-type]  # hypothesis makes it at run time
    """Runs the histories."""


ONE = AccountId("1")


def files_of(db: sqlite3.Connection, known: KnownDirectory) -> dict[bytes, Stat | None]:
    if known.directory_id is None:
        return {}
    rows = files.known_files(known.directory_id, b"", None)(db)
    return {row[0]: stat_of(row) for row in rows}


def put(db: sqlite3.Connection, name: bytes, digest: Digest, directory: bytes = b"") -> None:
    folder = folders.declare(FolderName("a"), b"/a", [ONE])(db)
    content = Content(digest=digest, size=7, format="PNG", width=1, height=1, unfit=None)
    files.record_all(
        [
            (
                Place(folder, directory, name),
                Stat(device=1, inode=2, size=3, mtime_ns=4, ctime_ns=5),
                content,
            )
        ]
    )(db)


@pytest.fixture
def db() -> Any:
    opened = open_memory()
    yield opened
    opened.close()


def test_the_library_view_tells_a_person_which_file_is_which_image(db: sqlite3.Connection) -> None:
    content = b"the bytes"
    digest = Digest(hashlib.sha256(content).digest())
    put(db, b"x.jpg", digest, b"d/e")
    replicas.record_held(ONE, [(digest, Entry(hash=ImageHash("ff00")))], 1.0)(db)
    assert db.execute("SELECT * FROM library").fetchall() == [
        ("a", b"d/e", b"x.jpg", hashlib.sha256(content).hexdigest(), "1", "ff00", None, None)
    ]


@pytest.mark.parametrize("missed", [b"d", b"d/e"])
def test_a_directory_that_a_scan_missed_and_a_file_came_into_is_not_gone(
    db: sqlite3.Connection, missed: bytes
) -> None:
    for number, directory in enumerate([b"d/e", b"de", b"d"]):
        put(db, b"x.jpg", DIGESTS[number], directory)
    known = files.known_directory(1, missed.rpartition(b"/")[0])(db)
    assert known.directory_id is not None
    files.mark_missed(5, known.directory_id, [], [known.directories[missed], known.directory_id])(
        db
    )
    put(db, b"new.jpg", DIGESTS[3], b"d/e")
    assert files.forget_missed(5)(db) == 0
    assert len(replicas.missing_after(ONE, b"", 9)(db)) == 4


def test_the_files_of_a_directory_come_in_order_and_in_parts(db: sqlite3.Connection) -> None:
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


def test_a_rejection_outlives_its_file(db: sqlite3.Connection) -> None:
    put(db, b"x.jpg", DIGESTS[0])
    db.execute("DELETE FROM file")
    replicas.record_rejected(ONE, DIGESTS[0], "100/1487197", 1.0)(db)  # its POST was under way
    put(db, b"back.jpg", DIGESTS[0])
    assert replicas.missing_after(ONE, b"", 9)(db) == []


def test_asking_again_leaves_no_row_that_nobody_wants(db: sqlite3.Connection) -> None:
    put(db, b"x.jpg", DIGESTS[0])
    replicas.record_rejected(ONE, DIGESTS[0], "100/1487197", 1.0)(db)
    db.execute("DELETE FROM file")
    assert replicas.retry_rejected()(db) == 0
    assert db.execute("SELECT * FROM replica").fetchall() == []


@pytest.mark.parametrize("inode", [0, 1, 2**63 - 1, 2**63, 2**64 - 1])
@pytest.mark.parametrize("ns", [-(10**18), 0, 2**63 - 1, 2**63, 15032385535 * 10**9])
def test_a_stat_of_any_file_system_comes_back_as_it_was(
    db: sqlite3.Connection, inode: int, ns: int
) -> None:
    folder = folders.declare(FolderName("a"), b"/a", [ONE])(db)
    place, stat = (
        Place(folder, b"", b"x"),
        Stat(device=inode, inode=inode, size=3, mtime_ns=ns, ctime_ns=ns),
    )
    files.record_all(
        [
            (
                place,
                stat,
                Content(
                    digest=DIGESTS[0], size=7, format=None, width=None, height=None, unfit=None
                ),
            )
        ]
    )(db)
    assert files.known_stat(place)(db) == stat
    assert files_of(db, files.known_directory(folder, b"")(db)) == {b"x": stat}
    assert replicas.sources(ONE, DIGESTS[0])(db)[0].stat == stat


def test_what_the_account_of_another_folder_misses_is_no_news_of_this_one(
    db: sqlite3.Connection,
) -> None:
    spring, autumn = (
        folders.declare(name, b"/", [account])(db)
        for name, account in zip(FOLDERS, ACCOUNTS, strict=False)
    )
    content = Content(digest=DIGESTS[0], size=7, format="PNG", width=1, height=1, unfit=None)
    replicas.record_held(ACCOUNTS[0], [(content.digest, Entry(hash=ImageHash("00")))], 1.0)(db)
    found = [
        (Place(f, b"", b"x"), Stat(device=1, inode=2, size=3, mtime_ns=4, ctime_ns=5), content)
        for f in (spring, autumn)
    ]
    assert files.record_all(found)(db) == [False, True]
